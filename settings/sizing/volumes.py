"""Checks that the in-cluster database's volume and the server's upload space are large enough."""

from collections.abc import Iterator

from settings.draft import Draft
from settings.faults import Fault
from settings.sizing.remedies import GIBIBYTE, MEBIBYTE, gibibytes, mebibytes, setting
from settings.types.quantities import size_in_bytes

# PostgreSQL's default of max_wal_size, up to which its write-ahead log grows between two checkpoints.
LOG_BYTES = 1 * GIBIBYTE
# Data and its copy: a migration can write a table anew beside the old one.
LEAST_DATA_BYTES = 1 * GIBIBYTE


def database(draft: Draft) -> Iterator[Fault]:
    """Check that the in-cluster database's volume has space for PostgreSQL's write-ahead log and for data."""
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
    """Check that the upload space is enough for one request body per worker."""
    size, workers = size_in_bytes(draft.text("server.uploadSpace") or ""), draft.number("server.workers")
    body = draft.number("server.bounds.bodyMebibytes")
    if size is not None and workers is not None and body is not None and size < workers * body * MEBIBYTE:
        yield Fault(
            "server.uploadSpace",
            f"expected at least server.workers {workers} x {body} MiB per request body = "
            f"{workers * body} MiB, found {draft.said('server.uploadSpace')}",
            setting({"server.uploadSpace": mebibytes(workers * body * MEBIBYTE)}),
        )
