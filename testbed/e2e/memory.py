"""Memory use of containers, sampled during a test.

The page cache does not count: the kernel frees it when memory is needed.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.usage import MIB, Usage
from testbed.e2e import kube

# A buffer that exists for a shorter time is not seen; it would be a small one.
PERIOD_SECONDS = 0.1
_UNITS = {"Ki": 1024, "Mi": MIB, "Gi": 1024 * MIB}


@dataclass(slots=True)
class Container:
    """A running container and its memory, in MiB."""

    name: str
    limit: float
    _usage: Usage
    idle: float = 0
    peak: float = 0

    @classmethod
    def of(cls, pod: kube.Object, name: str) -> "Container":
        """The container `name` of a running pod."""
        status = pod["status"]
        states = (*status["containerStatuses"], *status.get("initContainerStatuses", ()))
        (identity,) = (state["containerID"] for state in states if state["name"] == name)
        specs = (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
        (limit,) = (spec["resources"]["limits"]["memory"] for spec in specs if spec["name"] == name)
        made = cls(name=name, limit=int(limit[:-2]) * _UNITS[limit[-2:]] / MIB, _usage=Usage.of(identity))
        made.idle = made.peak = made._usage.anonymous_mib()
        return made

    def sample(self) -> None:
        """Take a sample."""
        self.peak = max(self.peak, self._usage.anonymous_mib())

    @property
    def figure(self) -> str:
        """Memory before the samples, the highest sample, and the limit, as text."""
        return f"{self.idle:.0f} MiB idle, {self.peak:.0f} MiB peak, limit {self.limit:.0f} MiB"


@contextmanager
def watched(containers: list[Container]) -> Generator[None]:
    """Sample containers until the block ends."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(PERIOD_SECONDS):
            for container in containers:
                container.sample()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
