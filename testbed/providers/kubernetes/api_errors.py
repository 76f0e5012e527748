"""What the API server says when it refuses, in the words of the Go client."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from testbed.providers.values import text

if TYPE_CHECKING:
    from testbed.providers.kubernetes.kinds import Kind
    from testbed.providers.values import Object

_DRY_RUN_REFUSALS: Final = ("does not support dry run", "dryRun alpha feature", "dryRun beta")


class ClusterError(Exception):
    """Something went wrong between here and the object."""


class UnreachableError(ClusterError):
    """The server did not answer."""


class NoMatchError(ClusterError):
    """The server does not know the kind."""

    def __init__(self, kind: Kind) -> None:
        """Say it as the Go client does."""
        super().__init__(f'no matches for kind "{kind.name}" in version "{kind.api_version}"')


class ApiError(ClusterError):
    """The server answered with a failure."""

    def __init__(self, code: int, status: Object) -> None:
        """Keep the status object; its message is what users see."""
        self.code = code
        self.reason = text(status, "reason")
        self.kind = text(status, "details", "kind")
        super().__init__(text(status, "message") or f"the server answered {code}")

    @property
    def not_found(self) -> bool:
        """The object, or something it is in, does not exist."""
        return self.code == HTTPStatus.NOT_FOUND

    @property
    def forbidden(self) -> bool:
        """RBAC, a quota, Pod Security or a terminating namespace refused it."""
        return self.code == HTTPStatus.FORBIDDEN

    @property
    def already_exists(self) -> bool:
        """An object of that name exists."""
        return self.code == HTTPStatus.CONFLICT and self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Somebody else owns a field, or changed the object meanwhile."""
        return self.code == HTTPStatus.CONFLICT and self.reason != "AlreadyExists"

    @property
    def namespace_missing(self) -> bool:
        """The namespace does not exist."""
        return self.not_found and self.kind == "namespaces"

    @property
    def refuses_dry_run(self) -> bool:
        """A webhook cannot say what it would do."""
        return self.code == HTTPStatus.BAD_REQUEST and any(words in str(self) for words in _DRY_RUN_REFUSALS)
