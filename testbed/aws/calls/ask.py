"""What a request asks for, in the words of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Guard = Literal["none", "bucket", "key", "role"]


class UnknownCallError(Exception):
    """The equipment has no name for what a request does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One action on one resource; a request may ask for several."""

    action: str
    resource: str | None
    guard: Guard = "none"
    """Whose own policy has a say: of the bucket, the encryption key or the role."""

    guarded: str = ""
    """Which one: the bucket's name, or the ARN."""

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    item: str = ""
    """Of a request about many objects, the one this is about: it fails alone."""
