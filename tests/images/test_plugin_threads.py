"""The plugin's work runs in threads, with the request's context, and its results reach the request."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import pytest
from mlflow_platform_server import plugin_threads
from mlflow_platform_server.off_loop import Threads

LOADED = "body_loaded"
WORKSPACE: ContextVar[str] = ContextVar("workspace")


@dataclass(slots=True)
class Request:
    """A request as the plugin's middleware sees it; its body arrives through the event loop."""

    content: bytes = b"{}"
    scope: dict[str, Any] = field(default_factory=lambda: {"state": {}})
    read: bytes | None = None
    encoded: bytes | None = None

    async def body(self) -> bytes:
        """The body; waits for the loop the first time."""
        if self.read is None:
            await asyncio.sleep(0)
            self.read = self.content
        return self.read


@dataclass(slots=True)
class Response:
    """An answer whose body comes in pieces."""

    pieces: tuple[bytes, ...]
    headers: dict[str, str]
    body: bytes | None = None
    body_iterator: AsyncIterator[bytes] | None = None

    async def sent(self) -> bytes:
        """The messages that the client gets."""
        assert self.body_iterator is not None
        return b"".join([piece async for piece in self.body_iterator])


@dataclass(frozen=True, slots=True)
class Rule:
    """The plugin's rule for a route."""

    override_run_user: bool = True
    apply_workspace_filter: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The plugin's result."""

    request_context: Any
    username: str = "alice"
    rules: tuple[Rule, ...] = (Rule(),)
    response_filter_required: bool = False


@dataclass(slots=True)
class Plugin:
    """The plugin's module, with a record of the calls of its parts."""

    module: ModuleType = field(default_factory=lambda: ModuleType("middleware"))
    rule: Rule = Rule()
    threads: dict[str, str] = field(default_factory=dict[str, str])
    workspaces: list[str] = field(default_factory=list[str])
    refuses: bool = False

    def note(self, part: str) -> None:
        """Record the thread in which a part of the plugin runs."""
        self.threads[part] = threading.current_thread().name


@dataclass(frozen=True, slots=True)
class Context:
    """The plugin's facts about a request."""

    ensure_json_body: Callable[[], Any]
    json_body: Any = None


class DeniedError(Exception):
    """The plugin denies the request."""


def plugin(rule: Rule = Rule(), *, filters: bool = False) -> Plugin:  # noqa: C901 - a class with several methods
    """A plugin with the parts of the real one that are replaced, shortened."""
    seen = Plugin(rule=rule)

    async def authorize(context: Context, *, authorizer: str) -> Decision:
        seen.note("authorize")
        assert authorizer == "authorizer"
        seen.workspaces.append(WORKSPACE.get())
        if seen.refuses:
            raise DeniedError
        body = await context.ensure_json_body()
        return Decision(
            request_context=replace(context, json_body=body), rules=(seen.rule,), response_filter_required=filters
        )

    class Middleware:
        @staticmethod
        def _request_can_have_json_body(_: Request) -> bool:
            return True

        @classmethod
        async def _ensure_request_json_body(cls, request: Request) -> Any:  # noqa: ANN401 - JSON
            raw = await request.body()
            seen.note("parse")
            try:
                return json.loads(raw)
            except json.JSONDecodeError:
                return None

        @classmethod
        def _apply_request_context_rewrites(cls, request: Request, **facts: Any) -> None:  # noqa: ANN401 - the plugin's
            seen.note("encode")
            assert facts["override_run_user"]
            content = {"body": facts["updated_request_context"].json_body, "user": facts["username"]}
            request.encoded = json.dumps(content).encode()

        async def _apply_response_authorization_filters(self, response: Response, *, auth_result: Decision) -> None:
            assert auth_result.username == "alice"
            seen.note("filter")
            if response.body is not None:
                response.body_iterator = pieces(response.body.replace(b"b", b""))

        async def dispatch(self, request: Request, call_next: Callable[[Request], Any]) -> Response:
            async def ensure() -> Any:  # noqa: ANN401 - JSON
                return await self._ensure_request_json_body(request)

            context = Context(ensure)
            # Imported by name in the plugin, so the module is where it looks.
            decide = seen.module.__dict__["_authorize_request_async"]
            result = await decide(context, authorizer="authorizer")
            self._apply_request_context_rewrites(
                request,
                original_request_context=context,
                updated_request_context=result.request_context,
                username=result.username,
                override_run_user=result.rules[0].override_run_user,
            )
            seen.note("handle")
            response = await call_next(request)
            await self._apply_response_authorization_filters(response, auth_result=result)
            return response

    seen.module.__dict__.update(
        _authorize_request_async=authorize, KubernetesAuthMiddleware=Middleware, _REQUEST_BODY_LOADED_STATE_KEY=LOADED
    )
    pools = {name: Threads(1, name) for name in ("authorization", "slotless")}
    plugin_threads.install(seen.module, lambda scope: pools[scope.get("pool", "authorization")])
    return seen


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    """The pieces of a body."""
    for piece in content:
        yield piece


def serve(seen: Plugin, request: Request, response: Response | None = None) -> tuple[Request, bytes]:
    """Serve a request; returns the request that the handler saw, and the messages that the client gets."""
    answer = response or Response((b"{}",), {"content-type": "text/html"})
    answer.body_iterator = pieces(*answer.pieces)

    async def handle(_: Request) -> Response:
        return answer

    async def run() -> bytes:
        WORKSPACE.set("team-a")
        served = await seen.module.KubernetesAuthMiddleware().dispatch(request, handle)
        return await served.sent()

    return request, asyncio.run(run())


def test_the_plugin_decides_parses_and_encodes_in_threads_and_leaves_the_loop_to_others() -> None:
    seen = plugin()
    served, _ = serve(seen, Request(b'{"name": "x"}'))
    assert {part for part, thread in seen.threads.items() if thread.startswith("authorization")} == {
        "authorize",
        "parse",
        "encode",
    }
    assert seen.threads["handle"] == "MainThread"
    assert json.loads(served.encoded or b"") == {"body": {"name": "x"}, "user": "alice"}


def test_a_request_of_another_kind_is_authorized_and_filtered_in_other_threads() -> None:
    """For example requests without a slot: a request with a slot never waits for them."""
    seen = plugin(filters=True)
    request = Request(scope={"state": {}, "pool": "slotless"})
    serve(seen, request, Response((b"{}",), {"content-type": "application/json"}))
    parts = {part for part, thread in seen.threads.items() if thread.startswith("slotless")}
    assert parts == {"authorize", "parse", "encode", "filter"}


def test_the_plugin_decides_in_the_workspace_of_the_request() -> None:
    seen = plugin()
    serve(seen, Request())
    assert seen.workspaces == ["team-a"]


def test_a_request_that_the_plugin_denies_is_neither_changed_nor_handled() -> None:
    seen = plugin()
    seen.refuses = True
    request = Request()
    with pytest.raises(DeniedError):
        serve(seen, request)
    assert request.encoded is None
    assert "handle" not in seen.threads


@pytest.mark.parametrize("body", [b"[" + b"9" * 5000 + b"]", b"[" * 100_000], ids=["number", "depth"])
def test_json_that_python_refuses_counts_as_none_and_is_left_to_the_handler(body: bytes) -> None:
    request, _ = serve(plugin(), Request(body))
    assert json.loads(request.encoded or b"")["body"] is None
    assert request.scope["state"] == {LOADED: True}


def test_an_answer_is_filtered_in_a_thread_and_sent_whole() -> None:
    seen = plugin(filters=True)
    _, sent = serve(seen, Request(), Response((b'{"a', b'b":', b"1}"), {"content-type": "application/json"}))
    assert seen.threads["filter"].startswith("authorization")
    assert sent == b'{"a":1}'


def test_the_list_of_workspaces_is_filtered_in_the_loop_because_it_waits_without_blocking() -> None:
    seen = plugin(Rule(apply_workspace_filter=True))
    _, sent = serve(seen, Request(), Response((b'{"a', b'b":', b"1}"), {"content-type": "application/json"}))
    assert seen.threads["filter"] == "MainThread"
    assert sent == b'{"ab":1}'


def test_an_answer_that_is_no_json_streams_past_the_filter() -> None:
    seen = plugin(filters=True)
    _, sent = serve(seen, Request(), Response((b"ab", b"b"), {"content-type": "text/html"}))
    assert sent == b"abb"


def test_an_answer_that_needs_no_filter_costs_no_thread() -> None:
    seen = plugin()
    _, sent = serve(seen, Request(), Response((b"ab",), {"content-type": "application/json"}))
    assert "filter" not in seen.threads
    assert sent == b"ab"


def test_a_plugin_with_other_parts_is_refused_at_the_start() -> None:
    module = ModuleType("middleware")
    module.__dict__.update(KubernetesAuthMiddleware=object, _authorize_request_async=None)
    with pytest.raises(RuntimeError, match="_ensure_request_json_body"):
        plugin_threads.install(module, lambda _: Threads(1, "authorization"))
