"""Volumes: what is on them before anybody has logged anything."""

from collections.abc import Iterator

from stackfile.budget.remedies import GIBIBYTE, MEBIBYTE, gibibytes, mebibytes, setting
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.quantities import size_in_bytes

# PostgreSQL's default for max_wal_size, up to which its log grows between two checkpoints.
LOG_BYTES = 1 * GIBIBYTE
# A table is written anew by a migration beside the old one, so that a volume is full when it is half full of data.
LEAST_DATA_BYTES = 1 * GIBIBYTE
# The largest body that the server takes into its hands (images/mlflow/server, bodies.py).
BODY_BYTES = 32 * MEBIBYTE


def database(draft: Draft) -> Iterator[Fault]:
    """PostgreSQL's log leaves room for data."""
    size = size_in_bytes(draft.text("database.storage") or "")
    needed = LOG_BYTES + LEAST_DATA_BYTES
    if draft.text("database.kind") == "in-cluster" and size is not None and size < needed:
        yield Fault(
            "database.storage",
            f"expected at least {LOG_BYTES // GIBIBYTE} GiB of write-ahead log + {LEAST_DATA_BYTES // GIBIBYTE} GiB of "
            f"data = {needed // GIBIBYTE} GiB, found {draft.said('database.storage')}",
            setting({"database.storage": gibibytes(needed)}),
        )


def uploads(draft: Draft) -> Iterator[Fault]:
    """Each worker has room for one body of the largest size."""
    size, workers = size_in_bytes(draft.text("server.uploadSpace") or ""), draft.number("server.workers")
    if size is not None and workers is not None and size < workers * BODY_BYTES:
        yield Fault(
            "server.uploadSpace",
            f"expected at least workers {workers} x {BODY_BYTES // MEBIBYTE} MiB of the largest body = "
            f"{workers * BODY_BYTES // MEBIBYTE} MiB, found {draft.said('server.uploadSpace')}",
            setting({"server.uploadSpace": mebibytes(workers * BODY_BYTES)}),
        )
