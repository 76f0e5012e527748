"""Errors of the provider protocol, and the parts of a URN."""

from __future__ import annotations


class ProviderError(Exception):
    """An operation failed, and the engine saves nothing about the resource."""


class NotSupportedError(Exception):
    """The program uses a part of the protocol that the stand-in does not support."""


def type_of(urn: str) -> str:
    """Return the resource's own type; in a URN the types of its parents precede it."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """Return the resource's logical name, which may itself contain colons."""
    return urn.split("::", 3)[3]
