import json
import ssl
from collections.abc import Callable
from typing import cast

import pytest

from testbed.e2e.attack import oddities, raw, ways
from testbed.e2e.attack.ways import Intruder, Owner
from testbed.e2e.web import Answer, Site

SITE = Site(host="mlflow.localhost", path="/demo", trust=ssl.create_default_context())
ALICE = Intruder(name="alice", credentials={"Cookie": "__Secure-mlflow=a"})
NOBODY = Intruder(name="nobody")
Server = Callable[[bytes], bytes]


def answer(status: int, body: str) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def refusing(content: bytes) -> bytes:
    return answer(403 if b"Cookie: " in content else 401, "{}")


def holes(monkeypatch: pytest.MonkeyPatch, server: Server, intruders: list[Intruder]) -> list[str]:
    """The holes that the attack reports about a server."""
    names: list[str] = []

    def ask(_site: Site, method: str, path: str, **options: object) -> Answer:
        if method == "POST":
            names.append(cast("dict[str, str]", options["document"])["name"])
            return Answer(status=200, headers={}, body=b"{}")
        assert path.startswith(ways.SEARCH)
        content = {"experiments": [{"name": name} for name in names]}
        return Answer(status=200, headers={}, body=json.dumps(content).encode())

    def exchange(_site: Site, content: bytes, *, seconds: float) -> bytes:
        assert seconds
        return server(content.replace(b"KEPT", names[0].encode())).replace(b"KEPT", names[0].encode())

    monkeypatch.setattr(Site, "ask", ask)
    monkeypatch.setattr(raw, "exchange", exchange)
    owner = Owner(site=SITE, workspace="team-b", credentials={})
    return ways.holes(owner, intruders)


def test_a_server_that_refuses_everything_has_no_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert holes(monkeypatch, refusing, [ALICE, NOBODY]) == []


@pytest.mark.parametrize(
    ("trusted", "hole"),
    [
        (b"/health/..;/api/", "nobody, GET /demo/health/..;/api"),
        (b"/health%23/../api/", "nobody, GET /demo/health%23/../api"),
        (b"\r\nX-Original-URL: /health", "nobody, search with X-Original-URL"),
        (b"\r\nConnection: close, Authorization, Cookie", "nobody, search with hop by hop: credentials"),
    ],
)
def test_a_server_that_answers_nobody_has_a_hole(monkeypatch: pytest.MonkeyPatch, trusted: bytes, hole: str) -> None:
    def server(content: bytes) -> bytes:
        return answer(200, "<html>") if trusted in content else refusing(content)

    found = holes(monkeypatch, server, [NOBODY])
    assert [one for one in found if one.startswith(hole)]


@pytest.mark.parametrize(
    "header", [b"X.Forwarded.Email: bob", b"X_Forwarded_Email: bob", b"X-MLFLOW-WORKSPACE: team-b"]
)
def test_a_server_that_shows_another_teams_experiment_has_a_hole(
    monkeypatch: pytest.MonkeyPatch, header: bytes
) -> None:
    def server(content: bytes) -> bytes:
        return answer(200, "KEPT") if header in content else refusing(content)

    assert holes(monkeypatch, server, [ALICE])


def test_a_member_who_is_told_of_another_team_passes_for_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def server(content: bytes) -> bytes:
        listed = b"GET /demo" + ways.WORKSPACES.encode()
        return answer(200, '{"name": "team-b"}') if content.startswith(listed) else refusing(content)

    assert holes(monkeypatch, server, [ALICE])[0].startswith("alice, workspaces with ")


def test_what_needs_no_login_is_no_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert holes(monkeypatch, lambda _: answer(200, "OK"), [NOBODY]) == []


def test_a_server_that_does_not_answer_is_not_taken_for_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert holes(monkeypatch, lambda _: b"", [NOBODY])


def test_every_path_is_sent_once_and_has_no_space_that_would_end_it() -> None:
    for prefix in ("", "/demo"):
        paths = oddities.paths(ways.SEARCH, prefix=prefix, host="mlflow.localhost")
        assert len(paths) == len(set(paths))
        assert [path for path in paths if " " in path or not path.startswith(("/", "http"))] == []


def test_a_platform_below_a_path_is_attacked_from_outside_of_it_too() -> None:
    paths = oddities.paths(ways.SEARCH, prefix="/demo", host="mlflow.localhost")
    assert {ways.SEARCH, f"/demo/..{ways.SEARCH}", f"/health/..{'/demo'}{ways.SEARCH}"} <= set(paths)


def test_a_request_ends_the_connection_unless_an_attack_says_otherwise() -> None:
    assert ways.request("h", "GET", "/", ()).count(b"Connection: ") == 1
    assert ways.request("h", "GET", "/", ("Connection: close, Cookie",)).count(b"Connection: ") == 1
