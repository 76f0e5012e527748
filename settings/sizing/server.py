"""Number of server pods, memory of each, and memory of the largest request body."""

from dataclasses import dataclass

from components.sizes import SURGE
from settings.schema.bounds import Bounds
from settings.schema.server import Server
from settings.schema.stack import Settings
from settings.types.quantities import MEBIBYTE

# Anonymous memory measured with the authorization plugin before any load (benchmarks/server_load.py): 398 MiB with one
# worker, 621 with two, 1026 with four.
BASE_BYTES = 190 * MEBIBYTE
WORKER_BYTES = 210 * MEBIBYTE
# Memory for each byte of the bodies that a worker holds (`server.bounds.bodiesMebibytes`), with all copies that the
# server, its plugin and MLflow make. Measured at most 5.9: two bodies of 16 MiB that are one text each take 176 MiB,
# two with 330,000 small objects in a text 96 MiB (docs/limits.md).
BODY_FACTOR = 6
# Memory for the values of one body, beside its bytes, as the server counts it
# (images/mlflow/server/mlflow_platform_server/json_bounds.py).
ELEMENT_BYTES, MARK_BYTES = 64, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Pods:
    """Maximum number of server pods, and the additional pods during a rollout."""

    server: Server
    surge: int

    @property
    def most(self) -> int:
        """The autoscaler's maximum; same as `server.replicas` if there is no autoscaler."""
        replicas, scaling = self.server.replicas, self.server.autoscaling
        return replicas if scaling is None else max(scaling.max_replicas, replicas)

    @property
    def total(self) -> int:
        """Maximum number of pods during a rollout."""
        return self.most + self.surge

    def __str__(self) -> str:
        """The maximum number of pods, as a part of a calculation in messages."""
        name = "replicas" if self.server.autoscaling is None else "autoscaling.maxReplicas"
        return f"({name} {self.most} + {self.surge} surge)" if self.surge else f"{name} {self.most}"


@dataclass(frozen=True, slots=True)
class PodMemory:
    """Memory that one server pod needs with a number of worker processes."""

    server: Server

    @property
    def idle(self) -> int:
        """Bytes that an idle pod uses."""
        return BASE_BYTES + self.server.workers * WORKER_BYTES

    @property
    def total(self) -> int:
        """Bytes that a pod uses if every worker handles the most uploads and request bodies that it admits."""
        return BASE_BYTES + self.server.workers * self.each

    @property
    def each(self) -> int:
        """Bytes that a worker uses."""
        bounds = self.server.bounds
        return WORKER_BYTES + (bounds.transfer_mebibytes + bounds.bodies_mebibytes * BODY_FACTOR) * MEBIBYTE

    def __str__(self) -> str:
        """The calculation of the total, as text for messages."""
        bounds = self.server.bounds
        return (
            f"{BASE_BYTES // MEBIBYTE} MiB + workers {self.server.workers} x ({WORKER_BYTES // MEBIBYTE} MiB + "
            f"{bounds.transfer_mebibytes} MiB of transfers + {bounds.bodies_mebibytes} MiB of bodies x {BODY_FACTOR}) "
            f"= {self.total // MEBIBYTE} MiB"
        )


def pods(settings: Settings) -> Pods:
    """Maximum number of server pods."""
    # The old pod stops before the new one starts if only one of them can mount the data.
    alone = settings.database.exclusive_volume or settings.artifacts.exclusive_volume
    return Pods(server=settings.server, surge=0 if alone else SURGE)


def memory(server: Server) -> PodMemory:
    """Memory that one server pod needs."""
    return PodMemory(server)


def largest_body(bounds: Bounds) -> int:
    """Memory in MiB of the largest JSON body that the bounds allow, with the values in it."""
    values = bounds.json_elements * ELEMENT_BYTES + bounds.text_elements * MARK_BYTES
    return bounds.body_mebibytes - (-values // MEBIBYTE)
