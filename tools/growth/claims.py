"""Enlarging PersistentVolumeClaims, and waiting until their volumes have the new size."""

import time
from collections.abc import Callable, Sequence

from tools.growth.cluster import Cluster
from tools.growth.judgement import CLAIMS, Growth
from tools.growth.volumes import in_bytes
from tools.kubectl import ClusterError
from tools.plan.preview import Json, part, parts

# A provider of volumes may take minutes to enlarge a disk.
WAIT_SECONDS = 900
POLL_SECONDS = 2
# The kubelet enlarges the file system of a volume in use within about a minute, if the driver can do that.
ONLINE_SECONDS = 120
PENDING = "FileSystemResizePending"
AGAIN = "Nothing is lost: run `make grow` again, and it goes on from there."

Say = Callable[[str], None]


class GrowthError(Exception):
    """Growing has stopped; the message says what is done, and how to continue."""


class Growing:
    """Claims on their way to their sizes."""

    def __init__(self, cluster: Cluster, growths: Sequence[Growth], say: Say) -> None:
        self._cluster = cluster
        self._growths = growths
        self._say = say
        self._said: dict[str, str] = {}
        self._pending_since: dict[str, float] = {}
        self._ended: set[str] = set()

    def request(self) -> None:
        """Request the sizes.

        Raises:
            GrowthError: the API server has refused a request.
        """
        for one in self._growths:
            if one.is_requested:
                continue
            try:
                self._cluster.request(one.namespace, one.claim, one.size)
            except ClusterError as error:
                raise GrowthError(f"{one.claim} could not be enlarged: {error}\n{AGAIN}") from None

    def wait(self) -> None:
        """Wait until all volumes have their sizes; end pods whose driver cannot enlarge a file system in use.

        Raises:
            GrowthError: a volume does not have its size in time.
        """
        end = time.monotonic() + WAIT_SECONDS
        while True:
            waiting = [one for one in self._growths if not self._is_done(one)]
            if not waiting:
                return
            if time.monotonic() > end:
                seen = "; ".join(self._said.get(one.claim, one.claim) for one in waiting)
                raise GrowthError(
                    f"not within {WAIT_SECONDS // 60} minutes: {seen}. `kubectl{self._cluster.shown} describe"
                    f" persistentvolumeclaim {waiting[0].claim} --namespace {waiting[0].namespace}` says why.\n{AGAIN}"
                )
            time.sleep(POLL_SECONDS)

    def _is_done(self, growth: Growth) -> bool:
        try:
            claim = self._cluster.find(CLAIMS, growth.namespace, growth.claim)
        except ClusterError as error:
            self._tell(growth, f"waiting for the API server: {error}")
            return False
        capacity = str(part(claim, "status", "capacity").get("storage", "0"))
        conditions = {
            str(one.get("type")): str(one.get("message") or "") for one in parts(claim, "status", "conditions")
        }
        if in_bytes(capacity) >= in_bytes(growth.size):
            self._tell(growth, f"has {capacity}")
            return True
        shown = ", ".join(f"{name} ({text})" if text else name for name, text in sorted(conditions.items()))
        self._tell(growth, f"has {capacity} of {growth.size}{f': {shown}' if shown else ''}")
        if PENDING in conditions:
            self._restart_late(growth)
        return False

    def _restart_late(self, growth: Growth) -> None:
        """End the pods of a claim once, if the file system has not grown while they run."""
        since = self._pending_since.setdefault(growth.claim, time.monotonic())
        if time.monotonic() - since < ONLINE_SECONDS or growth.claim in self._ended:
            return
        try:
            for pod in self._cluster.every("pods", growth.namespace):
                if _mounts(pod, growth.claim):
                    name = str(part(pod, "metadata")["name"])
                    self._say(f"pod {growth.namespace}/{name} restarts: its volume cannot grow while it is in use")
                    self._cluster.end(growth.namespace, name)
            self._ended.add(growth.claim)
        except ClusterError as error:
            self._say(f"waiting for the API server: {error}")

    def _tell(self, growth: Growth, text: str) -> None:
        said = f"{growth.claim} {text}"
        if self._said.get(growth.claim) != said:
            self._said[growth.claim] = said
            self._say(said)


def _mounts(pod: Json, claim: str) -> bool:
    return any(
        part(volume, "persistentVolumeClaim").get("claimName") == claim for volume in parts(pod, "spec", "volumes")
    )
