"""The server sees the same requests with a path prefix as without one."""

import asyncio

import pytest
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.path_prefix import PathPrefix

PATH = "/clusters/demo/mlflow"


class Server:
    """An application that records its requests."""

    def __init__(self) -> None:
        self.asked: list[Message] = []

    async def __call__(self, scope: Message, _: Receive, __: Send) -> None:
        """Answer nothing."""
        self.asked.append(scope)


def ask(
    path: str, *, raw: str | None = None, below: str = PATH, kind: str = "http", method: str = "GET"
) -> tuple[list[Message], list[Message]]:
    """Send one request; returns the request that the server received, and the middleware's own answer."""
    server, sent = Server(), list[Message]()

    async def receive() -> Message:
        raise AssertionError("nothing reads the body here")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Message = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": (raw or path).encode(),
        "query_string": b"a=b",
    }
    asyncio.run(PathPrefix(server, below)(scope, receive, send))
    return server.asked, sent


@pytest.mark.parametrize("inside", ["/", "/health", "/api/2.0/mlflow/experiments/search", "//", f"{PATH}/health"])
def test_the_server_sees_the_request_without_the_path(inside: str) -> None:
    (asked,), sent = ask(PATH + inside)
    assert (asked["path"], asked["raw_path"], asked["query_string"]) == (inside, inside.encode(), b"a=b")
    assert sent == []


def test_percent_encoding_after_the_prefix_is_kept() -> None:
    (asked,), _ = ask(f"{PATH}/a/b c", raw=f"{PATH}/a%2Fb%20c")
    assert asked["raw_path"] == b"/a%2Fb%20c"


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/", None),
        ("/health", None),
        ("/api/2.0/mlflow/experiments/search", None),
        (f"{PATH}er/health", None),
        (f"/x{PATH}/health", None),
        ("/clusters/demo", None),
        # One form is below the path and the other is not.
        (f"{PATH}/health", "/clusters/demo/%6dlflow/health"),
        ("/health", f"{PATH}/health"),
    ],
)
def test_requests_outside_the_prefix_are_not_found(path: str, raw: str | None) -> None:
    asked, sent = ask(path, raw=raw)
    assert asked == []
    assert sent[0]["status"] == 404


def test_a_page_without_the_final_slash_is_redirected_to_the_one_with_it() -> None:
    asked, sent = ask(PATH)
    assert asked == []
    assert sent[0]["status"] == 308
    assert (b"location", f"{PATH}/".encode()) in sent[0]["headers"]
    assert ask(PATH, method="POST")[1][0]["status"] == 404


def test_a_web_socket_outside_the_prefix_is_closed() -> None:
    assert ask("/socket", kind="websocket") == ([], [{"type": "websocket.close", "code": 1000}])


@pytest.mark.parametrize("path", ["/", "/health", PATH])
def test_without_a_path_everything_reaches_the_server(path: str) -> None:
    (asked,), sent = ask(path, below="")
    assert asked["path"] == path
    assert sent == []


def test_start_and_stop_events_are_passed_on() -> None:
    (asked,), _ = ask("", kind="lifespan")
    assert asked["type"] == "lifespan"
