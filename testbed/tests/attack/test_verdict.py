import json
from typing import Any

import pytest

from testbed.e2e.attack.table import Entry
from testbed.e2e.attack.verdict import Aim, Answer, Caller, leaked, wrong

GET = Entry(
    family="runs", method="GET", path="/api/runs/get", needs=("get experiments",), parts={"query": {"id": "$run"}}
)
LIST = Entry(family="runs", method="POST", path="/api/search", needs=("list experiments",))
DELETE = Entry(
    family="runs", method="POST", path="/api/delete", needs=("delete experiments",), parts={"query": {"id": "$run"}}
)
SEARCH = Entry(
    family="runs", method="GET", path="/api/runs", needs=("list experiments",), parts={"body": "$run"}, copied=200
)
WORKSPACES = Entry(family="workspaces", method="GET", path="/api/workspaces", needs=("listed",))
MAKE = Entry(family="workspaces", method="POST", path="/api/workspaces", needs=("no-one",))
DEMO = Entry(family="jobs", method="POST", path="/api/demo", needs=("get experiments",), disabled="demo")
HEALTH = Entry(family="pages", method="GET", path="/health", needs=("anyone",))


def caller(name: str, *rights: str, signed_in: bool = True) -> Caller:
    return Caller(name=name, token=name if signed_in else "", workspace="team-a", rights=frozenset(rights))


VIEWER = caller("viewer", "get experiments", "list experiments")
STRANGER = caller("stranger")
NOBODY = caller("nobody", signed_in=False)


def answer(status: int, document: Any = None) -> Answer:  # noqa: ANN401 - any JSON
    body = "" if document is None else json.dumps(document)
    return Answer(status=status, text=f"etag: x\n\n{body}", body=body)


RIGHT = [
    (GET, VIEWER, Aim.OWN, answer(200)),
    (GET, VIEWER, Aim.OTHER, answer(403)),
    (GET, VIEWER, Aim.COPIED, answer(404)),
    (GET, VIEWER, Aim.NONE, answer(400)),
    (GET, VIEWER, Aim.UNKNOWN, answer(404)),
    (GET, STRANGER, Aim.OWN, answer(403)),
    (GET, NOBODY, Aim.OTHER, answer(401)),
    (DELETE, VIEWER, Aim.OWN, answer(403)),
    (DELETE, VIEWER, Aim.COPIED, answer(403)),
    (LIST, VIEWER, Aim.OTHER, answer(403)),
    (SEARCH, VIEWER, Aim.COPIED, answer(200, {})),
    (WORKSPACES, VIEWER, Aim.OTHER, answer(200, {"workspaces": [{"name": "team-a"}]})),
    (WORKSPACES, STRANGER, Aim.OTHER, answer(200, {"workspaces": []})),
    (MAKE, VIEWER, Aim.OWN, answer(403)),
    (DEMO, VIEWER, Aim.OWN, answer(404)),
    (DEMO, NOBODY, Aim.OTHER, answer(401)),
    (HEALTH, NOBODY, Aim.NONE, answer(200)),
]
WRONG = [
    (GET, VIEWER, Aim.OWN, answer(403), "wrongly refused: 403"),
    (GET, VIEWER, Aim.OWN, answer(500), "fails: 500, expected 200"),
    (GET, VIEWER, Aim.OTHER, answer(200, {}), "not refused: 200"),
    (GET, VIEWER, Aim.OTHER, answer(500), "not refused: 500"),
    (GET, VIEWER, Aim.COPIED, answer(200), "another workspace's id gets 200"),
    (GET, VIEWER, Aim.COPIED, answer(500), "another workspace's id gets 500"),
    (GET, VIEWER, Aim.NONE, answer(200), "not refused: 200"),
    (GET, NOBODY, Aim.OTHER, answer(404), "not asked to sign in: 404"),
    (DELETE, VIEWER, Aim.OWN, answer(200), "not refused: 200"),
    (LIST, VIEWER, Aim.OTHER, answer(200, {}), "not refused: 200"),
    (LIST, STRANGER, Aim.OWN, answer(200, {"experiments": []}), "not refused: 200"),
    (DEMO, VIEWER, Aim.OWN, answer(200), "is served: 200"),
    (DEMO, STRANGER, Aim.OTHER, answer(403), "is served: 403"),
    (
        WORKSPACES,
        VIEWER,
        Aim.OWN,
        answer(200, {"workspaces": [{"name": "team-b"}]}),
        "lists ['team-b'], expected ['team-a']",
    ),
    (MAKE, VIEWER, Aim.OWN, answer(200), "not refused: 200"),
]


@pytest.mark.parametrize(("entry", "caller", "aim", "got"), RIGHT)
def test_an_answer_that_rbac_asks_for_is_right(entry: Entry, caller: Caller, aim: Aim, got: Answer) -> None:
    assert wrong(entry, caller, aim, got) == ""


@pytest.mark.parametrize(("entry", "caller", "aim", "got", "why"), WRONG)
def test_any_other_answer_is_wrong(entry: Entry, caller: Caller, aim: Aim, got: Answer, why: str) -> None:
    assert wrong(entry, caller, aim, got) == why


def test_a_secret_in_the_answer_is_a_leak_unless_the_caller_has_said_it() -> None:
    got = answer(404, {"message": "no experiment secret-1 in secret-2"})
    assert leaked("GET /x?name=secret-1", got, ["secret-1", "secret-2", "secret-3"]) == ["secret-2"]


def test_a_secret_in_a_header_is_a_leak_too() -> None:
    assert leaked("", Answer(status=302, text="location: /secret-1\n\n", body=""), ["secret-1"]) == ["secret-1"]
