"""A pool of PersistentVolumes: directories of the machine that are there before anybody claims one.

A real cluster has a provisioner. Here nothing may reach out of the node, so free volumes are laid out in
advance and topped up by each `up`. They are never removed by themselves: a volume whose claim is gone stays
"Released", with its data, until a person deletes it.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.errors import EmbeddedError
from testbed.node.kubectl import Kubectl
from testbed.node.objects import Object
from testbed.node.writing import write_whole
from testbed.paths import PROJECT

FREE_VOLUMES = 8
INSIDE = "/volumes"
# What a claim may ask for at most. Nothing enforces it: all volumes share the machine's disk.
CAPACITY = "100Gi"
LABEL = f"{PROJECT}/pool"


@dataclass(frozen=True)
class Volume:
    """One directory and, unless it is kept from an earlier cluster, its PersistentVolume."""

    name: str
    phase: str
    claim: str

    @property
    def free(self) -> bool:
        """Whether a claim can have it."""
        return self.phase in {"Available", "Pending"}

    def describe(self) -> str:
        """Say in one line whose it is."""
        owner = self.claim or "an unknown claim"
        match self.phase:
            case "Bound":
                return f"{self.name}: {owner}"
            case "Unseen":
                return f"{self.name}: last seen with {owner}"
            case "Kept":
                return f"{self.name}: kept from an earlier cluster, was {owner}"
            case _:
                return f"{self.name}: {self.phase.lower()}, was {owner}"


def volumes(objects: Iterable[Object]) -> list[Volume]:
    """Pick the pool's volumes from objects of the cluster."""
    found: list[Volume] = []
    for one in objects:
        if one["kind"] == "PersistentVolume" and LABEL in one["metadata"].get("labels", {}):
            claim = one["spec"].get("claimRef")
            owner = f"{claim['namespace']}/{claim['name']}" if claim else ""
            # A new volume has no phase for a moment.
            found.append(Volume(one["metadata"]["name"], one["status"].get("phase", "Pending"), owner))
    return sorted(found, key=lambda volume: volume.name)


def manifest(name: str) -> dict[str, object]:
    """Describe one volume of the pool."""
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
    """Make volumes until enough are free."""
    names = {volume.name for volume in known}
    for path in directory.iterdir():
        # Left by an `up` that was killed between making the directory and telling the cluster.
        if path.name not in names and path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    wanted = FREE_VOLUMES - sum(volume.free for volume in known)
    if wanted <= 0:
        return
    new = [f"volume-{secrets.token_hex(4)}" for _ in range(wanted)]
    for name in new:
        # Owned by root, as a cloud's fresh disk is: a pod gets its share by fsGroup.
        (directory / name).mkdir(mode=0o755)
    listing = {"apiVersion": "v1", "kind": "List", "items": [manifest(name) for name in new]}
    kubectl.run("create", "-f=-", stdin=json.dumps(listing))


def index_file(directory: Path) -> Path:
    """Return where the last seen owners of the volumes are written down."""
    return directory / "index.json"


def write_index(directory: Path, known: list[Volume]) -> None:
    """Write down who owns which directory, for when the cluster is gone and the data is not."""
    index = read_index(directory)
    index.update({volume.name: volume.claim for volume in known if volume.claim})
    kept = {name: claim for name, claim in sorted(index.items()) if (directory / name).is_dir()}
    write_whole(index_file(directory), json.dumps(kept, indent=2) + "\n")


def remember(kubectl: Kubectl, directory: Path) -> None:
    """Write down the owners while the cluster can still be asked; what it does not answer stays as it was."""
    try:
        if kubectl.ready() is None:
            write_index(directory, volumes(kubectl.objects()))
    except (EmbeddedError, FileNotFoundError):  # no cluster any more, or no kubectl yet
        return


def read_index(directory: Path) -> dict[str, str]:
    """Read who owned which directory when it was last looked at."""
    path = index_file(directory)
    return json.loads(path.read_text()) if path.exists() else {}


def unknown(directory: Path, known: list[Volume], phase: Literal["Kept", "Unseen"]) -> list[Volume]:
    """Return directories with data that the cluster does not tell of.

    Args:
        directory: of all volumes.
        known: those the cluster tells of.
        phase: "Kept" if it was asked and they stem from an earlier cluster, "Unseen" if it could not be asked.
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
