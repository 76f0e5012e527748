"""`World`: the deployed stack `dev`: its state behind a fake of Pulumi, and its cluster behind one of kubectl."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from settings.loader import Source
from tests.settings.stack_files import changed
from tests.tools.growth import fake_kubectl, fake_pulumi
from tools.preflight.wanted import Wanted, wanted

HERE = Path(__file__).parent
URN = "urn:pulumi:dev::mlflow-platform::mlflow-platform:index:Parts$"
Json = dict[str, Any]
POSTGRES, STORE = "StatefulSet mlflow/postgres", "StatefulSet mlflow/object-store"
DATA = "PersistentVolumeClaim mlflow/data-postgres-0"


@cache
def needs(document: str) -> Wanted:
    """Registrations of the program for `dev` with some sections changed; computed once for each."""
    source = Source(document=changed("dev", json.loads(document)), encrypted=frozenset(), elsewhere=(), secrets={})
    return wanted(source, "dev")


def stack(**sections: Mapping[str, object]) -> Wanted:
    """Registrations of the program for `dev` with some keys of its sections changed."""
    file = yaml.safe_load((HERE.parents[2] / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    merged = {name: {**file.get(f"mlflow-platform:{name}", {}), **keys} for name, keys in sections.items()}
    return needs(json.dumps(merged, sort_keys=True))


def resource(registration: Any) -> Json:  # noqa: ANN401 - of the recording
    """The resource in the state that a registration has become."""
    inputs = json.loads(json.dumps(registration.inputs))
    metadata = inputs["metadata"]
    metadata["name"] = metadata["name"].replace("*", "-0123abcd")
    uid = f"uid of {inputs['kind']} {metadata['name']}"
    outputs = {**inputs, "metadata": {**metadata, "uid": uid}, "__fieldManager": "pulumi-kubernetes-0123abcd"}
    return {
        "urn": f"{URN}{registration.type}::{registration.name}",
        "type": registration.type,
        "id": f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"],
        "inputs": inputs,
        "outputs": outputs,
    }


def claim(name: str, size: str, *, storage_class: str = "fast", capacity: str = "") -> Json:
    """A bound claim of the platform's namespace."""
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "mlflow", "uid": f"uid of PersistentVolumeClaim {name}"},
        "spec": {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}},
        "status": {"phase": "Bound", "capacity": {"storage": capacity or size}},
    }


class World:
    """State and cluster, as the fakes of Pulumi and kubectl change them."""

    def __init__(self, deployed: Wanted) -> None:
        self.state: Json = {
            "deployment": {"resources": [resource(one) for one in deployed.registrations]},
            "events": [{"summaryEvent": {}}],
            "fails": [],
        }
        objects: Json = {}
        for one in self.state["deployment"]["resources"]:
            live = json.loads(json.dumps(one["outputs"]))
            kind, name = one["inputs"]["kind"], one["id"]
            if kind == "Service":
                objects[f"Service {name}"] = live
            elif kind == "StatefulSet":
                objects[f"StatefulSet {name}"] = fake_kubectl.defaulted(live)
                for template in live["spec"]["volumeClaimTemplates"]:
                    own = f"{template['metadata']['name']}-{live['metadata']['name']}-0"
                    size = template["spec"]["resources"]["requests"]["storage"]
                    objects[f"PersistentVolumeClaim mlflow/{own}"] = claim(own, size)
            elif kind == "PersistentVolumeClaim":
                size = live["spec"]["resources"]["requests"]["storage"]
                objects[f"PersistentVolumeClaim {name}"] = claim(live["metadata"]["name"], size)
        objects["StorageClass /fast"] = {"metadata": {"name": "fast"}, "allowVolumeExpansion": True}
        self.cluster: Json = {
            "context": None,
            "objects": objects,
            "denied": [],
            "refuses": {},
            "resizes": True,
            "apply_seconds": 0,
        }
        self.calls: list[str] = []
        """The commands that were run, in order."""

    @property
    def objects(self) -> Json:
        """Objects of the cluster by kind, namespace and name."""
        return self.cluster["objects"]

    def kubectl(self, command: Sequence[str], stdin: str) -> subprocess.CompletedProcess[str]:
        """Answer a call of kubectl."""
        self.calls.append(" ".join(command))
        return subprocess.CompletedProcess(command, *fake_kubectl.answer(self.cluster, command[1:], stdin))

    def pulumi(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Answer a call of Pulumi."""
        del env
        self.calls.append(f"pulumi {' '.join(arguments)}")
        answer = fake_pulumi.answer(self.state, self.objects, arguments)
        return subprocess.CompletedProcess(arguments, *answer)

    @property
    def changes(self) -> list[str]:
        """The calls that change something, each in two words."""
        found: list[str] = []
        for call in self.calls:
            program, *words = call.split()
            verb = next(word for word in words if not word.startswith("--"))
            if verb in {"patch", "apply", "delete", "refresh"} and "--dry-run=server" not in words:
                found.append(f"{program} {verb}")
        return found

    def size(self, name: str) -> str:
        """Size of a claim, or of the claim template of a StatefulSet."""
        live = self.objects[name]
        one = live["spec"]["volumeClaimTemplates"][0] if name.startswith("StatefulSet") else live
        return one["spec"]["resources"]["requests"]["storage"]

    def recorded(self, name: str) -> Json:
        """The resource in the state, by kind, namespace and name."""
        kind, _, own = name.partition(" ")
        (found,) = (
            one for one in self.state["deployment"]["resources"] if one["inputs"]["kind"] == kind and one["id"] == own
        )
        return found
