"""Migration of an SQLite file as a copy, which replaces the file when the migration is complete."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def path_of(uri: str) -> Path:
    """Path of the file in an SQLite URI: `/mlflow/mlflow.db` for `sqlite:////mlflow/mlflow.db`."""
    return Path(uri.removeprefix("sqlite:///"))


def in_use(file: Path) -> bool:
    """True if another process, in any container of the node, has the file open.

    In that case the kernel refuses a write lease on the file.
    """
    if not file.exists():
        return False
    descriptor = os.open(file, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def replaced(file: Path, revision: str | None) -> Iterator[str]:
    """Yield the URI of a copy of `file`, and replace `file` by the copy at the end of the block.

    A migration of an SQLite file cannot be rolled back: if the block raises an exception, `file` is not changed. If
    `revision` is not None, the old file is kept as `<file>.<revision>`.
    """
    copy = file.with_name(f"{file.name}.migrating")
    for left in (copy, copy.with_name(f"{copy.name}-journal")):
        left.unlink(missing_ok=True)
    if file.exists():
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    yield f"sqlite:///{copy}"
    if revision is not None:
        before = file.with_name(f"{file.name}.{revision}")
        before.unlink(missing_ok=True)
        os.link(file, before)
    copy.replace(file)
