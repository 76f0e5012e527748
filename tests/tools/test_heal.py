import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.dynamic.exceptions import ForbiddenError, NotFoundError, ResourceNotFoundError

from tests.tools.begun import CONFIG_MAP, live, with_state
from tools import heal
from tools.heal import abandoned, found, object_id, release_abandoned_lock, settle_pending_operations, settled

HOST = "laptop"
URN = "urn:pulumi:dev::mlflow-platform::kubernetes:core/v1:"


@pytest.fixture
def dead() -> int:
    """Id of a process that has ended."""
    command = shutil.which("true")
    assert command
    process = subprocess.Popen([command])  # noqa: S603 - the system's own
    process.wait()
    return process.pid


class Refusal:
    """An error answer of the API server."""

    status = 0
    reason = "refused"
    body = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it

    def getheaders(self) -> dict[str, str]:
        """No headers."""
        return self.headers


class Cluster:
    """A fake of the dynamic client for a cluster that knows only ConfigMaps."""

    def __init__(self, objects: set[tuple[str, str | None]], error: Exception | None = None) -> None:
        self.asked: dict[str, Any] = {}
        self.objects = objects
        self.error = error
        self.resources = self

    def get(self, **asked: Any) -> "Cluster":  # noqa: ANN401 - two signatures of the real one
        """Find a kind, or an object of it."""
        if "kind" in asked:
            if (asked["api_version"], asked["kind"]) != ("v1", "ConfigMap"):
                raise ResourceNotFoundError(asked["kind"])
            return self
        if self.error is not None:
            raise self.error
        if (asked["name"], asked["namespace"]) not in self.objects:
            raise NotFoundError(Refusal())
        self.asked = asked
        return self

    def to_dict(self) -> dict[str, Any]:
        """The object that was found."""
        return live(CONFIG_MAP | {"metadata": self.asked})


def test_a_lock_is_abandoned_when_its_process_of_this_host_is_gone(dead: int) -> None:
    assert abandoned({"hostname": HOST, "pid": dead}, HOST)


def test_a_lock_of_a_living_process_is_held() -> None:
    assert not abandoned({"hostname": HOST, "pid": os.getpid()}, HOST)


def test_a_lock_of_another_host_is_held_whatever_its_process(dead: int) -> None:
    assert not abandoned({"hostname": "ci", "pid": dead}, HOST)
    assert not abandoned({"pid": dead}, HOST)


def test_a_lock_of_another_users_process_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not abandoned({"hostname": HOST, "pid": 1}, HOST)


def test_a_lock_is_abandoned_when_its_process_was_killed_and_nobody_has_asked_for_its_exit_code() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        assert abandoned({"hostname": HOST, "pid": child}, HOST)
    finally:
        os.waitpid(child, 0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Recorded calls of Pulumi, which does nothing."""
    asked: list[tuple[str, ...]] = []

    def pulumi(*arguments: str) -> str:
        asked.append(arguments)
        return ""

    monkeypatch.setattr(heal, "_pulumi", pulumi)
    return asked


def lock(backend: Path, pid: int, stack: str = "dev") -> None:
    folder = backend / ".pulumi" / "locks" / "organization" / "mlflow-platform" / stack
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{pid}.json").write_text(json.dumps({"hostname": socket.gethostname(), "pid": pid}), encoding="utf-8")


def test_an_abandoned_lock_of_a_file_backend_is_released(
    tmp_path: Path, dead: int, calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    lock(tmp_path, dead)
    release_abandoned_lock(f"file://{tmp_path}", "dev")
    assert calls == [("cancel", "--yes")]
    assert "releasing its lock" in capsys.readouterr().out


def test_a_living_deployment_keeps_its_lock(
    tmp_path: Path, calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    lock(tmp_path, os.getpid())
    release_abandoned_lock(f"file://{tmp_path}", "dev")
    assert (calls, capsys.readouterr().out) == ([], "")


@pytest.mark.parametrize("backend", ["", "https://api.pulumi.com", "s3://bucket", "file:///nowhere/at/all"])
def test_without_lock_files_there_is_nothing_to_release(backend: str, calls: list[tuple[str, ...]]) -> None:
    release_abandoned_lock(backend, "dev")
    assert calls == []


def test_a_living_deployment_keeps_its_lock_beside_an_abandoned_one(
    tmp_path: Path, dead: int, calls: list[tuple[str, ...]]
) -> None:
    lock(tmp_path, dead, "dev")
    lock(tmp_path, os.getpid(), "dev")
    release_abandoned_lock(f"file://{tmp_path}", "dev")
    assert calls == []


def test_an_abandoned_lock_of_another_stack_is_not_this_stacks_matter(
    tmp_path: Path, dead: int, calls: list[tuple[str, ...]]
) -> None:
    lock(tmp_path, dead, "prod")
    release_abandoned_lock(f"file://{tmp_path}", "dev")
    assert calls == []


def test_an_id_is_the_namespace_and_the_name() -> None:
    assert object_id(CONFIG_MAP) == "mlflow/scripts"


def test_an_id_of_a_cluster_wide_object_is_its_name() -> None:
    assert object_id({"metadata": {"name": "mlflow"}}) == "mlflow"


def test_begun_objects_that_exist_become_resources_and_nothing_stays_pending() -> None:
    begun = {"urn": f"{URN}ConfigMap::a", "type": "kubernetes:core/v1:ConfigMap", "inputs": CONFIG_MAP}
    deployment = {
        "resources": [{"urn": "urn:first"}],
        "pending_operations": [
            {"type": "creating", "resource": begun},
            {"type": "updating", "resource": {"urn": f"{URN}ConfigMap::b", "inputs": CONFIG_MAP}},
            {"type": "deleting", "resource": {"urn": f"{URN}ConfigMap::c"}},
            {"type": "creating", "resource": {"urn": f"{URN}Secret::d"}},
        ],
    }
    state, taken_in = settled(deployment, live)
    assert taken_in == [f"{URN}ConfigMap::a"]
    assert state == {"resources": [{"urn": "urn:first"}, with_state(begun)]}


@pytest.mark.parametrize("pending", [{}, {"pending_operations": None}, {"pending_operations": []}])
def test_a_deployment_that_ended_stays_as_it_is(pending: dict[str, Any]) -> None:
    assert settled({"resources": [{"urn": "urn:first"}], **pending}, live) == (
        {"resources": [{"urn": "urn:first"}]},
        [],
    )


def test_an_object_that_the_cluster_holds_is_found() -> None:
    assert found(Cluster({("scripts", "mlflow")}), CONFIG_MAP) == live(CONFIG_MAP)


def test_an_object_of_the_same_name_elsewhere_is_another() -> None:
    assert found(Cluster({("scripts", "team-a"), ("scripts", None)}), CONFIG_MAP) is None


def test_an_object_of_a_kind_that_the_cluster_does_not_know_is_not_found() -> None:
    assert found(Cluster({("scripts", "mlflow")}), CONFIG_MAP | {"kind": "Backup"}) is None


def test_a_cluster_that_refuses_to_say_is_an_error() -> None:
    with pytest.raises(ForbiddenError):
        found(Cluster(set(), ForbiddenError(Refusal())), CONFIG_MAP)


def test_begun_objects_that_exist_are_taken_in_and_the_others_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = {
        f"{URN}ConfigMap::there": CONFIG_MAP,
        f"{URN}ConfigMap::gone": CONFIG_MAP | {"metadata": {"name": "gone", "namespace": "mlflow"}},
        "urn:pulumi:dev::mlflow-platform::random:index/randomPassword:RandomPassword::p": {"length": 32},
    }
    operations = [{"type": "creating", "resource": {"urn": urn, "inputs": it}} for urn, it in pending.items()]
    calls: list[tuple[str, ...]] = []
    imported: list[str] = []

    def pulumi(*arguments: str, text: str | None = None) -> str:
        calls.append(arguments)
        imported.extend([text] if text else [])
        return json.dumps({"deployment": {"pending_operations": operations}})

    monkeypatch.setattr(heal, "_pulumi", pulumi)
    monkeypatch.setattr(heal, "kubeconfig", SimpleNamespace(load_kube_config=list))
    monkeypatch.setattr(heal, "kubernetes", SimpleNamespace(ApiClient=list))

    def connect(_client: object) -> Cluster:
        return Cluster({("scripts", "mlflow")})

    monkeypatch.setattr(heal, "DynamicClient", connect)
    settle_pending_operations()
    assert calls == [
        ("stack", "export"),
        ("stack", "import"),
        ("refresh", "--yes", "--skip-preview", "--non-interactive", "--target", f"{URN}ConfigMap::there"),
    ]
    taken_in = with_state({"urn": f"{URN}ConfigMap::there", "inputs": CONFIG_MAP})
    assert [json.loads(text) for text in imported] == [{"deployment": {"resources": [taken_in]}}]


def test_with_nothing_to_settle_neither_the_cluster_nor_the_user_hears_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[str, ...]] = []

    def pulumi(*arguments: str) -> str:
        calls.append(arguments)
        return '{"deployment": {}}'

    monkeypatch.setattr(heal, "_pulumi", pulumi)
    settle_pending_operations()
    assert (calls, capsys.readouterr().out) == ([("stack", "export")], "")
