"""Report of Argo CD about an Application."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.kube import Object
from testbed.e2e.rehearsals.argocd.installation import NAMESPACE
from testbed.e2e.same_objects import Key

KIND = "applications.argoproj.io"
REFRESH = "argocd.argoproj.io/refresh"
REFRESH_SECONDS = 60
# Kinds of changes that Argo CD records as events.
FOUND_OTHER = "Updated sync status: Synced -> OutOfSync"


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """An Application by its name."""

    name: str

    @classmethod
    def apply(cls, document: Mapping[str, Any]) -> "Application":
        """Apply one with kubectl."""
        said = kube.kubectl("apply", "--filename=-", stdin=json.dumps(document)).said
        assert "Warning" not in said, said
        return cls(name=document["metadata"]["name"])

    def status(self) -> Object:
        """Its status, which is empty at first."""
        return kube.one(KIND, self.name, NAMESPACE).get("status", {})

    def resources(self) -> dict[Key, Object]:
        """Report about each object, by kind, namespace and name."""
        listed = self.status().get("resources", ())
        return {(one["kind"], one.get("namespace", ""), one["name"]): one for one in listed}

    def wait_until_deployed(self, commit: str, *, seconds: float) -> float:
        """Wait until a commit is synchronised and everything is healthy; returns the seconds."""

        def deployed() -> bool:
            status = self.status()
            sync, operation = status.get("sync", {}), status.get("operationState", {})
            return (
                (sync.get("status"), sync.get("revision")) == ("Synced", commit)
                and status.get("health", {}).get("status") == "Healthy"
                and operation.get("phase") == "Succeeded"
                and operation.get("syncResult", {}).get("revision") == commit
            )

        try:
            return wait_for(f"Argo CD has deployed {commit}", deployed, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.summary()}") from None

    def wait_until_compared(self, *, seconds: float) -> None:
        """Wait until Argo CD has compared the objects of git with those of the cluster for the first time."""
        try:
            wait_for(f"{self.name} is compared", lambda: "sync" in self.status(), seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.summary()}") from None

    def compare_again(self) -> None:
        """Make Argo CD render and compare again, and wait until it has done so."""
        kube.kubectl("annotate", KIND, self.name, f"--namespace={NAMESPACE}", f"{REFRESH}=hard", "--overwrite")

        def done() -> bool:
            return REFRESH not in kube.one(KIND, self.name, NAMESPACE)["metadata"].get("annotations", {})

        wait_for(f"{self.name} is compared again", done, seconds=REFRESH_SECONDS)

    def operations(self) -> int:
        """Number of synchronisations that Argo CD has begun, and recorded as events."""
        return sum("Initiated automated sync" in said for said in self.events())

    def differences_found(self) -> int:
        """Number of times that Argo CD found a difference from git after the Application had been equal to git."""
        return self.events().count(FOUND_OTHER)

    def events(self) -> list[str]:
        """Messages of the events about it."""
        about = f"--field-selector=involvedObject.name={self.name}"
        return [one["message"] for one in kube.objects("events", f"--namespace={NAMESPACE}", about)]

    def summary(self) -> str:
        """Its state, for the message of a failure."""
        status = self.status()
        operation = status.get("operationState", {})
        results = operation.get("syncResult", {}).get("resources", ())
        shown = {
            "sync": status.get("sync", {}).get("status"),
            "revision": status.get("sync", {}).get("revision"),
            "health": status.get("health"),
            "conditions": status.get("conditions"),
            "operation": {key: operation.get(key) for key in ("phase", "message", "startedAt", "finishedAt")},
            "unfinished": [one for one in results if one.get("hookPhase", "Succeeded") != "Succeeded"],
            "different": [one for one in status.get("resources", ()) if one.get("status", "Synced") != "Synced"],
        }
        return json.dumps(shown, indent=1)

    def delete(self) -> None:
        """Delete the Application; its objects stay."""
        kube.kubectl("delete", KIND, self.name, f"--namespace={NAMESPACE}", "--ignore-not-found")
