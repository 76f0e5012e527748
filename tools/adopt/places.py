"""Places whose files may be read.

Locations and links in an MLflow were chosen by whoever could write to it, and may lead to any file or bucket that the
person who moves it can read. So files are read only in the old MLflow's own folder, at its own server, and at the
places that this person names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.adopt.hosts import SERVED, WEB
from tools.adopt.origin import Kind, Locations, Origin

LOCAL = ("", "file")
# Locations that lead to those of other runs and models. MLflow writes none of them for files.
INDIRECT = ("runs", "models")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
STEPS = frozenset({".", ".."})


class PlaceError(ValueError):
    """Files are outside the old MLflow; the message names the place, and says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The places whose files may be read."""

    folders: tuple[Path, ...] = ()
    """Folders on this machine, without links."""

    addresses: tuple[str, ...] = ()
    """Addresses of stores, such as `s3://bucket/path`."""

    @classmethod
    def of(cls, origin: Origin, locations: Locations) -> "Places":
        """The folder of a file or folder, and the places that `ARTIFACTS=` names."""
        own = {Kind.SQLITE: (origin.folder,), Kind.FOLDER: (Path(origin.address),)}.get(origin.kind, ())
        named = [end for _, end in locations.moved]
        return cls(
            folders=tuple(folder.resolve() for folder in (*own, *(_path(end) for end in named if _is_local(end)))),
            addresses=tuple(end for end in named if not _is_local(end)),
        )

    def check(self, location: str) -> None:
        """Check that a location is within one of the places; `hosts.check` is for locations at web servers.

        Raises:
            PlaceError: it is not.
        """
        if CONTROL.search(location):
            raise PlaceError(f"its files are at {location!r}, which has characters that no location has")
        scheme = urlsplit(location).scheme.lower()
        if scheme in {*WEB, SERVED}:
            return
        if scheme in INDIRECT:
            raise PlaceError(f"its files are at {location}, where another run or model has its own: they are not read")
        if scheme in LOCAL:
            self.check_file(_path(location))
        elif not any(_is_within(location, address) for address in self.addresses):
            raise self._outside(location, location)

    def check_file(self, path: Path) -> None:
        """Check that a file or folder on this machine is within one of the places, wherever links lead.

        Raises:
            PlaceError: it is not.
        """
        real = path.resolve()
        if not any(real.is_relative_to(folder) for folder in self.folders):
            raise self._outside(f"{path}" if real == path.absolute() else f"{path}, which leads to {real}", f"{real}")

    def text(self) -> str:
        """The places, for people."""
        return ", ".join([*map(str, self.folders), *self.addresses]) or "no folder and no store"

    def _outside(self, place: str, wanted: str) -> PlaceError:
        return PlaceError(
            f"its files are at {place}, and only files in {self.text()} are read. If they belong to the old MLflow, "
            f"name their place: ARTIFACTS={wanted}"
        )


def _is_local(location: str) -> bool:
    return urlsplit(location).scheme.lower() in LOCAL


def _path(location: str) -> Path:
    """Path of a local location.

    Raises:
        PlaceError: it is at another machine.
    """
    parts = urlsplit(location)
    if parts.scheme and parts.netloc not in {"", "localhost"}:
        raise PlaceError(
            f"its files are at {location}, on another machine: copy them to this one, then ARTIFACTS=FROM=TO"
        )
    # MLflow decodes paths without a scheme too.
    path = unquote(parts.path if parts.scheme else location)
    if CONTROL.search(path) or unquote(path) != path:
        raise PlaceError(f"its files are at {location}, which has characters that no location has, or is encoded twice")
    return Path(path)


def _is_within(location: str, address: str) -> bool:
    one, other = urlsplit(location), urlsplit(address)
    steps, below = _steps(one.path), _steps(other.path)
    return (
        (one.scheme.lower(), one.netloc) == (other.scheme.lower(), other.netloc)
        and steps[: len(below)] == below
        and unquote(unquote(one.path)) == unquote(one.path)
        and not STEPS & set(_steps(unquote(one.path)))
    )


def _steps(path: str) -> Sequence[str]:
    return [step for step in path.split("/") if step]
