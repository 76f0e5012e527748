"""Atomic writes: a file is complete or absent, even if the writer is killed."""

import os
from pathlib import Path

PUBLIC = 0o644
PRIVATE = 0o600
PROGRAM = 0o755


def write_whole(path: Path, text: str, mode: int = PUBLIC) -> None:
    """Write a file under a temporary name and rename it; an unchanged file is not touched."""
    if path.exists() and path.read_text() == text:
        return
    # Two commands may write the same file at once.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    # With its final mode from the start, so that a secret is never readable for others.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    temporary.replace(path)
