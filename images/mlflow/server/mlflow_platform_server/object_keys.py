"""Isolation of workspaces in the artifact store: which objects the running request may reach.

The server has one credential for all workspaces, and uses it for any location that a client writes into a model
version, an experiment or a tag of a trace. So each location is checked before it is used, by `Reach.check`; every
repository class calls it.
"""

import posixpath
import urllib.parse
from dataclasses import dataclass

from mlflow_platform_server import imported_files, scope

# Stands for a volume where a bucket has its name; no bucket can be called so.
VOLUME = "file:"


class OutOfReachError(Exception):
    """A location outside the server's store, or outside the request's workspace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A place in an artifact store."""

    store: str
    """The bucket's name, or `VOLUME`."""

    key: str
    """Path of the object or folder in the bucket; on a volume, the path of the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The part of the artifact store that requests may reach."""

    root: Location
    """The root of the server's own store."""

    multi_tenant: bool
    """True if workspaces have folders of their own below the root."""

    def check(self, location: Location) -> None:
        """Refuse a location that the running request may not reach.

        Raises:
            OutOfReachError: it is in another store, or in the folder of another workspace.
            ScopeError: no request is running, or it has no workspace.
        """
        workspace = scope.workspace()
        key = below(location, self.root)
        if key is None:
            message = "The artifact location is outside of the server's artifact store, the only one that it uses."
            raise OutOfReachError(f"{message} {imported_files.message(_named(location, self.root))}")
        if self.multi_tenant and not _names_workspaces(key):
            raise OutOfReachError(imported_files.message(f"mlflow-artifacts:/{key}"))
        if self.multi_tenant and not is_within(key, workspace):
            message = f"The artifact location is outside of the workspace {workspace} that the request names."
            raise OutOfReachError(message)


def location_of(uri: str) -> Location:
    """The place that the URI of an artifact store names."""
    parsed = urllib.parse.urlparse(uri)
    if parsed.scheme == "file" or not parsed.scheme:
        return Location(store=VOLUME, key=posixpath.normpath(urllib.parse.unquote(parsed.path)))
    return Location(store=parsed.netloc, key=parsed.path.strip("/"))


def below(location: Location, root: Location) -> str | None:
    """Path of a location relative to the root of a store; None if it is not below the root."""
    key = posixpath.normpath(location.key) if location.store == VOLUME else location.key
    prefix = f"{root.key}/" if root.key else ""
    if location.store != root.store or not f"{key}/".startswith(prefix):
        return None
    relative = key.removeprefix(prefix) if key != root.key else ""
    return None if {".", ".."} & set(relative.split("/")) or relative.startswith("/") else relative


def _named(location: Location, root: Location) -> str:
    """A location for a message; of the server's own bucket, whose name is not the caller's business, only "it"."""
    if location.store == VOLUME:
        return f"file://{location.key}"
    return "It" if location.store == root.store else f"s3://{location.store}/{location.key}"


def _names_workspaces(key: str) -> bool:
    """True if a key below the root is the root, or what MLflow reserves for workspaces, whoever's they are."""
    return key.split("/", maxsplit=1)[0] in {"", "workspaces"}


def is_within(key: str, workspace: str) -> bool:
    """True if `key`, of an object or a folder of objects, belongs to the workspace."""
    segments = key.split("/")
    return segments[:2] == ["workspaces", workspace] and not {".", ".."} & set(segments)
