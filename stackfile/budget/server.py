"""Checks that a server pod has enough memory for its worker processes and for uploads in progress."""

from collections.abc import Iterator
from dataclasses import dataclass

from stackfile.budget.remedies import MEBIBYTE, either, mebibytes, setting
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.quantities import size_in_bytes

# Anonymous memory measured with the authorization plugin before any load (benchmarks/server_load.py): 398 MiB with one
# worker, 621 with two, 1026 with four.
BASE_BYTES = 190 * MEBIBYTE
WORKER_BYTES = 210 * MEBIBYTE
# The largest request body that the server reads into memory (images/mlflow/server/mlflow_platform_server/bodies.py).
BODY_BYTES = 32 * MEBIBYTE
# Uploads and downloads in the memory of one worker (the default of server.bounds.transferMebibytes), and one request
# body.
UPLOAD_BYTES = 128 * MEBIBYTE + BODY_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Memory that one server pod needs with a number of worker processes."""

    workers: int

    @property
    def idle(self) -> int:
        """Bytes that an idle pod uses."""
        return BASE_BYTES + self.workers * WORKER_BYTES

    @property
    def total(self) -> int:
        """Bytes that a pod uses with the maximum number of uploads in every worker."""
        return self.idle + self.workers * UPLOAD_BYTES

    def __str__(self) -> str:
        """The calculation of the total, as text for messages."""
        return (
            f"{BASE_BYTES // MEBIBYTE} MiB + workers {self.workers} x ({WORKER_BYTES // MEBIBYTE} MiB + "
            f"{UPLOAD_BYTES // MEBIBYTE} MiB of uploads) = {self.total // MEBIBYTE} MiB"
        )


def need(draft: Draft) -> Need | None:
    """Memory that one server pod needs; None if the number of workers is wrong."""
    workers = draft.number("server.workers")
    return None if workers is None else Need(workers=workers)


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
        fitting = int(limit - BASE_BYTES) // (WORKER_BYTES + UPLOAD_BYTES)
        ways = [setting({"server.memoryLimit": mebibytes(wanted.total)})]
        if fitting >= 1:
            ways.append(setting({"server.workers": fitting}))
        yield Fault(
            "server.memoryLimit",
            f"expected at least {wanted}, found {draft.said('server.memoryLimit')}",
            either(ways),
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
