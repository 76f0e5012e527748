"""Access reviews that Kubernetes has allowed, in a file that all worker processes of a pod share.

During an outage a request may reach a worker that does not know its caller, while another worker of the pod does. The
file is a table with a place for each answer; an answer may overwrite another one, which is then unknown.

Tokens that Kubernetes refuses are not in the table: anybody may send any number of them, and they would take the places
of answers. A worker that has not seen the refusal uses its last yes for at most `server.bounds.outageSeconds`, as with
a token that expires during the outage.
"""

import hashlib
import mmap
import os
import struct
from pathlib import Path

SLOTS = 65_536
# Digest of subject and question, time of the question, answer.
_RECORD = struct.Struct("<16sd?")
_CHECK_BYTES = 7
_SIZE = _RECORD.size + _CHECK_BYTES


class SharedAnswers:
    """Answers by subject and question, with the times of their questions (`time.monotonic`, one clock for all)."""

    def __init__(self, path: Path, slots: int = SLOTS) -> None:
        """Open the table, or make an empty one.

        Raises:
            OSError: the file cannot be opened or made, or there is no room for it.
        """
        self._slots = slots
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            # All of it now: a disk that is full at the first write into a hole would end the process (SIGBUS).
            os.posix_fallocate(file, 0, slots * _SIZE)
            self._table = mmap.mmap(file, slots * _SIZE)
        finally:
            os.close(file)

    def get(self, key: object) -> tuple[bool, float] | None:
        """The answer and the time of its question; None if it is unknown."""
        place, name = self._place(key)
        return self._read(place, name)

    def put(self, key: object, answer: bool, asked: float) -> None:  # noqa: FBT001 - an answer
        """Remember an answer. A no takes only the place of a yes to the same question, so no flood evicts a yes."""
        place, name = self._place(key)
        known = self._read(place, name)
        if (known is None and not answer) or (known is not None and known[1] > asked):
            return
        record = _RECORD.pack(name, asked, answer)
        self._table[place : place + _SIZE] = record + _check(record)

    def _read(self, place: int, name: bytes) -> tuple[bool, float] | None:
        entry = self._table[place : place + _SIZE]
        record, check = entry[: _RECORD.size], entry[_RECORD.size :]
        found, asked, answer = _RECORD.unpack(record)
        # Another process may be writing it.
        return (answer, asked) if found == name and check == _check(record) else None

    def _place(self, key: object) -> tuple[int, bytes]:
        digest = hashlib.sha256(repr(key).encode()).digest()
        return int.from_bytes(digest[:8], "big") % self._slots * _SIZE, digest[8:24]


def _check(record: bytes) -> bytes:
    return hashlib.blake2b(record, digest_size=_CHECK_BYTES).digest()


def path(folder: Path) -> Path:
    """Path of the pod's file. It changes after a restart of the node, which resets the clock."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return folder / f"mlflow-platform-answers-{boot}"
