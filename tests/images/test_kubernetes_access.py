"""The server's requests to Kubernetes, against a test API server that counts them and can hang."""

import asyncio
import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from random import Random

import pytest
from api_server import ApiServer, Object, allowed, binding, group, namespace, user
from mlflow_platform_server import known_identities, namespaces
from mlflow_platform_server.identity_lists import Reader
from mlflow_platform_server.known_identities import KnownIdentities
from mlflow_platform_server.kubernetes_access import KubernetesAccess
from mlflow_platform_server.review_engine import THREADS
from mlflow_platform_server.reviews import Identity, OutageError, Question, ReviewFailedError, TokenRefusedError
from mlflow_platform_server.role_bindings import EVERYBODYS_ROLES, BindingIndex
from mlflow_platform_server.scope import Caller
from mlflow_platform_server.watches import PAGE, Watch

from components.team import permissions

RESOURCES = ("experiments", "datasets", "mcpservers", "registeredmodels", "gatewaysecrets", "gatewayendpoints")
ROLES = {
    **{
        role: {(one, verb) for one in permissions.RESOURCES for verb in permissions.VERBS[role]}
        for role in permissions.VERBS
    },
    "models": {("registeredmodels", "list")},
    "pods": {("pods", "list")},
    **{role: set[tuple[str, str]]() for role in EVERYBODYS_ROLES},
}
MEMBER = Caller(user="alice@example.com", groups=("team-7-users",))
STRANGER = Caller(user="carol@example.com")
SIGNED_IN = "system:authenticated"
DEADLINE = 0.3


def teams(count: int) -> Iterator[tuple[str, Object]]:
    """Namespaces with the platform's objects, and the bindings that every cluster has."""
    for number in range(count):
        name = f"team-{number}"
        yield "Namespace", namespace(name)
        yield "RoleBinding", binding("editors", "editor", [group(f"{name}-users")], name)
        yield "RoleBinding", binding("viewers", "viewer", [group("auditors")], name)
        account = {"kind": "ServiceAccount", "name": "mlflow-client", "namespace": name}
        yield "RoleBinding", binding("programs", "editor", [account], name)
    for role in sorted(EVERYBODYS_ROLES):
        yield "ClusterRoleBinding", binding(role, role, [group(SIGNED_IN)])
    yield "ClusterRoleBinding", binding("admins", "manager", [group("admins")])


@pytest.fixture(autouse=True)
def _everybody_counts() -> Iterator[None]:
    known_identities.replace(KnownIdentities(everybody=True))
    yield
    known_identities.replace(None)


def until(condition: Callable[[], object]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@contextmanager
def access(
    server: ApiServer, *, by_token: bool = False, excluded: tuple[str, ...] = (), **seconds: float
) -> Generator[KubernetesAccess, None, None]:
    """A `KubernetesAccess` whose copies of the objects are complete."""
    one = made(server, by_token=by_token, **seconds)
    one.start(identities=None, namespaces=("a=b", excluded))
    until(lambda: one.visible.ready)
    try:
        yield one
    finally:
        one.stop()


def made(server: ApiServer, *, by_token: bool = False, cache: float = 30, deadline: float = 60) -> KubernetesAccess:
    return KubernetesAccess(
        server.api(),
        by_token=by_token,
        cache_seconds=cache,
        review_seconds=deadline,
        outage_seconds=300,
        resources=RESOURCES,
        unavailable=RuntimeError,
    )


def bound(one: KubernetesAccess, name: str, groups: tuple[str, ...] = ()) -> set[str]:
    """Namespaces in which the index knows bindings of an identity."""
    identity = Identity(user=name, groups=groups)
    return one.bindings.namespaces(identity) | one.cluster_bindings.namespaces(identity)


def seen(one: KubernetesAccess, caller: Caller) -> set[str]:
    return asyncio.run(one.visible.of(caller))


@pytest.mark.parametrize("count", [200, 1000])
def test_the_list_of_workspaces_costs_a_member_of_one_team_two_reviews_and_a_stranger_one(count: int) -> None:
    with ApiServer(teams(count), roles=ROLES) as server, access(server) as one:
        for _ in range(2):
            assert seen(one, MEMBER) == {"team-7"}
        assert [attributes.get("namespace", "") for _, attributes in server.reviews] == ["", "team-7"]
        assert seen(one, STRANGER) == set()
        assert len(server.reviews) == 3


def test_who_may_list_in_all_namespaces_costs_one_review() -> None:
    with ApiServer(teams(200), roles=ROLES) as server, access(server) as one:
        assert len(seen(one, Caller(user="root@example.com", groups=("admins",)))) == 200
        assert len(server.reviews) == 1


def test_a_member_of_all_teams_gets_all_of_them_with_one_review_each() -> None:
    with ApiServer(teams(200), roles=ROLES) as server, access(server) as one:
        assert len(seen(one, Caller(user="auditor@example.com", groups=("auditors",)))) == 200
        assert len(server.reviews) == 1 + 200
        assert server.most_at_once <= 4
        # Connections are used again: eight for reviews, three that copy.
        assert server.connections <= 8 + 3 + 3


def test_a_workspace_is_seen_by_whoever_may_list_any_resource_there_and_by_nobody_else() -> None:
    with ApiServer(teams(5), roles=ROLES) as server, access(server) as one:
        server.put("RoleBinding", binding("models", "models", [user("m@example.com")], "team-3"))
        server.put("RoleBinding", binding("pods", "pods", [user("m@example.com")], "team-4"))
        server.put("ClusterRoleBinding", binding("models", "models", [user("all@example.com")]))
        until(lambda: bound(one, "m@example.com") == {"team-3", "team-4"} and bound(one, "all@example.com"))
        assert seen(one, Caller(user="m@example.com")) == {"team-3"}
        assert len(seen(one, Caller(user="all@example.com"))) == 5


def test_a_token_costs_one_review_of_its_owner_more() -> None:
    with ApiServer(teams(200), roles=ROLES) as server, access(server, by_token=True) as one:
        server.tokens = {"alice": ("alice", ["team-7-users", SIGNED_IN]), "carol": ("carol", [SIGNED_IN])}
        assert seen(one, Caller(user="", token="alice")) == {"team-7"}  # noqa: S106 - not a secret
        assert (server.identities, len(server.reviews)) == (1, 2)
        assert seen(one, Caller(user="", token="carol")) == set()  # noqa: S106 - not a secret
        assert (server.identities, len(server.reviews)) == (2, 3)
        for token in ("unknown", None):
            with pytest.raises(TokenRefusedError):
                seen(one, Caller(user="", token=token))


def test_groups_that_kubernetes_adds_to_a_token_are_matched() -> None:
    with ApiServer(teams(3), roles=ROLES) as server, access(server, by_token=True) as one:
        server.put("RoleBinding", binding("all", "viewer", [group("system:serviceaccounts:airflow")], "team-1"))
        until(lambda: bound(one, "", ("system:serviceaccounts:airflow",)))
        name, groups = "system:serviceaccount:airflow:worker", ["system:serviceaccounts:airflow", SIGNED_IN]
        server.tokens = {"worker": (name, groups)}
        assert seen(one, Caller(user="", token="worker")) == {"team-1"}  # noqa: S106 - not a secret


def test_a_removed_binding_counts_until_its_answer_has_to_be_confirmed() -> None:
    """The lag that docs/access.md promises: server.accessCacheSeconds, and no longer for want of an index."""
    removed = binding("editors", "editor", [group("team-7-users")], "team-7")
    with ApiServer(teams(10), roles=ROLES) as server, access(server) as one:
        assert seen(one, MEMBER) == {"team-7"}
        server.delete("RoleBinding", removed)
        until(lambda: not bound(one, "", MEMBER.groups))
        assert seen(one, MEMBER) == set()


def test_while_the_api_server_hangs_callers_of_the_last_minutes_go_on_and_others_are_told_at_once() -> None:
    with ApiServer(teams(200), roles=ROLES) as server, access(server, cache=0, deadline=2) as one:
        assert seen(one, MEMBER) == {"team-7"}
        before = len(server.reviews)
        server.hang()
        for _ in range(100):
            assert seen(one, MEMBER) == {"team-7"}
            assert answer(one, STRANGER) is None
        # Two when it began, and a few that tried again; not 300.
        assert len(server.reviews) - before <= 12
        server.come_back()
        until(lambda: answer(one, STRANGER) == set())


def answer(one: KubernetesAccess, caller: Caller) -> set[str] | None:
    """A caller's workspaces; None without a decision."""
    try:
        return seen(one, caller)
    except ReviewFailedError:
        return None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_api_server_that_answers_with_an_error_is_an_outage(status: int) -> None:
    with ApiServer(teams(3), roles=ROLES) as server, access(server, cache=0) as one:
        question = Question(resource="experiments", verb="get", namespace="team-7")
        assert not one.reviews.allows_blocking(STRANGER, question)
        member = Caller(user="a", groups=("team-1-users",))
        assert seen(one, member) == {"team-1"}
        server.refuse_with = status
        assert seen(one, member) == {"team-1"}
        with pytest.raises(OutageError):
            one.reviews.allows_blocking(STRANGER, question)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_api_server_that_refuses_reviews_decides_nothing(status: int) -> None:
    """An earlier yes does not stay valid, because this is no outage."""
    with ApiServer(teams(3), roles=ROLES) as server, access(server, cache=0) as one:
        member = Caller(user="a", groups=("team-1-users",))
        assert seen(one, member) == {"team-1"}
        server.refuse_with = status
        assert answer(one, member) is None


def test_a_token_that_kubernetes_slows_down_is_no_outage() -> None:
    """Otherwise the token's owner could keep an expired answer, and cause new callers to be refused."""
    with ApiServer(teams(3), roles=ROLES) as server, access(server, by_token=True, cache=0) as one:
        server.tokens = {name: (name, ["team-1-users", SIGNED_IN]) for name in ("alice", "bob")}
        alice, bob = (Caller(user="", token=name) for name in server.tokens)
        assert seen(one, alice) == {"team-1"}
        server.refuse_with = 429
        for _ in range(3):
            assert answer(one, alice) is None
        server.refuse_with = None
        assert seen(one, bob) == {"team-1"}


def test_an_api_server_that_is_gone_is_an_outage() -> None:
    member = Caller(user="a", groups=("team-1-users",))
    with ApiServer(teams(3), roles=ROLES) as server, access(server, cache=0) as one:
        assert seen(one, member) == {"team-1"}
    assert seen(one, member) == {"team-1"}
    assert answer(one, STRANGER) is None


def test_when_the_api_server_comes_back_there_is_no_stampede() -> None:
    async def everybody(one: KubernetesAccess) -> list[object]:
        callers = [Caller(user=f"user-{number % 60}") for number in range(600)]
        question = Question(resource="experiments", verb="get", namespace="team-1")
        return await asyncio.gather(*(one.reviews.allows(caller, question) for caller in callers))

    with ApiServer(teams(3), roles=ROLES) as server, access(server) as one:
        server.refuse_with = 503
        assert answer(one, STRANGER) is None
        server.refuse_with = None
        until(lambda: answer(one, STRANGER) == set())
        server.reviews.clear()
        server.delay = 0.005
        assert set(asyncio.run(everybody(one))) == {False}
        assert len(server.reviews) == 60
        assert server.most_at_once <= THREADS


def test_a_review_ends_at_its_deadline() -> None:
    with ApiServer(teams(3), roles=ROLES) as server, access(server, deadline=DEADLINE) as one:
        server.hang()
        start = time.monotonic()
        with pytest.raises(OutageError):
            seen(one, STRANGER)
        assert DEADLINE <= time.monotonic() - start < 5


def test_a_server_starts_while_the_api_server_hangs_and_knows_nobody_until_it_answers() -> None:
    with ApiServer(teams(3), roles=ROLES) as server:
        server.hang()
        one = made(server)
        one.start(identities=None, namespaces=("a=b", ()))
        assert not one.wait(0.1, workspaces=True)
        with pytest.raises(ReviewFailedError):
            seen(one, MEMBER)
        with pytest.raises(RuntimeError):
            one.namespaces.get_namespace("team-1")
        server.come_back()
        assert one.wait(10, workspaces=True)
        assert seen(one, Caller(user="a", groups=("team-1-users",))) == {"team-1"}
        one.stop()


def test_nobody_is_judged_before_the_identities_are_known() -> None:
    with ApiServer(roles=ROLES) as server:
        named, by_token = made(server), made(server, by_token=True)
        known_identities.replace(None)
        assert (named.identities_known(), by_token.identities_known()) == (False, True)
        document = json.dumps({"groups": ["x"], "users": [], "namespaces": [], "everybody": False})
        server.put(
            "ConfigMap", {"metadata": {"name": "a", "namespace": "mlflow"}, "data": {"identities.json": document}}
        )
        Reader("a=b", server.api(), "mlflow").read()
        assert named.identities_known()
        assert known_identities.known().groups == {"x"}
        server.refuse_with = 500
        with pytest.raises(OutageError):
            Reader("a=b", server.api(), "mlflow").read()
        assert known_identities.known().groups == {"x"}


def test_workspaces_come_and_go_with_their_namespaces() -> None:
    with ApiServer([("Namespace", namespace("team-1", "first"))], roles=ROLES) as server, access(server) as one:
        spaces = one.namespaces
        assert [(found.name, found.description) for found in spaces.list_namespaces()] == [("team-1", "first")]
        server.put("Namespace", namespace("team-2"))
        until(lambda: spaces.names() == {"team-1", "team-2"})
        server.put("Namespace", namespace("team-1", "changed"))
        until(lambda: (found := spaces.get_namespace("team-1")) and found.description == "changed")
        archived = namespace("team-1", "changed")
        archived["metadata"]["labels"] = {"mlflow-platform/archived": "true"}
        server.put("Namespace", archived)
        note = "Archived: nothing can be changed or added. changed"
        until(lambda: (found := spaces.get_namespace("team-1")) and found.description == note)
        server.delete("Namespace", namespace("team-1"))
        until(lambda: spaces.names() == {"team-2"})
        assert spaces.get_namespace("team-1") is None


def test_namespaces_of_the_cluster_are_no_workspaces() -> None:
    names = ("kube-system", "openshift", "team-1")
    objects = [("Namespace", namespace(name)) for name in names]
    with ApiServer(objects, roles=ROLES) as server, access(server, excluded=("kube-*", "openshift")) as one:
        assert one.namespaces.names() == {"team-1"}
        server.put("Namespace", namespace("kube-public"))
        server.put("Namespace", namespace("team-2"))
        until(lambda: one.namespaces.names() == {"team-1", "team-2"})


def test_a_copy_reads_long_lists_in_parts_and_goes_on_after_its_watch_has_ended() -> None:
    count = 2 * PAGE + 1
    objects = [("Namespace", namespace(f"n{number}")) for number in range(count)]
    with ApiServer(objects, roles=ROLES) as server, access(server) as one:
        assert len(one.namespaces.names()) == count
        assert server.requests[namespaces.PATH] >= 3
        until(lambda: len(server.watchers) == 3)
        server.end_watches()
        server.put("Namespace", namespace("new"))
        until(lambda: one.namespaces.get_namespace("new"))
        assert server.requests[namespaces.PATH] <= 6


def test_a_copy_starts_again_when_its_version_is_too_old() -> None:
    with ApiServer(teams(2), roles=ROLES) as server, access(server) as one:
        until(lambda: len(server.watchers) == 3)
        server.lose("Namespace", namespace("team-1"))
        until(lambda: one.namespaces.names() == {"team-0"})


def test_what_a_copy_knew_before_an_outage_stays_known_and_is_corrected_after_it() -> None:
    with ApiServer(teams(2), roles=ROLES) as server:
        one = made(server)
        # A silent API server is noticed, so that the watch does not wait for a dead connection.
        watch = Watch(
            server.api(), namespaces.PATH, one.namespaces, silence_seconds=0.1, wait=lambda _: time.sleep(0.01)
        )
        watch.start()
        until(lambda: one.namespaces.ready)
        server.hang()
        server.put("Namespace", namespace("team-2"))
        asked = server.requests[namespaces.PATH]
        until(lambda: server.requests[namespaces.PATH] > asked + 1)
        assert one.namespaces.names() == {"team-0", "team-1"}
        server.come_back()
        until(lambda: one.namespaces.names() == {"team-0", "team-1", "team-2"})
        watch.stop()


def generated(random: Random) -> tuple[list[tuple[str, Object]], list[tuple[str, tuple[str, ...]]]]:
    """Bindings of all kinds, and identities; names collide on purpose."""
    names = ["a", "b", "system:serviceaccount:n0:a", "system:serviceaccount:n1:b", SIGNED_IN]
    places = ["n0", "n1", "n2"]

    def subject() -> Object:
        kind = random.choice(["User", "Group", "ServiceAccount"])
        place = {"namespace": random.choice(places)} if kind == "ServiceAccount" and random.random() < 0.7 else {}
        return {"kind": kind, "name": random.choice(names), **place}

    objects: list[tuple[str, Object]] = [("Namespace", namespace(place)) for place in places]
    for number in range(random.randrange(6)):
        inside = random.choice([*places, *places, None])
        subjects = [subject() for _ in range(random.randrange(3))]
        item = binding(f"b{number}", random.choice(["viewer", "models", "pods"]), subjects, inside)
        objects.append(("ClusterRoleBinding" if inside is None else "RoleBinding", item))
    groups = [(), ("a",), ("b", SIGNED_IN), ("system:serviceaccount:n0:a",)]
    return objects, [(name, found) for name in names for found in groups]


@pytest.mark.parametrize("seed", range(400))
def test_the_index_misses_no_namespace_that_rbac_would_allow(seed: int) -> None:
    objects, identities = generated(Random(seed))  # noqa: S311 - no secret
    bindings = [(kind, item) for kind, item in objects if kind != "Namespace"]
    indexes = {"RoleBinding": BindingIndex(), "ClusterRoleBinding": BindingIndex()}
    # Twice, as after an interrupted watch.
    for kind, item in (*bindings, *bindings):
        indexes[kind].put(item)
    for name, groups in identities:
        identity = Identity(user=name, groups=groups)
        candidates = indexes["RoleBinding"].namespaces(identity)
        if indexes["ClusterRoleBinding"].namespaces(identity):
            candidates |= {"n0", "n1", "n2"}
        assert rights(objects, name, groups) <= candidates
    for kind, item in bindings:
        indexes[kind].remove(item)
    for name, groups in identities:
        assert not any(index.namespaces(Identity(user=name, groups=groups)) for index in indexes.values())


def rights(objects: list[tuple[str, Object]], name: str, groups: tuple[str, ...]) -> set[str]:
    """Namespaces in which RBAC allows an identity to list any of the resources."""
    return {
        place
        for place in ("n0", "n1", "n2")
        for resource in RESOURCES
        if allowed(objects, ROLES, name, groups, {"resource": resource, "verb": "list", "namespace": place})
    }


@pytest.mark.parametrize("seed", range(8))
def test_the_list_is_what_reviews_of_every_resource_in_every_workspace_would_give(seed: int) -> None:
    objects, identities = generated(Random(seed))  # noqa: S311 - no secret
    with ApiServer(objects, roles=ROLES) as server, access(server) as one:
        for name, groups in identities:
            assert seen(one, Caller(user=name, groups=groups)) == rights(objects, name, groups)
