"""Namespaces that exist already, asked about before an `up`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from settings.loader import Source
from tests.settings.stack_files import changed
from tests.tools.preflight.fake_cluster import STACKS, Cluster, needs, serving
from tools.preflight import ownership
from tools.preflight.wanted import Wanted
from tools.stack_file import UnknownError
from tools.versions import CHECKOUT

Check = Callable[..., int]
TEAM = "/api/v1/namespaces/team-a"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """The exit code for a stack in a cluster, by its state."""
    file = tmp_path / "kubeconfig"
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))

    def checked(cluster: Cluster, stack: str, *objects: tuple[str, str], error: str = "") -> int:
        def deployed(_stack: str) -> tuple[frozenset[tuple[str, str]], str]:
            return frozenset(objects), error

        def read(_stack: str) -> Source:
            base, changes = STACKS[stack]
            return Source(document=changed(base, changes), encrypted=frozenset(), elsewhere=(), secrets={})

        def wanted(_source: Source, _stack: str) -> Wanted:
            return needs(stack)

        for function in (deployed, read, wanted):
            monkeypatch.setattr(ownership, function.__name__, function)
        with serving(cluster, file):
            return ownership.main([STACKS[stack][0]])

    return checked


def test_a_namespace_of_nobody_and_one_that_is_not_there_do_not_stop_an_up(check: Check) -> None:
    assert check(Cluster("placed"), "placed") == 0
    cluster = Cluster("placed")
    cluster.lacks(TEAM)
    assert check(cluster, "placed") == 0


def test_an_up_that_would_delete_the_stacks_own_namespace_is_stopped(
    check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(Cluster("placed"), "placed", ("Namespace", "team-a")) == 1
    said = capsys.readouterr().err
    assert said.startswith("nothing was changed:\n- Namespace team-a: this stack has created it")
    assert "remove teams.team-a.createNamespace: false" in said
    assert check(Cluster("company"), "company", ("Namespace", "mlflow")) == 1


def test_an_up_that_would_take_a_namespace_from_another_platform_is_stopped(
    check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("placed")
    cluster.has(TEAM, labels={"mlflow-platform/owner": "other"})
    assert check(cluster, "placed") == 1
    assert "it belongs to the platform in namespace other" in capsys.readouterr().err


def test_a_stack_that_creates_all_its_namespaces_asks_nothing(check: Check) -> None:
    cluster = Cluster("dev")
    assert check(cluster, "dev", error="not logged in") == 0
    assert cluster.asked == []


def test_what_cannot_be_asked_is_a_warning(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(Cluster("placed"), "placed", error="not logged in") == 0
    assert capsys.readouterr().err.startswith("warning: who has created namespaces is not known: needs the state")


def test_a_stack_file_that_cannot_be_read_is_left_to_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_stack: str) -> Source:
        raise UnknownError("no such file")

    monkeypatch.setattr(ownership, "read", read)
    assert ownership.main(["x"]) == 0


def test_up_asks_before_pulumi_changes_anything() -> None:
    lines = (CHECKOUT / "tools" / "up").read_text(encoding="utf-8").splitlines()
    asks = next(number for number, line in enumerate(lines) if "tools.preflight.ownership" in line)
    changes = next(number for number, line in enumerate(lines) if "pulumi up" in line and not line.startswith("#"))
    assert asks < changes
