from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from tools import volumes
from tools.volumes import left_behind, main, retain


def volume(
    name: str, claim: str | None, *, policy: str = "Delete", phase: str = "Bound", size: str = "5Gi"
) -> SimpleNamespace:
    """A volume, claimed as `namespace/name`."""
    reference = None
    if claim is not None:
        namespace, _, claimed = claim.partition("/")
        reference = SimpleNamespace(namespace=namespace, name=claimed)
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name),
        spec=SimpleNamespace(claim_ref=reference, persistent_volume_reclaim_policy=policy, capacity={"storage": size}),
        status=SimpleNamespace(phase=phase),
    )


@dataclass
class Api:
    """The cluster's volumes, and their recorded changes."""

    items: list[SimpleNamespace]
    patches: list[tuple[str, object]] = field(default_factory=list[tuple[str, object]])

    def list_persistent_volume(self) -> "Api":
        """All volumes."""
        return self

    def patch_persistent_volume(self, name: str, body: object) -> None:
        """Record the change."""
        self.patches.append((name, body))


def test_a_claimed_volume_of_the_namespace_is_kept() -> None:
    api = Api([volume("pvc-1", "mlflow/data-postgres-0"), volume("pvc-2", "mlflow/data-object-store-0")])
    assert retain(api, "mlflow") == ["pvc-1", "pvc-2"]
    assert api.patches == [(name, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}) for name in ("pvc-1", "pvc-2")]


@pytest.mark.parametrize(
    "other",
    [
        volume("pvc-1", "team-a/data"),
        volume("pvc-1", "mlflow-test/data"),
        volume("pvc-1", None, phase="Available"),
        volume("pvc-1", "mlflow/data", policy="Retain"),
    ],
    ids=["another namespace", "a namespace with a longer name", "unclaimed", "kept already"],
)
def test_any_other_volume_stays_as_it_is(other: SimpleNamespace) -> None:
    api = Api([other])
    assert retain(api, "mlflow") == []
    assert api.patches == []


def test_a_volume_left_behind_is_told_with_its_size_and_what_it_was_for() -> None:
    found = [
        volume("pvc-1", "mlflow/data-postgres-0", phase="Released", policy="Retain", size="5Gi"),
        volume("pvc-2", "mlflow/data-object-store-0", phase="Released", policy="Retain", size="10Gi"),
    ]
    assert left_behind(found, "mlflow") == [
        "pvc-1  5Gi  mlflow/data-postgres-0",
        "pvc-2  10Gi  mlflow/data-object-store-0",
    ]


def test_a_volume_in_use_or_never_used_is_not_left_behind() -> None:
    assert left_behind([volume("pvc-1", "mlflow/data"), volume("pvc-2", None, phase="Available")], "mlflow") == []


def test_another_namespaces_volume_is_not_ours_to_tell() -> None:
    assert left_behind([volume("pvc-1", "shop/data", phase="Released")], "mlflow") == []


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Api:
    """A cluster without volumes."""
    api = Api([])
    monkeypatch.setattr(volumes, "kubeconfig", SimpleNamespace(load_kube_config=list))
    monkeypatch.setattr(volumes, "kubernetes", SimpleNamespace(CoreV1Api=lambda: api))
    return api


def test_the_two_commands_say_what_they_did(
    cluster: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.items = [volume("pvc-1", "mlflow/a"), volume("pvc-2", "mlflow/b", phase="Released", policy="Retain")]
    monkeypatch.setattr("sys.argv", ["volumes", "retain", "mlflow"])
    main()
    assert capsys.readouterr().out == "PersistentVolume pvc-1 will be kept when its PersistentVolumeClaim is deleted\n"
    monkeypatch.setattr("sys.argv", ["volumes", "list", "mlflow"])
    main()
    assert capsys.readouterr().out.splitlines()[1:] == ["  pvc-2  5Gi  mlflow/b"]
    cluster.items = []
    main()
    assert capsys.readouterr().out == "no PersistentVolumes are left\n"


@pytest.mark.usefixtures("cluster")
def test_any_other_command_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["volumes", "delete", "mlflow"])
    with pytest.raises(SystemExit, match="usage"):
        main()
