"""A permission that a request needs, in the terms of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Guard = Literal["none", "bucket", "key", "role"]


class UnknownCallError(Exception):
    """The stand-in does not know which action a request is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """One action on one resource; a request may need several."""

    action: str
    resource: str | None
    guard: Guard = "none"
    """Kind of resource whose own policy is evaluated too."""

    guarded: str = ""
    """The bucket's name, or the ARN of the key or role."""

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    item: str = ""
    """The object, in a request for many objects; without the permission, only this object fails."""
