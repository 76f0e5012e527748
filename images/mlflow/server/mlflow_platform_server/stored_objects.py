"""Objects of an artifact store as downloads see them, whichever store it is."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """Key, size and version (ETag) of an object."""

    key: str
    size: int
    etag: str


class Body(Protocol):
    """Bytes of an object as they come from the store. Reading blocks."""

    def read(self, size: int, /) -> bytes | None:
        """Read at most `size` bytes; none at the end."""
        ...

    def close(self) -> None:
        """Give up the connection or the file."""
        ...


class Source(Protocol):
    """A store of artifacts. Its methods block."""

    def find(self, path: str) -> StoredObject:
        """Look up the object of an artifact."""
        ...

    def fetch(self, stored: StoredObject, start: int, stop: int) -> Body:
        """Request a range of bytes of an object; fails if it has been replaced."""
        ...
