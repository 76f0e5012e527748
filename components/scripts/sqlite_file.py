"""A SQLite file as a migration meets it: migrated as a copy, which takes the file's place when it is whole."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def path_of(uri: str) -> Path:
    """The file of `sqlite:////mlflow/mlflow.db`."""
    return Path(uri.removeprefix("sqlite:///"))


def in_use(file: Path) -> bool:
    """Whether another process has the file open, in whatever container: the kernel gives nobody else a write lease."""
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
    """URI of a copy that takes the file's place at the end of the block; the file of before stays beside it.

    SQLite cannot take a schema migration back. Whatever happens in the block, the file stays as it is.
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
