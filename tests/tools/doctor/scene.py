"""A healthy platform's facts, as recorded, and ways to break them."""

import copy
import json
from pathlib import Path
from typing import Any

from tools.doctor.chapters import diagnose
from tools.doctor.facts import Facts
from tools.doctor.report import needed, outcome

HEALTHY = Path(__file__).with_name("healthy.json")
Document = dict[str, Any]


class Scene:
    """The recorded facts of a healthy platform with one team, to be changed."""

    def __init__(self) -> None:
        self.document: Document = json.loads(HEALTHY.read_text(encoding="utf-8"))
        self.probes: Document = self.document["probes"]

    @property
    def facts(self) -> Facts:
        """The facts as they are now."""
        return Facts(copy.deepcopy(self.document))

    @property
    def code(self) -> int:
        """The exit code."""
        return outcome(diagnose(self.facts), needed(self.facts))

    def verdict(self) -> tuple[str, str, str]:
        """Chapter, cause and subject of the diagnosis."""
        found = diagnose(self.facts)
        assert found is not None, "nothing was found"
        return found.chapter, found.fault.cause, found.fault.subject

    def one(self, kind: str, name: str) -> Document:
        """A live object, by a part of its name."""
        (found,) = [each for each in self.document["live"] if each["kind"] == kind and name in each["metadata"]["name"]]
        return found

    def delete(self, kind: str, name: str) -> str:
        """Delete a live object; returns its name."""
        found = self.one(kind, name)
        self.document["live"].remove(found)
        return found["metadata"]["name"]

    def add(self, kind: str, namespace: str, name: str, **fields: object) -> Document:
        """Add a live object."""
        added: Document = {"kind": kind, "metadata": {"namespace": namespace, "name": name}, **fields}
        self.document["live"].append(added)
        return added

    def forbid(self, kind: str, namespace: str, plural: str) -> None:
        """Remove all objects of a kind from a namespace, because they cannot be read."""
        self.document["live"] = [
            one
            for one in self.document["live"]
            if (one["kind"], one["metadata"].get("namespace", "")) != (kind, namespace)
        ]
        where = f"{plural} in namespace {namespace}"
        self.document["unseen"].append(
            {"what": where, "needs": f"the right to list {where}", "kind": kind, "namespace": namespace}
        )

    def stop(self, name: str, state: Document, *, last: Document | None = None, container: str = "") -> Document:
        """Stop a pod's container; returns the pod."""
        pod = self.one("Pod", name)
        statuses = [*pod["status"].get("initContainerStatuses", ()), *pod["status"]["containerStatuses"]]
        (status,) = [one for one in statuses if one["name"] == container] if container else statuses[:1]
        status |= {"ready": False, "state": state, "lastState": last or {}}
        for condition in pod["status"]["conditions"]:
            if condition["type"] in {"Ready", "ContainersReady"}:
                condition["status"] = "False"
        return pod

    def blind(self) -> None:
        """Make commands in the server's pod and requests to MLflow fail, as when no server runs."""
        del self.probes["pod"]
        self.probes["health"] |= {"status": 502, "body": "Bad Gateway"}
        for name in ("tracking", "registry", "alias", "artifacts"):
            self.probes[name] |= {"status": 502, "body": "Bad Gateway"}
