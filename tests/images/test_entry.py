"""Requests that never end leave connections for all other callers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
import virtual_time
from asgi import Client, Server, limits, request
from mlflow_platform_server import routes
from mlflow_platform_server.admission import Admission
from mlflow_platform_server.asgi import App
from mlflow_platform_server.audit import AuditLog
from mlflow_platform_server.bodies import Bodies
from mlflow_platform_server.draining import BRIEF_SECONDS, Draining
from mlflow_platform_server.entry import Entry
from mlflow_platform_server.errors import ErrorBodies
from mlflow_platform_server.fairness import Fairness
from mlflow_platform_server.off_loop import Threads
from mlflow_platform_server.path_prefix import PathPrefix
from mlflow_platform_server.protobuf_bounds import schema
from mlflow_platform_server.rates import Rates
from mlflow_platform_server.request_guard import RequestGuard
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.scope import Caller, RequestFacts
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

LOG = "POST /api/2.0/mlflow/runs/log-batch"
LIST = "GET /api/3.0/mlflow/workspaces"
UPLOAD = "PUT /api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>"
HEALTH = "GET /health"
CONNECTIONS = 500
BODY = {"Content-Length": "9999", "Content-Type": "application/json"}


class Judge:
    """A fake judge: decides at once, except about callers of one name, who wait for 5 s and are refused."""

    async def allows(self, caller: Caller, namespace: str) -> bool:
        """True if the caller has any right in the namespace."""
        del namespace
        if caller.user != "stranger":
            return True
        await asyncio.sleep(5)
        return False


class Platform:
    """The layers that a request passes, in virtual time."""

    def __init__(self, workers: int = 1) -> None:
        bounds = limits()
        self.fairness = Fairness(bounds, 14, asyncio.get_running_loop().time, workers=workers)
        bodies = Bodies(Server(), bounds, schema(ExportTraceServiceRequest.DESCRIPTOR), Threads(1, "bodies"))
        admitted: App = Admission(Rates(bodies, self.fairness), Judge())
        self.app = Draining(Entry(admitted, self.fairness), most_bytes=2**20, seconds=10)

    async def ask(self, client: Client, *, user: str | None, team: str | None, route: str = LOG) -> Client:
        """Send a request."""
        headers = {**BODY, **({"X-MLFLOW-WORKSPACE": team} if team else {})}
        found = RequestFacts(id="1", caller=None if user is None else Caller(user=user))
        return await request(self.app, client, route, headers=headers, facts=found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """An attack by requests whose bodies arrive slowly."""

    user: str | None = "mallory"
    team: str | None = "team-a"
    route: str = LOG


ATTACKS = {
    "bodies": Attack(),
    "uploads": Attack(route=UPLOAD),
    "requests without a workspace": Attack(team=None, route=LIST),
    "paths that need no identity": Attack(team=None, route=HEALTH),
    "requests of nobody": Attack(user=None, team=None, route=HEALTH),
    "requests that wait for their judgement": Attack(user="stranger", team="team-b"),
}


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_flood_of_requests_that_never_end_is_refused_at_once_beyond_a_share(kind: str, workers: int) -> None:
    attack = ATTACKS[kind]

    async def run() -> None:
        platform = Platform(workers)
        clients = [Client([b" "] * 10_000, pause=4) for _ in range(CONNECTIONS)]
        flood = [
            asyncio.create_task(platform.ask(client, user=attack.user, team=attack.team, route=attack.route))
            for client in clients
        ]
        await asyncio.sleep(BRIEF_SECONDS)
        await asyncio.sleep(0.1)
        refused = [client for client in clients if client.messages]
        assert {client.status for client in refused} == {429}
        capacity = CONNECTIONS // workers
        assert capacity * 0.7 <= CONNECTIONS - len(refused) <= capacity * 0.9
        assert platform.fairness.in_flight.total == CONNECTIONS - len(refused)
        for client in refused:
            assert int(client.headers[b"retry-after"]) >= 1
            assert "server.bounds.connections" in client.said
            assert "server.bounds.teamPercent" in client.said
        before = asyncio.get_running_loop().time()
        others: list[tuple[str, str | None]] = [("bob", "team-b"), ("carol", "team-c"), ("carol", None)]
        for user, team in others:
            client = await platform.ask(Client([b"{}"]), user=user, team=team, route=LOG if team else LIST)
            assert client.status == 200, (user, team)
        assert asyncio.get_running_loop().time() - before < 0.1
        colleague = await platform.ask(Client([b"{}"]), user="ann", team="team-a", route=LOG)
        # The flood may have used up the rate of its team.
        assert colleague.status == 200 or "server.bounds.teamRequestsPerSecond" in colleague.said
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        assert platform.fairness.in_flight.total == 0

    virtual_time.run(run())


# By who refuses it.
UNCOUNTED = {"Routes": "/m/nope?", "PathPrefix": "/nope?", "RequestGuard": "/m/graphql?query=1"}


@pytest.mark.parametrize("layer", UNCOUNTED)
def test_a_request_that_is_refused_before_it_is_counted_soon_gives_its_connection_back(layer: str) -> None:
    async def run() -> None:
        fairness = Fairness(limits(), 14, asyncio.get_running_loop().time)
        headers = IdentityHeaders(
            user_header="x-user", groups_header="x-groups", groups_separator=",", authorizes_by_token=False
        )
        judged = routes.read(routes.FILE.read_text(encoding="utf-8"))
        served = routes.Routes(RequestGuard(Entry(Server(), fairness), headers), judged, ())
        audited = AuditLog(ErrorBodies(served), lambda _: None, pod="pod")
        app = Draining(PathPrefix(audited, "/m"), most_bytes=2**20, seconds=10)
        client = Client([b" "] * 100, pause=0.3)
        path, _, query = UNCOUNTED[layer].partition("?")
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
        length = [(b"content-length", b"9999")]
        await app({**scope, "query_string": query.encode(), "headers": length}, client.receive, client.send)
        assert client.status in {403, 404}
        assert asyncio.get_running_loop().time() == BRIEF_SECONDS

    virtual_time.run(run())


def test_requests_count_for_their_team_as_soon_as_their_caller_is_judged() -> None:
    """So the callers of a team have its share together, and not one each."""

    async def run() -> None:
        platform = Platform()
        await platform.ask(Client([b"{}"]), user="bob", team="team-b")
        clients = [Client([b" "] * 10_000, pause=4) for _ in range(CONNECTIONS)]
        flood = [
            asyncio.create_task(platform.ask(client, user=f"user-{number % 20}", team="team-a"))
            for number, client in enumerate(clients)
        ]
        await asyncio.sleep(2)
        running = sum(not client.messages for client in clients)
        assert CONNECTIONS * 0.4 <= running <= CONNECTIONS * 0.45
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)

    virtual_time.run(run())


@pytest.mark.parametrize("ends", ["answered", "refused by its judge", "failed"])
def test_whatever_ends_a_request_it_counts_no_longer(ends: str) -> None:
    async def run() -> None:
        platform = Platform()
        app: Callable[..., Awaitable[None]] = platform.app
        if ends == "failed":

            async def fails(*_: object) -> None:
                raise ValueError

            app = Entry(fails, platform.fairness)
        user = "stranger" if ends.startswith("refused") else "bob"
        for _ in range(3):
            try:
                found = RequestFacts(id="1", caller=Caller(user=user))
                await request(app, Client([b"{}"]), LOG, headers={"X-MLFLOW-WORKSPACE": "team-a"}, facts=found)
            except ValueError:
                assert ends == "failed"
            assert platform.fairness.in_flight.total == 0

    virtual_time.run(run())


def test_a_probe_is_never_refused() -> None:
    async def run() -> None:
        platform = Platform()
        for _ in range(CONNECTIONS * 2):
            found = RequestFacts(id="1")
            client = await request(platform.app, Client([b""]), HEALTH, facts=found)
            assert client.status == 200

    virtual_time.run(run())
