"""A StatefulSet that is deleted is always created again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools.growth.conftest import Scene
from tests.tools.growth.world import DATA, POSTGRES
from tools.growth import recreation
from tools.versions import CHECKOUT

FAKE = Path(__file__).with_name("fake_kubectl.py")
# The new StatefulSet, and not the old one or the one of the dry run.
THE_NEW_ONE = "^apply .*8Gi"
WHATEVER = "^apply "


def test_a_refused_stateful_set_is_there_again_as_it_was(scene: Scene) -> None:
    before = scene.world.objects[POSTGRES]["spec"]
    scene.world.cluster["refuses"] = {THE_NEW_ONE: "denied by a policy"}
    assert scene.grow() == 1
    assert scene.world.objects[POSTGRES]["spec"] == before
    assert "was refused with the new size, and is there again with the old one; its pods go on: denied by a policy" in (
        scene.err
    )
    assert "run `make grow` again" in scene.err


def test_once_the_cause_is_mended_the_next_run_finishes(scene: Scene) -> None:
    scene.world.cluster["refuses"] = {THE_NEW_ONE: "denied by a policy"}
    scene.grow()
    scene.world.cluster["refuses"] = {}
    # The stack's state still has the old size, so the uid of the StatefulSet does not matter.
    assert scene.grow() == 0
    assert scene.world.changes == ["kubectl delete", "kubectl apply", "pulumi refresh"]
    assert (scene.world.size(DATA), scene.world.size(POSTGRES)) == ("8Gi", "8Gi")


def test_the_claims_have_grown_before_the_stateful_set_is_touched(scene: Scene) -> None:
    scene.grow()
    assert scene.world.changes[:2] == ["kubectl patch", "kubectl delete"]


def test_if_nothing_is_accepted_the_manifests_are_kept_and_the_command_is_said(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recreation, "APPLY_SECONDS", 0)
    scene.world.cluster["refuses"] = {WHATEVER: "denied by a policy"}
    assert scene.grow() == 1
    (file,) = tmp_path.glob("postgres-*.json")
    assert json.loads(file.read_text(encoding="utf-8"))["unchanged"]["metadata"]["name"] == "postgres"
    assert "StatefulSet mlflow/postgres is missing" in scene.err
    assert f"The manifests are in {file}" in scene.err
    assert "kubectl apply --server-side" in scene.err
    scene.world.cluster["refuses"] = {}
    assert scene.grow() == 0
    assert scene.world.size(POSTGRES) == "8Gi"


def test_no_manifest_stays_on_the_machine_otherwise(scene: Scene, tmp_path: Path) -> None:
    scene.grow()
    assert list(tmp_path.glob("postgres-*.json")) == []


def test_a_stateful_set_that_cannot_be_deleted_is_as_before(scene: Scene) -> None:
    scene.world.cluster["refuses"] = {"^delete postgres": "denied by a policy"}
    assert scene.grow() == 1
    assert "could not be deleted, and is as before: denied by a policy" in scene.err
    assert "kubectl apply" not in scene.world.changes


def test_signals_do_not_end_it_between_deletion_and_creation(scene: Scene, tmp_path: Path) -> None:
    """In a process of its own, with a kubectl that takes its time."""
    program = tmp_path / "kubectl"
    program.write_text(f"#!{sys.executable}\n{FAKE.read_text(encoding='utf-8')}", encoding="utf-8")
    program.chmod(0o755)
    scene.world.cluster["apply_seconds"] = 1
    cluster = tmp_path / "cluster.json"
    cluster.write_text(json.dumps(scene.world.cluster), encoding="utf-8")
    inputs = scene.world.recorded(POSTGRES)["inputs"]
    document = {"context": None, "manager": "m", "exists": True, "grown": inputs, "unchanged": inputs}
    file = tmp_path / "postgres.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(  # noqa: S603 - this Python and a module of ours
        [sys.executable, "-m", "tools.growth.recreation", str(file)],
        cwd=CHECKOUT,
        env={"PATH": path, "WORLD": str(tmp_path)},
    )
    calls = tmp_path / "calls"
    while not calls.exists() or " delete " not in calls.read_text(encoding="utf-8"):
        assert process.poll() is None
        time.sleep(0.01)
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process.pid, one)
    assert process.wait() == 0
    assert POSTGRES in json.loads(cluster.read_text(encoding="utf-8"))["objects"]
    assert not file.exists()


def test_it_does_not_share_a_session_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ctrl+C reaches the processes of the terminal's session."""
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nimport os\nprint(os.getsid(0) == os.getpid())\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert recreation.apart("", print) == (0, ["True"])
