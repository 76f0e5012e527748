"""A permission that a request needs: the action, resource and condition keys that policies are evaluated for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Guard = Literal["none", "bucket", "key", "role"]


class UnknownCallError(Exception):
    """The stand-in does not know the IAM action of a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """The permission for one action on one resource; a request may need several permissions."""

    action: str
    resource: str | None
    guard: Guard = "none"
    """Type of the resource whose own policy is evaluated too; `none` if there is no such policy."""

    guarded: str = ""
    """The resource whose own policy is evaluated: name of the bucket, or ARN of the KMS key or role; empty if none."""

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    item: str = ""
    """In a request that deletes several objects: key of the object that is not deleted if this permission is denied."""
