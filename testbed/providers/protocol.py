"""Errors of the provider protocol, and the parts of a URN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.providers.values import Object


class ProviderError(Exception):
    """An operation failed, and the engine saves nothing about the resource."""


class NotSupportedError(Exception):
    """The stand-in does not have a part of the protocol."""


@dataclass
class InitFailedError(Exception):
    """The object was created or changed, but did not become ready.

    The engine saves it with the reasons, and the next `up` is an update.
    """

    resource_id: str
    properties: Object
    reasons: Sequence[str]
    inputs: Object | None = None

    def __str__(self) -> str:
        """Return the first reason, which names the failure; the others explain it."""
        return self.reasons[0]


def type_of(urn: str) -> str:
    """Return the resource's own type; in a URN the types of its parents precede it."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """Return the resource's logical name, which may itself contain colons."""
    return urn.split("::", 3)[3]
