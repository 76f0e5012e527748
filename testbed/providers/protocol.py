"""The words of the provider protocol that have no transport: errors, and what a URN says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.providers.values import Object


class ProviderError(Exception):
    """An operation failed, and nothing about the resource is to be saved."""


@dataclass
class InitFailedError(Exception):
    """The object exists or was changed, but the operation did not end well.

    The engine saves it with the reasons, and the next `up` is an update.
    """

    resource_id: str
    properties: Object
    reasons: Sequence[str]
    inputs: Object | None = None

    def __str__(self) -> str:
        """Return the first reason, which says what happened; the others say why."""
        return self.reasons[0]


def type_of(urn: str) -> str:
    """Return the resource's own type: a URN names the types of its parents before it."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """Return the resource's logical name, which may itself contain colons."""
    return urn.split("::", 3)[3]
