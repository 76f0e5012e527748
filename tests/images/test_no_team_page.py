"""The page for users without a team, which says what to do; all other users get MLflow."""

import asyncio
from typing import Any

import pytest
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.review_engine import OutageError, ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import KEY, Caller, RequestFacts

CAROL = Caller(user="carol@example.com", groups=(), claimed_groups=("guests", "visitors"))
BROWSER = {"accept": "text/html,*/*", "x-forwarded-email": "carol@example.com", "x-forwarded-groups": "guests,visitors"}


class Server:
    """A minimal MLflow, and a fake judge of access."""

    def __init__(self, *, access: bool = False, failure: Exception | None = None) -> None:
        self.access = access
        self.failure = failure
        self.asked: list[Caller] = []
        self.paths: list[str] = []

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one request."""
        assert (await receive())["type"] == "http.request"
        self.paths.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"MLflow"})

    async def has_access(self, caller: Caller) -> bool:
        """Decide about a caller."""
        self.asked.append(caller)
        if self.failure is not None:
            raise self.failure
        return self.access


def ask(
    server: Server,
    path: str = "/",
    *,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    caller: Caller | None = CAROL,
    contact: str = "",
) -> tuple[int, str]:
    """Send one request; returns status and body."""
    sent: list[dict[str, Any]] = []
    pairs = [(name.encode(), value.encode()) for name, value in (headers or BROWSER).items()]
    scope: Message = {"type": "http", "method": method, "path": path, "headers": pairs, "query_string": b"a=b"}
    scope[KEY] = RequestFacts(id="1", caller=caller)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    asyncio.run(NoTeamPage(server, server.has_access, contact)(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


def test_people_without_access_get_the_page() -> None:
    status, body = ask(Server())
    assert status == 403
    assert "you are in no team yet" in body
    assert "carol@example.com" in body
    assert "<li>guests</li><li>visitors</li>" in body
    assert 'href="oauth2/sign_out?rd=%2F%3Fsigned-out"' in body


def test_people_with_access_get_mlflow() -> None:
    server = Server(access=True)
    assert ask(server) == (200, "MLflow")
    assert server.asked == [CAROL]


@pytest.mark.parametrize("failure", [ReviewFailedError("down"), OutageError("down"), TokenRefusedError("old")])
def test_without_a_decision_mlflow_serves_its_own_page(failure: Exception) -> None:
    assert ask(Server(failure=failure)) == (200, "MLflow")


def test_a_request_without_a_caller_is_left_to_mlflow() -> None:
    server = Server()
    assert ask(server, caller=None) == (200, "MLflow")
    assert server.asked == []


def test_programs_and_other_paths_cause_no_review() -> None:
    for path, headers in (
        ("/", {"accept": "*/*"}),
        ("/api/2.0/mlflow/runs/search", BROWSER),
        ("/static-files/a", BROWSER),
    ):
        server = Server()
        ask(server, path, headers=headers)
        assert (server.asked, server.paths) == ([], [path])


def test_a_head_request_has_no_body() -> None:
    assert ask(Server(), method="HEAD") == (403, "")


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("", "ask the people who run this platform to"),
        ("the ML team, room 4", "ask the ML team, room 4 to"),
        ("ml@example.com", 'ask <a href="mailto:ml@example.com">ml@example.com</a> to'),
        (
            "https://help.example.com/ml",
            'ask at <a href="https://help.example.com/ml">https://help.example.com/ml</a> to',
        ),
    ],
)
def test_the_page_says_whom_to_ask(contact: str, shown: str) -> None:
    assert shown in ask(Server(), contact=contact)[1]


def test_values_from_outside_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    caller = Caller(user=evil, claimed_groups=(evil, "{user}"))
    body = ask(Server(), caller=caller, contact=f"https://{evil}")[1]
    assert "<script" not in body
    assert "{user}" in body


def test_the_page_shows_names_in_any_letters() -> None:
    caller = Caller(user="zoë@example.com", claimed_groups=("Forschung-München",))
    body = ask(Server(), caller=caller)[1]
    assert "<strong>zoë@example.com</strong>" in body
    assert "<li>Forschung-München</li>" in body
