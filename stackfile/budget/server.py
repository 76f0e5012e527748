"""Memory of a pod of the server: processes, and the parts of uploads that are on their way."""

from collections.abc import Iterator
from dataclasses import dataclass

from stackfile.budget.remedies import MEBIBYTE, either, mebibytes, setting
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.quantities import size_in_bytes

# Measured with the authorisation plugin, before any load, as anonymous memory by the kernel's counters
# (benchmarks/server_load.py): 398 MiB with one worker, 621 with two, 1026 with four.
BASE_BYTES = 190 * MEBIBYTE
WORKER_BYTES = 210 * MEBIBYTE
# In the memory of one worker: parts of uploads, 16 slots of 8 MiB, and one body of the largest size, 32 MiB
# (images/mlflow/server, uploads.py and bodies.py).
UPLOAD_BYTES = (16 * 8 + 32) * MEBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What one pod may take."""

    workers: int

    @property
    def idle(self) -> int:
        """Bytes without a request."""
        return BASE_BYTES + self.workers * WORKER_BYTES

    @property
    def total(self) -> int:
        """Bytes with every worker full of uploads."""
        return self.idle + self.workers * UPLOAD_BYTES

    def __str__(self) -> str:
        """The sum, written out."""
        return (
            f"{BASE_BYTES // MEBIBYTE} MiB + workers {self.workers} x ({WORKER_BYTES // MEBIBYTE} MiB + "
            f"{UPLOAD_BYTES // MEBIBYTE} MiB of uploads) = {self.total // MEBIBYTE} MiB"
        )


def need(draft: Draft) -> Need | None:
    """What one pod may take; None where the number of workers is wrong."""
    workers = draft.number("server.workers")
    return None if workers is None else Need(workers=workers)


def memory(draft: Draft) -> Iterator[Fault]:
    """The limit admits the request, and what the workers were measured to need."""
    request, limit = (size_in_bytes(draft.text(f"server.{key}") or "") for key in ("memory", "memoryLimit"))
    if limit is not None and request is not None and request > limit:
        yield Fault(
            "server.memory",
            f"{draft.said('server.memory')} is more than server.memoryLimit {draft.said('server.memoryLimit')}",
            "lower the one or raise the other",
        )
    wanted = need(draft)
    if limit is not None and wanted is not None and limit < wanted.total:
        fitting = int(limit - BASE_BYTES) // (WORKER_BYTES + UPLOAD_BYTES)
        ways = [setting({"server.memoryLimit": mebibytes(wanted.total)})]
        if fitting >= 1:
            ways.append(setting({"server.workers": fitting}))
        yield Fault(
            "server.memoryLimit",
            f"expected at least {wanted}, found {draft.said('server.memoryLimit')}",
            either(ways),
        )


def promised(draft: Draft) -> Iterator[Fault]:
    """What a pod is promised is what it takes when nobody uses it."""
    request, wanted = size_in_bytes(draft.text("server.memory") or ""), need(draft)
    if request is not None and wanted is not None and request < wanted.idle:
        yield Fault(
            "server.memory",
            f"{draft.said('server.memory')} is less than an idle pod takes, {wanted.idle // MEBIBYTE} MiB: a full node "
            "ends it first",
            setting({"server.memory": mebibytes(wanted.idle)}),
        )
