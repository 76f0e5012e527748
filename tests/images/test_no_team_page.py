"""The page for people without a team: they are told what to do; everybody else gets MLflow."""

import asyncio
import json
from typing import Any

import pytest
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.scope import KEY, Caller, RequestFacts

CAROL = Caller(user="carol@example.com", groups=(), claimed_groups=("guests", "visitors"))
BROWSER = {"accept": "text/html,*/*", "x-forwarded-email": "carol@example.com", "x-forwarded-groups": "guests,visitors"}


class Server:
    """A minimal MLflow: a start page, and a list of the caller's workspaces."""

    def __init__(self, workspaces: object, status: int = 200) -> None:
        """`workspaces` is the answer to the list request; a string is sent as it is, to test invalid JSON."""
        self.answer = workspaces if isinstance(workspaces, str) else json.dumps(workspaces)
        self.status = status
        self.asked: list[Message] = []

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one request."""
        self.asked.append(scope)
        assert (await receive())["type"] == "http.request"
        is_list = scope["path"] in {"/api/3.0/mlflow/workspaces", "/api/2.0/mlflow/experiments/get-by-name"}
        await send({"type": "http.response.start", "status": self.status if is_list else 200, "headers": []})
        body = self.answer if is_list else "MLflow"
        await send({"type": "http.response.body", "body": body.encode()})


NONE: dict[str, list[object]] = {"workspaces": []}
ONE = {"workspaces": [{"name": "team-a"}]}


def ask(
    server: Server,
    path: str = "/",
    *,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    caller: Caller | None = CAROL,
    **options: Any,  # noqa: ANN401 - of the middleware
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

    asyncio.run(NoTeamPage(server, **options)(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


def test_people_without_a_workspace_get_the_page() -> None:
    status, body = ask(Server(NONE))
    assert status == 403
    assert "you are in no team yet" in body
    assert "carol@example.com" in body
    assert "<li>guests</li><li>visitors</li>" in body
    assert 'href="oauth2/sign_out"' in body


def test_people_with_a_workspace_get_mlflow() -> None:
    assert ask(Server(ONE)) == (200, "MLflow")


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_list_that_is_refused_leaves_the_page_to_mlflow(status: int) -> None:
    assert ask(Server(NONE, status)) == (200, "MLflow")


@pytest.mark.parametrize("answer", ["", "<html>", "[]", "null"])
def test_a_list_that_cannot_be_read_leaves_the_page_to_mlflow(answer: str) -> None:
    assert ask(Server(answer)) == (200, "MLflow")


def test_if_mlflow_has_no_workspaces_people_who_may_not_see_experiments_get_the_page() -> None:
    assert ask(Server({}, 403), multi_tenant=False)[0] == 403
    for status in (200, 401, 404, 500):
        assert ask(Server({"experiments": []}, status), multi_tenant=False) == (200, "MLflow")


def test_programs_and_other_paths_cause_no_query() -> None:
    for path, headers in (
        ("/", {"accept": "*/*"}),
        ("/api/2.0/mlflow/runs/search", BROWSER),
        ("/static-files/a", BROWSER),
    ):
        server = Server(NONE)
        ask(server, path, headers=headers)
        assert [scope["path"] for scope in server.asked] == [path]


def test_the_list_is_requested_as_the_caller_and_for_no_workspace() -> None:
    server = Server(NONE)
    ask(server, headers={**BROWSER, "x-mlflow-workspace": "team-b", "if-none-match": "1", "accept-encoding": "gzip"})
    (question,) = server.asked
    assert question["method"] == "GET"
    assert question["query_string"] == b""
    assert {name.decode() for name, _ in question["headers"]} == {"x-forwarded-email", "x-forwarded-groups"}


def test_a_head_request_has_no_body() -> None:
    assert ask(Server(NONE), method="HEAD") == (403, "")


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
    assert shown in ask(Server(NONE), contact=contact)[1]


def test_values_from_outside_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    caller = Caller(user=evil, claimed_groups=(evil, "{user}"))
    body = ask(Server(NONE), caller=caller, contact=f"https://{evil}")[1]
    assert "<script" not in body
    assert "{user}" in body


def test_the_page_shows_names_in_any_letters() -> None:
    caller = Caller(user="zoë@example.com", claimed_groups=("Forschung-München",))
    body = ask(Server(NONE), caller=caller)[1]
    assert "<strong>zoë@example.com</strong>" in body
    assert "<li>Forschung-München</li>" in body


def test_the_page_says_so_if_the_login_has_sent_no_name() -> None:
    assert "<strong>somebody without a name</strong>" in ask(Server(NONE), caller=None)[1]


def test_the_query_has_no_body_even_if_the_request_announces_one() -> None:
    server = Server(ONE)
    ask(server, headers={**BROWSER, "content-length": "9", "content-encoding": "gzip", "transfer-encoding": "chunked"})
    assert {name.decode() for name, _ in server.asked[0]["headers"]} == {"x-forwarded-email", "x-forwarded-groups"}
