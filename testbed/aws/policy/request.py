"""One request as policies see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PolicyError(Exception):
    """A policy says something that this equipment does not understand, or that AWS refuses."""


class Verdict(StrEnum):
    """What the policies say about a request."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks. Without a name it is nobody: an anonymous request."""

    names: tuple[str, ...] = ()
    """Every ARN by which a policy may name it: a session is its role, too."""

    account: str = ""
    federated: str = ""
    """The identity provider that vouches for it, while it has no other name."""

    service: str = ""
    """The AWS service that asks, like `pods.eks.amazonaws.com`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked, by whom, and what the conditions of policies can look at."""

    action: str
    resource: str | None
    """The ARN; `*` for an action that has no resource; None when the equipment cannot name it."""

    caller: Caller
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    """Condition keys in lower case, with their values."""
