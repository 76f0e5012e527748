"""The pool of volumes."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.node.kubectl import Kubectl
from testbed.node.object_types import Object, Spec
from testbed.node.volumes import (
    FREE_VOLUMES,
    LABEL,
    Volume,
    manifest,
    read_index,
    top_up,
    unknown,
    volumes,
    write_index,
)


@dataclass(frozen=True)
class RecordingKubectl(Kubectl):
    """Records the objects that would be created."""

    created: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 0) -> str:
        """Record the objects."""
        del seconds
        assert arguments == ("create", "-f=-")
        assert stdin
        self.created.extend(json.loads(stdin)["items"])
        return ""


def recording() -> RecordingKubectl:
    return RecordingKubectl(Path("kubectl"), Path("kubeconfig"))


def persistent_volume(name: str, phase: str, *, ours: bool = True) -> Object:
    claim: Spec = {"claimRef": {"namespace": "team-a", "name": "data"}} if phase != "Available" else {}
    labels = {LABEL: "true"} if ours else {}
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": labels},
        "spec": claim,
        "status": {"phase": phase},
    }


def test_an_empty_pool_is_filled_with_a_directory_for_each_volume(tmp_path: Path) -> None:
    kubectl = recording()
    top_up(kubectl, tmp_path, [])
    names = [one["metadata"]["name"] for one in kubectl.created]
    assert len(names) == FREE_VOLUMES
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())


def test_a_pool_with_enough_free_volumes_is_left_alone(tmp_path: Path) -> None:
    kubectl = recording()
    top_up(kubectl, tmp_path, [Volume(f"volume-{number}", "Available", "") for number in range(FREE_VOLUMES)])
    assert kubectl.created == []


def test_bound_and_released_volumes_are_replaced_by_new_ones(tmp_path: Path) -> None:
    kubectl = recording()
    free = [Volume(f"volume-{number}", "Available", "") for number in range(FREE_VOLUMES - 2)]
    top_up(kubectl, tmp_path, [*free, Volume("a", "Bound", "x/y"), Volume("b", "Released", "x/z")])
    assert len(kubectl.created) == 2


def test_an_empty_directory_of_a_killed_run_is_removed_and_one_with_data_is_not(tmp_path: Path) -> None:
    (tmp_path / "volume-left").mkdir()
    (tmp_path / "volume-data").mkdir()
    (tmp_path / "volume-data" / "file").touch()
    top_up(recording(), tmp_path, [Volume(f"v{number}", "Available", "") for number in range(FREE_VOLUMES)])
    assert [path.name for path in tmp_path.iterdir()] == ["volume-data"]


def test_an_empty_directory_that_the_cluster_knows_stays(tmp_path: Path) -> None:
    (tmp_path / "v0").mkdir()
    top_up(recording(), tmp_path, [Volume(f"v{number}", "Available", "") for number in range(FREE_VOLUMES)])
    assert [path.name for path in tmp_path.iterdir()] == ["v0"]


def test_a_volume_outlives_its_claim() -> None:
    spec = manifest("volume-1")["spec"]
    assert isinstance(spec, dict)
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"


def test_volumes_are_listed_with_their_owners_and_others_volumes_are_not() -> None:
    found = volumes(
        [
            persistent_volume("volume-2", "Released"),
            persistent_volume("volume-1", "Available"),
            persistent_volume("foreign", "Bound", ours=False),
        ]
    )
    assert found == [Volume("volume-1", "Available", ""), Volume("volume-2", "Released", "team-a/data")]


def test_the_owner_of_data_is_still_known_when_the_cluster_is_gone(tmp_path: Path) -> None:
    (tmp_path / "volume-1").mkdir()
    (tmp_path / "volume-1" / "file").touch()
    write_index(tmp_path, [Volume("volume-1", "Bound", "team-a/data")])
    assert unknown(tmp_path, [], "Kept") == [Volume("volume-1", "Kept", "team-a/data")]


def test_the_index_forgets_directories_that_are_gone(tmp_path: Path) -> None:
    write_index(tmp_path, [Volume("volume-1", "Bound", "team-a/data")])
    assert read_index(tmp_path) == {}
