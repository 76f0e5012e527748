"""Address of the MLflow to move in: what kind it is, how MLflow opens it, and where its artifacts are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# Drivers that are installed (drivers.in), by the scheme without a driver.
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}
SERVED = re.compile(r"\Amlflow-artifacts:(?://[^/]*)?/*")
# A host with its port, and a path.
PLACE = re.compile(r"((?:[^\s:/?#\[\]]+|\[[^\s/?#\[\]]+\])(?::\d+)?)((?:/[^?#]*)?)(?=[?#]|\Z)")
# What ends the user and the password of an address for one program, and not for another.
AMBIGUOUS = re.compile(r"[/?#@]|:.*:")
NONE = "none"
FORMS = (
    "a SQLite file (mlflow.db, sqlite:///mlflow.db), a folder (./mlruns), "
    "a database (postgresql://..., mysql://...), or the address of its server (https://...)"
)


class Kind(StrEnum):
    """How the old MLflow is read."""

    SQLITE = "sqlite"
    FOLDER = "folder"
    DATABASE = "database"
    SERVER = "server"


class OriginError(ValueError):
    """The address of the old MLflow cannot be used; the message says what is expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The old MLflow."""

    kind: Kind
    address: str
    """Address that MLflow opens; may contain a password. A path if it is a file or a folder."""

    name: str
    """Address without credentials, the same in every run: it is in the tag of everything that was moved."""

    folder: Path
    """Folder in which relative locations of artifacts begin."""


def parse(source: str, folder: Path) -> Origin:
    """The old MLflow at this address; a relative path begins in `folder`.

    Raises:
        OriginError: there is nothing at a path, or the address has another form.
    """
    scheme = source.partition(":")[0].lower() if "://" in source else ""
    if scheme in {"", "file", "sqlite"}:
        return _local(source, scheme, folder)
    if scheme in {"http", "https"}:
        return Origin(kind=Kind.SERVER, address=source, name=without_credentials(source), folder=folder)
    dialect = scheme.partition("+")[0]
    if dialect not in DRIVERS:
        raise OriginError(f"SOURCE {without_credentials(source)}: expected {FORMS}")
    address = f"{DRIVERS[dialect]}{source[len(scheme) :]}"
    return Origin(kind=Kind.DATABASE, address=address, name=without_credentials(source), folder=folder)


def _local(source: str, scheme: str, folder: Path) -> Origin:
    # sqlite:///relative and sqlite:////absolute; file:///absolute.
    text = source.partition("?")[0]
    path = Path(text[len("sqlite:///") :] if scheme == "sqlite" else text.removeprefix("file://"))
    path = (folder / path.expanduser()).resolve()
    if path.is_dir() and scheme != "sqlite":
        return Origin(kind=Kind.FOLDER, address=str(path), name=str(path), folder=path.parent)
    if path.is_file() and scheme != "file":
        return Origin(kind=Kind.SQLITE, address=str(path), name=str(path), folder=path.parent)
    raise OriginError(f"SOURCE {source}: there is no such file or folder as {path}; expected {FORMS}")


def without_credentials(address: str) -> str:
    """An address without user, password and parameters.

    Raises:
        OriginError: the end of the password cannot be determined; the message has no part of the address.
    """
    scheme, _, rest = address.partition("://")
    user, _, place = rest.rpartition("@")
    found = PLACE.match(place)
    if found is None or AMBIGUOUS.search(user):
        raise OriginError(
            "SOURCE: expected SCHEME://USER:PASSWORD@HOST:PORT/NAME with a host, in which each of / ? # @ : in the "
            "user, the password and the parameters is percent-encoded: %2F %3F %23 %40 %3A"
        )
    return f"{scheme.lower().partition('+')[0]}://{found[1]}{found[2].rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Locations:
    """Where the files are now, for each location that the old MLflow names."""

    moved: tuple[tuple[str, str], ...] = ()
    """Beginnings of locations, and what they are replaced with. An empty one stands for `mlflow-artifacts:/`."""

    none: bool = False
    """True if no files are moved."""

    @classmethod
    def parse(cls, values: Sequence[str]) -> "Locations":
        """`TO` replaces `mlflow-artifacts:/`; `FROM=TO` replaces another beginning; `none` moves no files."""
        split = (value.rpartition("=") for value in values if value and value != NONE)
        return cls(tuple((begin, end) for begin, _, end in split), none=NONE in values)

    def find(self, uri: str) -> str:
        """The location to read for one that the old MLflow names."""
        for begin, end in self.moved:
            if begin and uri.startswith(begin):
                return end + uri[len(begin) :]
            if not begin and (served := SERVED.match(uri)):
                return f"{end.rstrip('/')}/{uri[served.end() :]}"
        return uri

    def finds(self, uri: str) -> bool:
        """False if a location can only be read through the server of the old MLflow."""
        return SERVED.match(self.find(uri)) is None


def from_here(value: str, folder: Path) -> str:
    """A `[FROM=]TO` whose path does not depend on the working directory."""
    begin, separator, end = value.rpartition("=")
    if end == NONE or "://" in end or not end:
        return value
    return f"{begin}{separator}{(folder / Path(end).expanduser()).resolve()}"
