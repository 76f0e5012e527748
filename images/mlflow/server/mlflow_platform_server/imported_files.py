"""Explains why files of an object are missing that were logged to another MLflow server.

Rows may be copied from another installation; the locations in them (`mlflow-artifacts:/7/RUN/artifacts`) do not name
the folder of a workspace. MLflow looks for such a location in the folder of the request's workspace, where nobody has
put the files: a list would be empty, a file just not there. What does exist there is served: programs may upload to
such paths, too. Only the workspace's own folder is looked at, so nothing is told about another one.
"""

import posixpath
import urllib.parse
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

# In a URL of a server's artifacts, what precedes their path.
ANCHOR = "/api/2.0/mlflow-artifacts/artifacts/"


class Rewritten(str):
    """A path in the folder of a workspace for a location that does not name that folder.

    It goes through MLflow's handlers to the repository as the string that it is.
    """

    __slots__ = ("asked",)

    asked: str
    """The path without the workspace's folder."""

    def __new__(cls, path: str, asked: str) -> Self:
        """Make the path `path` for the location `asked`."""
        made = super().__new__(cls, path)
        made.asked = asked
        return made


def message(location: str) -> str:
    """What is the matter with a location of another installation, and what to do."""
    return (
        f"{location} is not in the folder of a workspace of this platform. If these files were logged to another "
        "MLflow server, they are not in this platform's store: `make adopt` copies them together with their runs "
        "(docs/moving-in.md)."
    )


def noting(scoped: Callable[[str | None], str | None]) -> Callable[[str | None], str | None]:
    """Wrap MLflow's function that puts a path into the folder of the workspace: note what it has rewritten."""

    def noted(asked: str | None) -> str | None:
        path = scoped(asked)
        plain = (asked or "").lstrip("/")
        return path if path is None or not plain or path in {asked, plain} else Rewritten(path, plain)

    return noted


def served(resolve: Callable[..., Any], refuse: Callable[[str], Exception]) -> Callable[..., Any]:
    """Wrap MLflow's function that finds the path in a location: refuse URLs of anything but a server's artifacts."""

    def resolved(proxied_artifact_root: str, relative_path: str | None = None) -> Any:
        parsed = urllib.parse.urlparse(proxied_artifact_root)
        if parsed.scheme != "mlflow-artifacts" and ANCHOR not in parsed.path:
            # MLflow has an assertion instead, which becomes a server error.
            raise refuse(message(proxied_artifact_root))
        return resolve(proxied_artifact_root, relative_path)

    return resolved


def named(resolve: Callable[..., Any], make: Callable[[str], Any], refuse: Callable[[str], Exception]) -> Any:
    """Wrap MLflow's function that makes the repository of a trace: refuse locations in no workspace's folder.

    A trace's location is not rewritten, so it is out of reach, and MLflow would answer only that there are no data.
    """

    def made(artifact_uri: str) -> Any:
        if urllib.parse.urlparse(artifact_uri).scheme in {"mlflow-artifacts", "http", "https"}:
            path = resolve(artifact_uri)
            if path and posixpath.normpath(path).split("/")[0] != "workspaces":
                raise refuse(message(artifact_uri))
        return make(artifact_uri)

    return made


def install(handlers: Any, refuse: Callable[[str], Exception], *, multi_tenant: bool) -> None:
    """Wrap the functions of MLflow's handlers through which every access to an object's files passes."""
    resolve = served(handlers._get_proxied_run_artifact_destination_path, refuse)
    handlers._get_proxied_run_artifact_destination_path = resolve
    handlers._get_workspace_scoped_repo_path_if_enabled = noting(handlers._get_workspace_scoped_repo_path_if_enabled)
    if multi_tenant:
        handlers._get_trace_repo_from_uri = named(resolve, handlers._get_trace_repo_from_uri, refuse)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanations:
    """Replaces the answers of a repository that has nothing at a rewritten path."""

    error: type[Exception]
    """Type of the repository's errors, which have an `error_code`."""

    refuse: Callable[[str], Exception]
    """Makes the error with a message."""

    @contextmanager
    def missing(self, path: str | None) -> Generator[None]:
        """Explain the error that there is no artifact."""
        try:
            yield
        except self.error as error:
            if not isinstance(path, Rewritten) or _code(error) != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise self.refuse(message(f"mlflow-artifacts:/{path.asked}")) from error

    def listed(self, found: list[Any], path: str | None, find: Callable[[str], object]) -> list[Any]:
        """Pass a list on; explain an empty one, unless `find` knows the path: the list of a file is empty as well."""
        if found or not isinstance(path, Rewritten):
            return found
        try:
            with self.missing(path):
                find(path)
        except self.error as error:
            # An empty folder on a volume.
            if _code(error) != "BAD_REQUEST":
                raise
        return found


def _code(error: Exception) -> str:
    return getattr(error, "error_code", "")
