"""Admission, with a fake judge that knows the rights of callers and counts its questions."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlflow_platform_server import scope as scopes
from mlflow_platform_server.admission import Admission
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.reviews import ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import Caller, RequestFacts, Scope

RUNS = "/api/2.0/mlflow/runs/search"
WORKSPACES = "/api/3.0/mlflow/workspaces"
# The header stands for the caller whom the request guard finds in it.
ALICE = ("X-Forwarded-Email", "alice@example.com")
TEAM_A, TEAM_B = ("X-MLFLOW-WORKSPACE", "team-a"), ("X-MLFLOW-WORKSPACE", "team-b")


@dataclass(slots=True)
class Judge:
    """A fake judge: Alice has rights in team-a, and everybody has rights in `-`, which is no namespace."""

    failure: Exception | None = None
    asked: list[str] = field(default_factory=list[str])

    async def allows(self, caller: Caller, namespace: str) -> bool:
        """Decide whether a caller has rights."""
        self.asked.append(namespace)
        if self.failure is not None:
            raise self.failure
        return (caller.user, namespace) == ("alice@example.com", "team-a") or namespace == "-"


@dataclass(slots=True)
class Server:
    """An application behind the admission that records the scope it runs in."""

    scopes: list[Scope | None] = field(default_factory=list[Scope | None])
    headers: list[bytes] = field(default_factory=list[bytes])

    async def __call__(self, scope: Message, _: Receive, send: Send) -> None:
        """Answer a request."""
        self.scopes.append(scopes.current())
        self.headers = [name for name, _ in scope.get("headers", [])]
        await send({"type": "http.response.start", "status": 200, "headers": []})


@dataclass(slots=True)
class Exchange:
    """A request and its outcome."""

    server: Server
    judge: Judge
    facts: RequestFacts
    answer: list[dict[str, Any]]

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self.answer[0]["status"]

    @property
    def workspace(self) -> str | None:
        """The workspace of the scope in which the application ran."""
        (scope,) = self.server.scopes
        assert scope is not None
        return scope.workspace


async def silence() -> Message:
    """A client that sends nothing more."""
    return {"type": "http.disconnect"}


async def deaf(_: Message) -> None:
    """A client that does not read the answer."""


def ask(
    *headers: tuple[str, str], path: str = RUNS, judge: Judge | None = None, only_namespace: str | None = None
) -> Exchange:
    server, judge = Server(), judge or Judge()
    facts = RequestFacts(id="1", caller=Caller(user=ALICE[1]) if ALICE in headers else None)
    answer: list[dict[str, Any]] = []

    async def send(message: Message) -> None:
        answer.append(dict(message))

    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope: Message = {"type": "http", "method": "GET", "path": path, "headers": sent, scopes.KEY: facts}
    asyncio.run(Admission(server, judge, only_namespace=only_namespace)(scope, silence, send))
    return Exchange(server, judge, facts, answer)


def test_a_member_is_served_in_the_workspace_of_the_header_and_the_scope_ends_with_the_request() -> None:
    exchange = ask(ALICE, TEAM_A)
    assert exchange.server.scopes == [Scope(name="1", workspace="team-a", caller=Caller(user="alice@example.com"))]
    assert exchange.facts.workspace == "team-a"
    assert scopes.current() is None


@pytest.mark.parametrize(
    "name", ["team-b", "no-such-team", "kube-system", "A", "a..b", "-", "x" * 64, "team-a,team-a", "é"]
)
def test_whatever_is_not_the_callers_gets_the_very_same_answer(name: str) -> None:
    exchange = ask(ALICE, ("X-MLFLOW-WORKSPACE", name))
    assert exchange.answer == ask(ALICE, TEAM_B).answer
    assert exchange.status == 403
    assert len(exchange.judge.asked) == 1
    assert not exchange.server.scopes
    assert exchange.facts.refused_by == "review"


def test_nobody_is_told_to_sign_in_before_any_workspace_is_looked_at() -> None:
    exchange = ask(TEAM_A)
    assert exchange.status == 401
    assert exchange.facts.refused_by == "identity"
    assert not exchange.judge.asked


@pytest.mark.parametrize("headers", [(TEAM_A, TEAM_A), (TEAM_A, TEAM_B), (TEAM_B, TEAM_A)])
def test_two_headers_are_refused_even_if_they_agree(headers: Iterable[tuple[str, str]]) -> None:
    exchange = ask(ALICE, *headers)
    assert exchange.status == 400
    assert not exchange.server.scopes


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api"])
def test_a_route_about_one_workspace_is_judged_for_that_one(prefix: str) -> None:
    assert ask(ALICE, path=f"{prefix}/3.0/mlflow/workspaces/team-a").workspace == "team-a"
    assert ask(ALICE, TEAM_A, path=f"{prefix}/3.0/mlflow/workspaces/team-a").workspace == "team-a"
    assert ask(ALICE, path=f"{prefix}/3.0/mlflow/workspaces/team-b").status == 403
    assert ask(ALICE, path=f"{prefix}/3.0/mlflow/workspaces/team-b/members").status == 403
    assert ask(ALICE, path=f"{prefix}/3.0/mlflow/workspaces//team-b").status == 403


def test_a_header_does_not_open_the_workspace_of_the_path() -> None:
    assert ask(ALICE, TEAM_A, path=f"{WORKSPACES}/team-b").status == 403
    assert ask(ALICE, TEAM_A, TEAM_A, path=f"{WORKSPACES}/team-a").status == 400


def test_whoever_works_in_one_workspace_can_ask_about_another_and_no_header_contradicts_the_path() -> None:
    exchange = ask(ALICE, TEAM_B, path=f"{WORKSPACES}/team-a")
    assert exchange.judge.asked == ["team-a"]
    assert exchange.workspace == "team-a"
    assert b"x-mlflow-workspace" not in exchange.server.headers


@pytest.mark.parametrize("header", [TEAM_A, TEAM_B, ("X-MLFLOW-WORKSPACE", "no-such-team")])
def test_the_list_of_workspaces_is_the_callers_own_whatever_the_header_names(header: tuple[str, str]) -> None:
    exchange = ask(ALICE, header, path=WORKSPACES)
    assert exchange.workspace is None
    assert not exchange.judge.asked
    assert b"x-mlflow-workspace" not in exchange.server.headers


@pytest.mark.parametrize("headers", [(ALICE,), (ALICE, ("X-MLFLOW-WORKSPACE", ""))])
def test_a_request_without_a_workspace_gets_a_scope_without_one(headers: Iterable[tuple[str, str]]) -> None:
    exchange = ask(*headers, path=WORKSPACES)
    assert exchange.workspace is None
    assert not exchange.judge.asked


@pytest.mark.parametrize("path", ["/", "/health", "/version", "/static-files/main.js", "/api/3.0/mlflow/server-info"])
def test_a_page_without_data_needs_no_identity_and_sees_no_workspace(path: str) -> None:
    exchange = ask(TEAM_B, path=path)
    assert exchange.workspace is None
    assert b"x-mlflow-workspace" not in exchange.server.headers


@pytest.mark.parametrize("path", ["/graphql", "/v1/traces", "/get-artifact", "/apihealth", "/x/health", WORKSPACES])
def test_any_other_path_needs_one(path: str) -> None:
    assert ask(path=path).status == 401


def test_without_a_decision_nobody_is_admitted_and_clients_are_asked_to_try_again() -> None:
    exchange = ask(ALICE, TEAM_A, judge=Judge(ReviewFailedError("down")))
    assert exchange.status == 503
    assert (b"retry-after", b"10") in exchange.answer[0]["headers"]
    assert not exchange.server.scopes


def test_a_token_that_kubernetes_refuses_is_no_identity() -> None:
    assert ask(ALICE, TEAM_A, judge=Judge(TokenRefusedError("expired"))).status == 401


def test_without_workspaces_the_rights_in_the_one_namespace_count() -> None:
    exchange = ask(ALICE, only_namespace="team-a")
    assert exchange.workspace == "default"
    assert exchange.judge.asked == ["team-a"]
    assert ask(ALICE, only_namespace="team-b").status == 403
    assert ask(ALICE, path="/health", only_namespace="team-b").workspace is None


def test_the_start_of_the_server_runs_in_a_scope_of_its_own() -> None:
    server = Server()

    asyncio.run(Admission(server, Judge())({"type": "lifespan"}, silence, deaf))
    assert server.scopes == [Scope(name="start and stop of the server", workspace=None)]
