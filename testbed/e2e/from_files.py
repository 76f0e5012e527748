"""The `dev` stack from files of `make render` instead of `make up`, on the volumes that `make up` has left."""

import json
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from testbed.e2e import kept_volumes, kube, variant
from testbed.e2e.commands import run
from testbed.e2e.deployment import state_ids
from testbed.e2e.kube import Object
from testbed.e2e.mlflow_client import Client
from testbed.e2e.same_objects import Key, comparable, differences
from tools.stack import read_platform

DESTROY_SECONDS = 240
RENDER_SECONDS = 180
UP_SECONDS = 600
# They contain the certificate of the stack's own authority.
AUTHORITIES = frozenset({("mlflow", "login-authority"), ("team-a", "mlflow-ca"), ("team-b", "mlflow-ca")})


@dataclass(slots=True)
class FromFiles:
    """The rendered files, and the recorded state of the platform that `make up` had deployed."""

    folder: Path
    """Folder that `make render` writes."""

    overlay: str
    remembered: dict[str, Any] = field(default_factory=dict[str, Any])
    before: dict[Key, Object] = field(default_factory=dict[Key, Object])
    destroyed: bool = False
    """True while the stack is not deployed by Pulumi."""

    @property
    def path(self) -> Path:
        """Folder of the overlay."""
        return self.folder / "overlays" / self.overlay

    @property
    def kustomize(self) -> str:
        """Option of kubectl for the overlay."""
        return f"--kustomize={self.path}"

    def take_down(self, client: Client) -> None:
        """Record data and objects of the deployed stack, destroy the stack, and free its volumes."""
        self.remembered = client.script("remember", team="team-a")
        self.before = comparable(_deployed(), _with_suffixes(AUTHORITIES))
        self.destroyed = True
        run("tools/destroy", "dev", "", env={"YES": "dev"}, seconds=DESTROY_SECONDS)
        free_volumes()

    def recall(self, folder: Path) -> None:
        """Fail if the data of the former platform is missing."""
        file = folder / "remembered.json"
        file.write_text(json.dumps(self.remembered), encoding="utf-8")
        assert Client.of(read_platform(), folder).script("recall", file, team="team-a") == {"faults": []}

    def objects(self) -> list[Object]:
        """The objects in the cluster that the files name."""
        names = [
            (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
            for one in yaml.safe_load_all(kube.kubectl("kustomize", str(self.path)).stdout)
        ]
        needed = yaml.safe_load((self.folder / "secrets.yaml").read_text(encoding="utf-8"))["objects"]
        names += [(one["kind"], one["namespace"], one["name"]) for one in needed]
        kinds = ",".join(sorted({kind for kind, _, _ in names}))
        there = {_key(one): one for one in kube.objects(kinds, "--all-namespaces")}
        return [there[name] for name in names if name in there]

    def other_objects(self, without: Collection[str] = ()) -> list[str]:
        """Differences between the objects of `make up` and those of the files, except those of some kinds."""
        after = comparable(self.objects(), _with_suffixes(AUTHORITIES))
        assert len(after) > 60
        one, other = (
            {key: thing for key, thing in found.items() if key[0] not in without} for found in (self.before, after)
        )
        return differences(one, other)

    def versions(self) -> dict[Key, str]:
        """Generation or version of each object, which changes with the content and not with the status."""
        return {_key(one): str(one["metadata"].get("generation", one.get("data"))) for one in self.objects()}

    def up_again(self, folder: Path) -> None:
        """Remove the objects, and deploy the stack with `make up` on the same volumes."""
        self.remove()
        run("make", "up", seconds=UP_SECONDS)
        self.destroyed = False
        self.recall(folder)

    def remove(self) -> None:
        """Remove the objects, and free the volumes."""
        run(sys.executable, "-m", "tools.volumes", "retain", "mlflow")
        if self.path.exists():
            kube.kubectl("delete", "--ignore-not-found", self.kustomize, seconds=DESTROY_SECONDS)
        free_volumes()

    def restore(self) -> None:
        """Deploy the stack with Pulumi again after a failure, whatever the failure has left."""
        if self.destroyed:
            self.remove()
            variant.restore()


def free_volumes() -> None:
    """Free the volumes that the platform has left."""
    kept_volumes.free(
        [
            one["metadata"]["name"]
            for one in kube.objects("persistentvolumes")
            if one["status"].get("phase") == "Released" and one["spec"]["claimRef"]["namespace"] == "mlflow"
        ]
    )


def _deployed() -> list[Object]:
    """The objects that Pulumi's state knows."""
    ids = state_ids()
    kinds = ",".join(sorted({kind for kind, _ in ids}))
    return [one for one in kube.objects(kinds, "--all-namespaces") if (one["kind"], _id(one)) in ids]


def _with_suffixes(names: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The names, with the suffixes that Pulumi has generated for them."""
    live = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in kube.objects("configmaps", "--all-namespaces")
    }
    return names | {(space, name) for space, name in live if (space, re.sub(r"-[0-9a-f]{8}$", "", name)) in names}


def _key(one: Object) -> Key:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def _id(one: Object) -> str:
    metadata = one["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
