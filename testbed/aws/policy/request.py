"""A request, with everything that the evaluation of policies depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PolicyError(Exception):
    """A policy contains something that AWS refuses, or that the stand-in does not know."""


class Verdict(StrEnum):
    """The result of evaluating the policies for a request."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The caller of a request; anonymous if all fields are empty."""

    names: tuple[str, ...] = ()
    """Every ARN by which a policy may name the caller; for a session also the role's ARN."""

    account: str = ""
    federated: str = ""
    """The identity provider of a caller that presents a token."""

    service: str = ""
    """The AWS service that calls, for example `pods.eks.amazonaws.com`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request, as the evaluation of policies needs it: action, resource, caller and condition keys."""

    action: str
    resource: str | None
    """The resource's ARN; `*` for an action without a resource; None if the stand-in cannot determine the resource."""

    caller: Caller
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    """Condition keys in lower case, with their values."""
