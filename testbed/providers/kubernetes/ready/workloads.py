"""When Deployments, StatefulSets and DaemonSets have rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from testbed.providers.kubernetes.kinds import name_of_object
from testbed.providers.kubernetes.ready.pod import pod_warnings, unschedulable
from testbed.providers.kubernetes.ready.rule import (
    CLAIMS,
    PODS,
    REPLICA_SETS,
    Rule,
    Sight,
    condition,
    holds,
    owned,
)
from testbed.providers.values import Json, Object, dig, mapping, objects, text, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

_REVISION: Final = "deployment.kubernetes.io/revision"


def _revision(obj: Json) -> str:
    return text(mapping(obj, "metadata", "annotations"), _REVISION)


def _observed(obj: Json) -> bool:
    """Say whether the controller has seen the object as it is now."""
    return whole(obj, "status", "observedGeneration") == whole(obj, "metadata", "generation")


class Deployment(Rule):
    """Available, and the ReplicaSet of the current revision has its pods ready."""

    looks_at = (REPLICA_SETS, PODS, CLAIMS)

    def __init__(self, written: Object, previous: Object | None) -> None:
        """Begin with nothing known."""
        super().__init__(written, previous)
        self._deployment = written
        self._available = False
        self._rolled_out = False
        self._replicas_ready = False
        self._unbound: list[str] = []
        self._pods: list[Object] = []

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge after the controller has seen this generation."""
        del now
        return self._judge(sight) and sight.live is not None and _observed(sight.live)

    def ready_on_read(self, sight: Sight) -> bool:
        """Judge as it is, also when the controller lags behind."""
        return self._judge(sight)

    def _judge(self, sight: Sight) -> bool:
        if sight.live is None:
            return False
        self._deployment = sight.live
        self._available = holds(sight.live, "Available")
        progressing = condition(sight.live, "Progressing")
        self._rolled_out = holds(sight.live, "Progressing") and text(progressing, "reason") == "NewReplicaSetAvailable"
        current = self._current_replica_set(sight)
        self._pods = owned(sight.of(PODS), current)
        self._replicas_ready = current is not None and self._has_its_replicas(current)
        self._unbound = self._unbound_claims(sight.of(CLAIMS))
        rolled_out = self._rolled_out or _revision(sight.live) == "1"
        return self._available and self._replicas_ready and rolled_out and not self._unbound

    def _current_replica_set(self, sight: Sight) -> Object | None:
        revision = _revision(sight.live)
        if not revision:
            return None
        for candidate in owned(sight.of(REPLICA_SETS), self._deployment):
            if _revision(candidate) == revision:
                return candidate
        return None

    def _has_its_replicas(self, replica_set: Object) -> bool:
        wanted = whole(replica_set, "spec", "replicas", default=1)
        there = whole(replica_set, "status", "readyReplicas")
        self.progress = unschedulable(self._pods) or (
            f"Waiting for app ReplicaSet to be available ({there}/{wanted} Pods available)"
        )
        if wanted == 0:
            self.progress = f'Replicas scaled to 0 for Deployment "{self.name}"'
        return there >= wanted

    def _unbound_claims(self, claims: Sequence[Object]) -> list[str]:
        volumes = objects(self._deployment, "spec", "template", "spec", "volumes")
        wanted = {text(volume, "persistentVolumeClaim", "claimName") for volume in volumes}
        return [
            name_of_object(claim)
            for claim in claims
            if name_of_object(claim) in wanted and text(claim, "status", "phase") != "Bound"
        ]

    def reasons(self) -> list[str]:
        """Say what the conditions say, what was missing, and what the pods say."""
        lines: list[str] = []
        for name in ("Progressing", "Available"):
            found = condition(self._deployment, name)
            if found and text(found, "status") != "True" and text(found, "message"):
                lines.append(f"[{text(found, 'reason')}] {text(found, 'message')}")
        if self._unbound:
            names = ",".join(self._unbound)
            lines.append(f'Failed to bind PersistentVolumeClaim(s): "{names}"')
        first = _revision(self._deployment) == "1"
        if not self._available:
            lines.append("Minimum number of live Pods was not attained")
        elif (first and not self._replicas_ready) or (not first and not self._rolled_out):
            lines.append("Minimum number of Pods to consider the application live was not attained")
        elif not self._replicas_ready:
            lines.append("Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live")
        return lines + pod_warnings(self._pods)


class StatefulSet(Rule):
    """Every replica ready and on the newest revision."""

    looks_at = (PODS,)

    def __init__(self, written: Object, previous: Object | None) -> None:
        """Begin with nothing known."""
        super().__init__(written, previous)
        self._set = written
        self._replicas_ready = False
        self._revision_ready = False
        self._pods: list[Object] = []

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge the numbers of the status."""
        del now
        return self._judge(sight) and sight.live is not None and _observed(sight.live)

    def ready_on_read(self, sight: Sight) -> bool:
        """Judge as it is, also when the controller lags behind."""
        return self._judge(sight)

    def _judge(self, sight: Sight) -> bool:
        if sight.live is None:
            return False
        self._set = sight.live
        self._pods = owned(sight.of(PODS), sight.live)
        status, wanted = dig(sight.live, "status"), whole(sight.live, "spec", "replicas")
        numbers = ["replicas", "readyReplicas"]
        later = whole(sight.live, "metadata", "generation") > 1
        if later and text(sight.live, "spec", "updateStrategy", "type") == "OnDelete":
            self._revision_ready = True
        else:
            numbers.append("currentReplicas")
            current = text(status, "currentRevision")
            self._revision_ready = bool(current) and current == text(status, "updateRevision")
        self._replicas_ready = all(whole(status, number) == wanted for number in numbers)
        self.progress = unschedulable(self._pods) or (
            f"Waiting for StatefulSet to create Pods ({self._counted()}/{wanted} Pods ready)"
        )
        return self._replicas_ready and self._revision_ready

    def _counted(self) -> int:
        """Count ready pods; during a rollout only those of the new revision."""
        there = whole(self._set, "status", "readyReplicas")
        if self._revision_ready:
            return there
        return min(there, whole(self._set, "status", "updatedReplicas"))

    def reasons(self) -> list[str]:
        """Say how many replicas were ready, and what the pods say."""
        lines: list[str] = []
        wanted = whole(self._set, "spec", "replicas")
        if not self._replicas_ready:
            lines.append(f"{self._counted()} out of {wanted} replicas succeeded readiness checks")
        if not self._revision_ready:
            status = dig(self._set, "status")
            lines.append(
                "StatefulSet controller failed to advance from revision "
                f'"{text(status, "currentRevision")}" to revision "{text(status, "updateRevision")}"'
            )
        return lines + pod_warnings(self._pods)


class DaemonSet(Rule):
    """As many pods updated, available and ready as there are nodes to run them on."""

    timeout_text: ClassVar[str] = "timed out waiting for the condition"

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge the numbers of the status."""
        del now
        if sight.live is None or not _observed(sight.live):
            return False
        status = dig(sight.live, "status")
        wanted = whole(status, "desiredNumberScheduled")
        counted = [
            whole(status, number)
            for number in (
                "currentNumberScheduled",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberReady",
            )
        ]
        self.progress = f"Available: {min(counted)}/{wanted}"
        return all(number >= wanted for number in counted)
