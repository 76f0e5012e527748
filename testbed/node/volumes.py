"""A pool of PersistentVolumes, each a directory on the machine.

There is no provisioner, because nothing in the node may create directories outside of it. Instead each `up` creates
volumes until enough are free. Volumes are never removed automatically: if the PersistentVolumeClaim of a volume is
deleted, the volume stays "Released", with its data, until a person deletes it.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.errors import EmbeddedError
from testbed.node.kubectl import Kubectl
from testbed.node.object_types import Object
from testbed.node.writing import write_whole
from testbed.paths import PROJECT

FREE_VOLUMES = 8
INSIDE = "/volumes"
# Largest size that a PersistentVolumeClaim can request. It is not enforced: all volumes share the machine's disk.
CAPACITY = "100Gi"
LABEL = f"{PROJECT}/pool"


@dataclass(frozen=True)
class Volume:
    """A volume's directory, and its PersistentVolume unless the directory is left from an earlier cluster."""

    name: str
    phase: str
    claim: str

    @property
    def free(self) -> bool:
        """True if a PersistentVolumeClaim can be bound to the volume."""
        return self.phase in {"Available", "Pending"}

    def describe(self) -> str:
        """Return the volume's name, PersistentVolumeClaim and state in one line."""
        owner = self.claim or "an unknown PersistentVolumeClaim"
        match self.phase:
            case "Bound":
                return f"{self.name}: {owner}"
            case "Unseen":
                return f"{self.name}: last known to belong to {owner}"
            case "Kept":
                return f"{self.name}: kept from an earlier cluster, belonged to {owner}"
            case _:
                return f"{self.name}: {self.phase.lower()}, belonged to {owner}"


def volumes(objects: Iterable[Object]) -> list[Volume]:
    """Return the pool's volumes among the objects of the cluster."""
    found: list[Volume] = []
    for one in objects:
        if one["kind"] == "PersistentVolume" and LABEL in one["metadata"].get("labels", {}):
            claim = one["spec"].get("claimRef")
            owner = f"{claim['namespace']}/{claim['name']}" if claim else ""
            # A new volume has no phase at first.
            found.append(Volume(one["metadata"]["name"], one["status"].get("phase", "Pending"), owner))
    return sorted(found, key=lambda volume: volume.name)


def manifest(name: str) -> dict[str, object]:
    """Return the manifest of a PersistentVolume."""
    on_this_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [PROJECT]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {LABEL: "true"}},
        "spec": {
            "capacity": {"storage": CAPACITY},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "standard",
            "local": {"path": f"{INSIDE}/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_this_node]}]}},
        },
    }


def top_up(kubectl: Kubectl, directory: Path, known: list[Volume]) -> None:
    """Create volumes until `FREE_VOLUMES` are free."""
    names = {volume.name for volume in known}
    for path in directory.iterdir():
        # Left by an `up` that was killed before it created the PersistentVolume.
        if path.name not in names and path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    wanted = FREE_VOLUMES - sum(volume.free for volume in known)
    if wanted <= 0:
        return
    new = [f"volume-{secrets.token_hex(4)}" for _ in range(wanted)]
    for name in new:
        # Owned by root, like a new disk of a cloud: pods get access by fsGroup.
        (directory / name).mkdir(mode=0o755)
    listing = {"apiVersion": "v1", "kind": "List", "items": [manifest(name) for name in new]}
    kubectl.run("create", "-f=-", stdin=json.dumps(listing))


def index_file(directory: Path) -> Path:
    """Return the path of the file that records the last known PersistentVolumeClaim of each volume."""
    return directory / "index.json"


def write_index(directory: Path, known: list[Volume]) -> None:
    """Record which PersistentVolumeClaim each volume's directory belongs to.

    The file still tells this when the cluster is gone and only the data is left.
    """
    index = read_index(directory)
    index.update({volume.name: volume.claim for volume in known if volume.claim})
    kept = {name: claim for name, claim in sorted(index.items()) if (directory / name).is_dir()}
    write_whole(index_file(directory), json.dumps(kept, indent=2) + "\n")


def remember(kubectl: Kubectl, directory: Path) -> None:
    """Record the PersistentVolumeClaim of each volume, if the cluster still answers."""
    try:
        if kubectl.ready() is None:
            write_index(directory, volumes(kubectl.objects()))
    except (EmbeddedError, FileNotFoundError):  # no cluster any more, or no kubectl yet
        return


def read_index(directory: Path) -> dict[str, str]:
    """Return the last known PersistentVolumeClaim of each volume's directory."""
    path = index_file(directory)
    return json.loads(path.read_text()) if path.exists() else {}


def unknown(directory: Path, known: list[Volume], phase: Literal["Kept", "Unseen"]) -> list[Volume]:
    """Return the directories that contain data but belong to none of the cluster's known volumes.

    Args:
        directory: the directory of all volumes.
        known: the cluster's volumes.
        phase: "Kept" if the directories are left from an earlier cluster, "Unseen" if the cluster did not answer.
    """
    if not directory.is_dir():
        return []
    names = {volume.name for volume in known}
    owners = read_index(directory)
    return [
        Volume(path.name, phase, owners.get(path.name, ""))
        for path in sorted(directory.iterdir())
        if path.is_dir() and path.name not in names and any(path.iterdir())
    ]
