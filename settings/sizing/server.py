"""Checks that a server pod has enough memory for its worker processes and for uploads in progress."""

from collections.abc import Iterator
from dataclasses import dataclass

from settings.draft import Draft
from settings.faults import Fault
from settings.sizing.remedies import MEBIBYTE, either, mebibytes, setting
from settings.types.quantities import size_in_bytes

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
class Need:
    """Memory that one server pod needs with a number of worker processes."""

    workers: int
    bodies: int
    """Bytes of request bodies that a worker holds at once."""

    transfers: int
    """Bytes of uploads and downloads that a worker holds at once."""

    @property
    def idle(self) -> int:
        """Bytes that an idle pod uses."""
        return BASE_BYTES + self.workers * WORKER_BYTES

    @property
    def total(self) -> int:
        """Bytes that a pod uses with as many uploads and bodies in every worker as it admits."""
        return BASE_BYTES + self.workers * self.each

    @property
    def each(self) -> int:
        """Bytes that a worker uses."""
        return WORKER_BYTES + self.transfers + self.bodies * BODY_FACTOR

    def __str__(self) -> str:
        """The calculation of the total, as text for messages."""
        return (
            f"{BASE_BYTES // MEBIBYTE} MiB + workers {self.workers} x ({WORKER_BYTES // MEBIBYTE} MiB + "
            f"{self.transfers // MEBIBYTE} MiB of transfers + {self.bodies // MEBIBYTE} MiB of bodies x {BODY_FACTOR}) "
            f"= {self.total // MEBIBYTE} MiB"
        )


def need(draft: Draft) -> Need | None:
    """Memory that one server pod needs; None if the number of workers, or a bound of memory, is wrong."""
    workers = draft.number("server.workers")
    bodies, transfers = (draft.number(f"server.bounds.{name}Mebibytes") for name in ("bodies", "transfer"))
    if workers is None or bodies is None or transfers is None:
        return None
    return Need(workers=workers, bodies=bodies * MEBIBYTE, transfers=transfers * MEBIBYTE)


def memory(draft: Draft) -> Iterator[Fault]:
    """Check that the server's memory limit is at least its memory request, and enough for all workers."""
    request, limit = (size_in_bytes(draft.text(f"server.{key}") or "") for key in ("memory", "memoryLimit"))
    if limit is not None and request is not None and request > limit:
        yield Fault(
            "server.memory",
            f"{draft.said('server.memory')} is more than server.memoryLimit {draft.said('server.memoryLimit')}",
            "lower server.memory or raise server.memoryLimit",
        )
    wanted = need(draft)
    if limit is not None and wanted is not None and limit < wanted.total:
        fitting = int(limit - BASE_BYTES) // wanted.each
        ways = [setting({"server.memoryLimit": mebibytes(wanted.total)})]
        if fitting >= 1:
            ways.append(setting({"server.workers": fitting}))
        yield Fault(
            "server.memoryLimit",
            f"expected at least {wanted}, found {draft.said('server.memoryLimit')}",
            either(ways),
        )


def bodies(draft: Draft) -> Iterator[Fault]:
    """Check that the largest JSON body that the bounds allow fits into the memory for bodies."""
    names = ("bodiesMebibytes", "bodyMebibytes", "jsonElements", "textElements")
    total, body, elements, marks = (draft.number(f"server.bounds.{name}") for name in names)
    if total is None or body is None or elements is None or marks is None:
        return
    needed = body * MEBIBYTE + elements * ELEMENT_BYTES + marks * MARK_BYTES
    if needed > total * MEBIBYTE:
        least = -(-needed // MEBIBYTE)
        yield Fault(
            "server.bounds.bodiesMebibytes",
            f"expected at least bodyMebibytes {body} MiB + jsonElements {elements} x {ELEMENT_BYTES} bytes + "
            f"textElements {marks} x {MARK_BYTES} bytes = {least} MiB, "
            f"found {draft.said('server.bounds.bodiesMebibytes')}",
            setting({"server.bounds.bodiesMebibytes": least}),
        )


def idle_request(draft: Draft) -> Iterator[Fault]:
    """Warn if the server's memory request is less than an idle pod uses."""
    request, wanted = size_in_bytes(draft.text("server.memory") or ""), need(draft)
    if request is not None and wanted is not None and request < wanted.idle:
        yield Fault(
            "server.memory",
            f"{draft.said('server.memory')} is less than the {wanted.idle // MEBIBYTE} MiB that an idle pod uses: the "
            "pod is among the first to be evicted from a node that runs out of memory",
            setting({"server.memory": mebibytes(wanted.idle)}),
        )
