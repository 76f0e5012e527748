"""The words of the provider protocol that have no transport: errors, and what a URN says."""

from __future__ import annotations


class ProviderError(Exception):
    """An operation failed, and nothing about the resource is to be saved."""


def type_of(urn: str) -> str:
    """Return the resource's own type: a URN names the types of its parents before it."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """Return the resource's logical name, which may itself contain colons."""
    return urn.split("::", 3)[3]
