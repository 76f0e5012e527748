"""Agreement of the admission and the plugin, with a plugin whose decision the test chooses."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mlflow_platform_server import scope
from mlflow_platform_server.agreement import Agreement
from mlflow_platform_server.asgi import Message, Receive, Send

RUNS = "/api/2.0/mlflow/runs/search"
ALICE = scope.Caller(user="zoë@example.com", groups=("leads",), claimed_groups=("leads", "others"))


@dataclass(frozen=True)
class Request:
    """The request as the plugin understood it."""

    workspace: str | None


@dataclass(frozen=True)
class Identity:
    """The caller as the plugin understood the request."""

    user: str | None = ALICE.user
    groups: tuple[str, ...] = ALICE.groups
    token: str | None = None


@dataclass(frozen=True)
class Decision:
    """A result of the plugin."""

    request_context: Request
    identity: Identity


def decided(workspace: str | None, identity: Identity | None = None) -> Decision:
    return Decision(Request(workspace), identity or Identity())


def status(
    decision: Decision | None,
    bound: str | None,
    *,
    path: str = RUNS,
    only_namespace: str | None = None,
    caller: scope.Caller | None = ALICE,
) -> int:
    with scope.bind(scope.Scope(name="request", workspace=bound, caller=caller)):
        return unscoped(decision, path=path, only_namespace=only_namespace)


def unscoped(decision: Decision | None, *, path: str = RUNS, only_namespace: str | None = None) -> int:
    answer: list[dict[str, Any]] = []

    async def server(_: Message, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.append(dict(message))

    facts = scope.RequestFacts(id="1")
    layer = Agreement(server, decision=lambda: decision, only_namespace=only_namespace)
    asyncio.run(layer({"type": "http", "method": "GET", "path": path, scope.KEY: facts}, receive, send))
    # The audit log records a reading that a layer has refused.
    assert facts.refused_by == (None if answer[0]["status"] == 200 else "agreement")
    return answer[0]["status"]


@pytest.mark.parametrize("workspace", ["team-a", None])
def test_a_request_goes_on_if_both_found_the_same_workspace_and_caller(workspace: str | None) -> None:
    assert status(decided(workspace), workspace) == 200


@pytest.mark.parametrize(("theirs", "ours"), [("team-b", "team-a"), ("team-a", None), (None, "team-a")])
def test_it_ends_if_they_found_different_workspaces(theirs: str | None, ours: str | None) -> None:
    assert status(decided(theirs), ours) == 500


@pytest.mark.parametrize(
    ("identity", "caller"),
    [
        (Identity(user="mallory@example.com"), ALICE),
        (Identity(user=ALICE.user.encode().decode("latin-1")), ALICE),
        (Identity(groups=("leads", "others")), ALICE),
        (Identity(token="a"), ALICE),  # noqa: S106 - a test
        (Identity(), None),
        (Identity(user=None, groups=(), token="a"), replace(ALICE, token="b")),  # noqa: S106 - a test
        (Identity(user=None, groups=()), replace(ALICE, token="b")),  # noqa: S106 - a test
    ],
)
def test_it_ends_if_they_found_different_callers(identity: Identity, caller: scope.Caller | None) -> None:
    assert status(decided("team-a", identity), "team-a", caller=caller) == 500


def test_where_callers_are_judged_by_tokens_both_have_the_same_one() -> None:
    identity = Identity(user=None, groups=(), token="a")  # noqa: S106 - a test
    assert status(decided("team-a", identity), "team-a", caller=replace(ALICE, token="a")) == 200  # noqa: S106 - a test


def test_no_token_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    identity = Identity(user=None, groups=(), token="secret-a")  # noqa: S106 - a test
    assert status(decided("team-a", identity), "team-a", caller=replace(ALICE, token="secret-b")) == 500  # noqa: S106 - a test
    assert caplog.text
    assert "secret" not in caplog.text


def test_it_ends_without_a_decision_of_the_plugin() -> None:
    assert status(None, "team-a") == 500


def test_it_ends_without_a_scope() -> None:
    assert unscoped(decided(None)) == 500
    assert unscoped(None, path="/health") == 500


def test_a_page_without_data_needs_no_decision_but_may_have_no_workspace() -> None:
    assert status(None, None, path="/version") == 200
    assert status(None, "team-a", path="/version") == 500


def test_without_workspaces_the_plugin_decides_for_the_namespace() -> None:
    assert status(decided("team-a"), "default", only_namespace="team-a") == 200
    assert status(decided("default"), "default", only_namespace="team-a") == 500
    assert status(decided("team-a"), None, only_namespace="team-a") == 500
