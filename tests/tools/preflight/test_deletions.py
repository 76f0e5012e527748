"""Namespaces that are being deleted, or that are gone without Pulumi's knowledge, before an `up`."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from settings.loader import Source
from tests.settings.stack_files import changed
from tools.kubectl import ClusterError
from tools.plan.preview import Json
from tools.preflight import deletions
from tools.stack_file import UnknownError

NAMESPACES = ("mlflow", "team-a", "team-b")
Check = Callable[..., int]


def namespace(name: str, *, waits_for: str | None = None) -> Json:
    """A namespace, which is being deleted if it waits for something."""
    metadata: Json = {"name": name}
    if waits_for is None:
        return {"metadata": metadata}
    condition = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": waits_for}
    other = {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "All discovered"}
    deleted = {**metadata, "deletionTimestamp": "2026-12-01T10:00:00Z"}
    return {"metadata": deleted, "status": {"phase": "Terminating", "conditions": [other, condition]}}


ALL = [namespace(name) for name in NAMESPACES]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    """The exit code for the stack `dev`, by what kubectl finds each time, and by what the state has."""

    def checked(*answers: Sequence[Json] | ClusterError, created: Sequence[str] = (), refresh: bool = False) -> int:
        waiting = list(answers)

        def kubectl(*arguments: str) -> str:
            assert set(NAMESPACES) < set(arguments), arguments
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(answer, ClusterError):
                raise answer
            # kubectl prints one object that it was asked for without a list, and nothing at all for none.
            if len(answer) < 2:
                return "".join(map(json.dumps, answer))
            return json.dumps({"kind": "List", "items": answer})

        def deployed(_stack: str) -> tuple[frozenset[tuple[str, str]], str]:
            return frozenset(("Namespace", one) for one in created), ""

        def read(_stack: str) -> Source:
            return Source(document=changed("dev", {}), encrypted=frozenset(), elsewhere=(), secrets={})

        for function in (kubectl, deployed, read):
            monkeypatch.setattr(deletions, function.__name__, function)
        return deletions.main(["dev", *(["--refresh"] if refresh else [])])

    monkeypatch.setattr(deletions, "POLL_SECONDS", 0.0)
    return checked


def test_namespaces_that_exist_do_not_stop_an_up(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(ALL, created=NAMESPACES) == 0
    assert capsys.readouterr() == ("", "")


def test_an_up_waits_until_a_namespace_is_deleted(check: Check) -> None:
    ends = [namespace("mlflow", waits_for="pvc-protection in 2 resource instances"), *ALL[1:]]
    assert check(ends, ends, ALL[1:]) == 0
    assert check([ends[0]], []) == 0


def test_a_namespace_that_stays_stops_an_up_which_says_what_it_waits_for(
    check: Check, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "WAIT_SECONDS", 0)
    assert check([namespace("team-a", waits_for="example.com/keep in 1 resource instances"), ALL[0], ALL[2]]) == 1
    said = capsys.readouterr().err
    assert said.startswith("nothing was changed:\n- Namespace team-a is being deleted")
    assert said.endswith("run this again: example.com/keep in 1 resource instances\n")


@pytest.mark.parametrize("gone", NAMESPACES)
def test_a_namespace_that_only_the_state_has_stops_an_up_which_says_how_to_create_it_again(
    check: Check, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    left = [namespace(name) for name in NAMESPACES if name != gone]
    assert check(left, created=NAMESPACES) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"nothing was changed:\n- Namespace {gone}: this stack has created it")
    assert "REFRESH=yes make up STACK=dev" in said
    assert check(left, created=NAMESPACES, refresh=True) == 0


def test_a_first_up_needs_no_namespace(check: Check) -> None:
    assert check([]) == 0


def test_a_cluster_that_cannot_be_asked_is_a_warning(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(ClusterError("connection refused")) == 0
    assert capsys.readouterr().err == "warning: the namespaces of the stack could not be read: connection refused\n"


def test_a_stack_file_that_cannot_be_read_is_left_to_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_stack: str) -> Any:  # noqa: ANN401 - it returns nothing
        raise UnknownError("no such file")

    monkeypatch.setattr(deletions, "read", read)
    assert deletions.main(["x"]) == 0
