"""The platform's additions to MLflow's pages, and how they are served."""

import asyncio
import json
import re
from typing import Any

import pytest
from mlflow_platform_server import namespaces, page_census, platform_page, routes
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.platform_page import FOLDER, PlatformPage
from mlflow_platform_server.scope import KEY, Caller, RequestFacts

from components.scripts import script

START_PAGE = b'<html><head><title>MLflow</title></head><body><div id="root"></div></body></html>'
ALICE = Caller(user="alice@example.com", claimed_groups=("team-a-mlflow-users", "payroll"))
HTML = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-length", str(len(START_PAGE)).encode()),
    (b"etag", b'"1"'),
    (b"last-modified", b"Mon, 30 Nov 2026 00:00:00 GMT"),
    (b"x-frame-options", b"SAMEORIGIN"),
]
SCRIPT = (FOLDER / "page.js").read_text(encoding="utf-8")
JUDGED = routes.read(routes.FILE.read_text(encoding="utf-8"))


class Server:
    """A minimal MLflow, which sends its page in parts."""

    def __init__(self, parts: list[bytes] | None = None, headers: Any = None, status: int = 200) -> None:  # noqa: ANN401 - ASGI
        self.parts = parts or [START_PAGE[:30], START_PAGE[30:]]
        self.headers = headers or HTML
        self.status = status
        self.asked: list[Message] = []

    async def __call__(self, scope: Message, _: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one request."""
        self.asked.append(scope)
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        for number, part in enumerate(self.parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(self.parts)})


def ask(
    target: str = "/",
    *,
    server: Server | None = None,
    caller: Caller | None = ALICE,
    method: str = "GET",
    headers: list[tuple[bytes, bytes]] | None = None,
    features: tuple[str, ...] = (),
    below: str = "",
) -> tuple[int, dict[str, str], bytes]:
    """Send one request; returns status, headers and body."""
    sent: list[Message] = []
    path, _, query = target.partition("?")
    scope: Message = {"type": "http", "method": method, "path": path, "query_string": query.encode()}
    scope |= {"headers": headers or [], KEY: RequestFacts(id="1", caller=caller)}

    async def receive() -> Message:
        raise AssertionError("no body is read here")

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(PlatformPage(server or Server(), features, below)(scope, receive, send))
    named = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], named, b"".join(message.get("body", b"") for message in sent)


def links(page: bytes) -> list[str]:
    """Addresses of the files that are added to a page."""
    return [f"/{link}" for link in re.findall(r'"\./(mlflow-platform/[^"]+)"', page.decode())]


def hidden(features: tuple[str, ...] = ()) -> str:
    """The served stylesheet."""
    return ask("/mlflow-platform/page.css", features=features)[2].decode()


def test_mlflows_start_page_gets_two_lines_and_keeps_the_rest() -> None:
    status, headers, body = ask()
    assert status == 200
    added = re.sub(rb'<link href="\./mlflow[^>]+><script defer src="\./mlflow[^>]+></script>', b"", body)
    assert (added, len(links(body))) == (START_PAGE, 2)
    assert headers["content-length"] == str(len(body))
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_a_browser_that_has_mlflows_own_start_page_gets_the_new_one() -> None:
    """MLflow would say that nothing has changed: its file has not."""
    server = Server()
    conditions = [(b"If-None-Match", b'"1"'), (b"if-modified-since", b"x"), (b"range", b"bytes=0-1")]
    conditions += [(b"accept-encoding", b"gzip")]
    _, headers, _ = ask(server=server, headers=[*conditions, (b"accept", b"text/html")])
    assert server.asked[0]["headers"] == [(b"accept", b"text/html")]
    assert not {"etag", "last-modified"} & set(headers)
    assert headers["cache-control"] == "no-cache"


def test_the_added_files_are_kept_by_the_browser_until_their_content_changes() -> None:
    for link in links(ask()[2]):
        status, headers, body = ask(link)
        assert (status, headers["content-length"]) == (200, str(len(body)))
        assert "immutable" in headers["cache-control"]
        # A page of another release, which names another content.
        assert ask(f"{link}0")[1]["cache-control"] == "no-store"
    assert links(ask()[2]) != links(ask(features=("gateway",))[2])


def test_nothing_else_is_changed() -> None:
    for server in (
        Server(headers=[(b"content-type", b"application/json")]),
        Server(headers=[*HTML, (b"content-encoding", b"gzip")]),
        Server(status=503),
        Server(parts=[START_PAGE, b" " * platform_page.LARGEST_PAGE, b"the end"]),
        Server(parts=[b"<body></body>"]),
    ):
        assert ask(server=server)[2] == b"".join(server.parts)
    for target in ("/health", "/static-files/a.js", "/mlflow-platform/", "/mlflow-platform/page.html"):
        server = Server()
        assert ask(target, server=server)[2] == START_PAGE
    assert ask(method="HEAD")[2] == START_PAGE
    assert ask("/mlflow-platform/page.js", method="POST")[2] == START_PAGE


def test_callers_are_told_their_own_name_and_nothing_else() -> None:
    status, headers, body = ask("/ajax-api/3.0/mlflow-platform/caller")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(body) == {"user": "alice@example.com", "signOut": "oauth2/sign_out?rd=%2F%3Fsigned-out"}


def test_signing_out_leads_back_to_the_platform_below_its_path() -> None:
    body = ask("/ajax-api/3.0/mlflow-platform/caller", below="/clusters/x/mlflow")[2]
    assert json.loads(body)["signOut"] == "oauth2/sign_out?rd=%2Fclusters%2Fx%2Fmlflow%2F%3Fsigned-out"


@pytest.mark.parametrize("page", ["sign_in_at_provider.html", "sign_in_with_password.html"])
def test_the_sign_in_pages_do_not_lead_back_to_the_address_after_signing_out(page: str) -> None:
    assert f'location.search === "?{platform_page.SIGNED_OUT}"' in script(page)


def test_nobody_has_no_name() -> None:
    status, _, body = ask("/ajax-api/3.0/mlflow-platform/caller", caller=None)
    assert (status, json.loads(body)["error_code"]) == (401, "UNAUTHENTICATED")


def test_what_is_added_is_offered() -> None:
    assert set(JUDGED.offered(())) >= JUDGED.own
    served = {f"GET {link.partition('?')[0]}" for link in links(ask()[2])}
    assert JUDGED.own == served | {f"GET {platform_page.CALLER}"}


def test_what_is_always_refused_is_hidden() -> None:
    assert '[data-component-id="mlflow.home.workspaces.create_button"] { display: none !important; }' in hidden()


@pytest.mark.parametrize("feature", sorted(platform_page.hidden().features))
def test_a_feature_that_is_on_is_seen(feature: str) -> None:
    for selector in platform_page.hidden().features[feature]:
        assert f"{selector} {{" in hidden()
        assert f"{selector} {{" not in hidden((feature,))
    assert feature in JUDGED.features


def test_selectors_avoid_the_class_names_that_mlflows_build_generates() -> None:
    every = platform_page.hidden().without(())
    assert [selector for selector in every if re.search(r'\.(?![^"]*"\])', selector)] == []


def test_texts_from_outside_never_become_html() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|DOMParser", SCRIPT)


def test_the_script_asks_for_what_the_server_offers() -> None:
    asked = re.findall(r'"(ajax-api/[^"]+)"', SCRIPT)
    matcher = routes.Matcher(JUDGED)
    assert len(asked) == 2
    assert [path for path in asked if not matcher.route("GET", f"/{path.removesuffix('/')}".encode())] == []


def test_the_script_recognises_an_archived_team_by_its_description() -> None:
    (beginning,) = re.findall(r'ARCHIVED = "([^"]+)"', SCRIPT)
    assert namespaces.ARCHIVED_NOTE.startswith(beginning)


def test_what_mlflows_pages_no_longer_contain_is_noticed() -> None:
    values = {"mlflow.home.button", "/settings/webhooks"}
    scripts = 'dark-mode data-component-id "workspace" "mlflow.home.button" "/settings/:section" "webhooks"'
    assert page_census.missing(values, scripts) == []
    assert page_census.missing(values, scripts.replace("home.button", "home.link")) == ["mlflow.home.button"]
    assert page_census.missing(values, scripts.replace('"webhooks"', '"hooks"')) == ["/settings/webhooks"]
    assert page_census.missing(values, scripts.replace("dark-mode", "dark")) == ["dark-mode"]


def test_a_start_page_that_cannot_have_the_additions_is_noticed() -> None:
    assert page_census.start_page_faults(START_PAGE) == []
    assert len(page_census.start_page_faults(b"<body></body>")) == 2
    assert page_census.start_page_faults(START_PAGE.replace(b"root", b"app")) == [
        'The start page has no element with id="root".'
    ]
    (fault,) = page_census.start_page_faults(START_PAGE + b" " * platform_page.LARGEST_PAGE)
    assert "bytes" in fault
