"""The decision on a request from all policies that apply to it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, within one account.
Stricter than AWS in one place: a permissions boundary also limits what a resource policy grants to a user by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from testbed.aws.policy.document import Statement
from testbed.aws.policy.matching import UnresolvedVariableError, matches, matches_action
from testbed.aws.policy.request import Caller, PolicyError, Request, Verdict

Statements = Sequence[Statement]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """The policies that apply to one request."""

    identity: Statements = ()
    resource: Statements = ()
    boundary: Statements | None = None
    """None if the principal has no boundary; an empty one allows nothing."""


_DIRECT: Final = 2
_DELEGATED: Final = 1


def evaluate(request: Request, policies: Policies) -> Verdict:
    """Return the verdict of all policies on a request."""
    every = (*policies.identity, *policies.resource, *(policies.boundary or ()))
    if any(not statement.allows and _applies(statement, request) for statement in every):
        return Verdict.EXPLICIT_DENY
    within = policies.boundary is None or _allowed(policies.boundary, request)
    if within and (_given_directly(policies.resource, request) or _allowed(policies.identity, request)):
        return Verdict.ALLOW
    return Verdict.IMPLICIT_DENY


def evaluate_consenting(request: Request, policies: Policies) -> Verdict:
    """Return the verdict on a request for a KMS key or a role, whose own policy must allow the request too.

    If that policy names only the caller's account, not the caller, an identity policy must also allow the request.
    """
    verdict = evaluate(request, policies)
    if verdict is not Verdict.ALLOW or _given_directly(policies.resource, request):
        return verdict
    return verdict if _given(policies.resource, request) else Verdict.IMPLICIT_DENY


def _allowed(statements: Statements, request: Request) -> bool:
    return any(statement.allows and _applies(statement, request) for statement in statements)


def _given(statements: Statements, request: Request) -> int:
    return max((_about(one, request.caller) for one in statements if one.allows and _applies(one, request)), default=0)


def _given_directly(statements: Statements, request: Request) -> bool:
    return _given(statements, request) == _DIRECT


def _about(statement: Statement, caller: Caller) -> int:
    """Return `_DIRECT` if a statement names the caller, `_DELEGATED` if it names the caller's account, 0 if neither."""
    if statement.principals is None:
        return _DIRECT
    names = statement.principals.get("AWS", ())
    if "*" in names or any(name in caller.names for name in names):
        return _DIRECT
    if caller.federated and caller.federated in statement.principals.get("Federated", ()):
        return _DIRECT
    if caller.service and caller.service in statement.principals.get("Service", ()):
        return _DIRECT
    own = {caller.account, f"arn:aws:iam::{caller.account}:root"} if caller.account else set[str]()
    return _DELEGATED if own.intersection(names) else 0


def _applies(statement: Statement, request: Request) -> bool:
    if not _about(statement, request.caller) or not _concerns(statement, request.action):
        return False
    try:
        return _covers(statement, request) and all(condition.holds(request.keys) for condition in statement.conditions)
    except UnresolvedVariableError as error:
        if statement.allows:
            return False
        reason = f"a Deny statement contains the variable ${{{error}}}, for which {request.action} has no value"
        raise PolicyError(reason) from error


def _concerns(statement: Statement, action: str) -> bool:
    if statement.other_actions:
        return not any(matches_action(pattern, action) for pattern in statement.other_actions)
    return any(matches_action(pattern, action) for pattern in statement.actions)


def _covers(statement: Statement, request: Request) -> bool:
    patterns = statement.other_resources or statement.resources
    if not patterns:
        return True
    if request.resource is None:
        if patterns == ("*",):
            return not statement.other_resources
        if statement.allows:
            return False
        reason = f"a Deny statement depends on the resource of {request.action}, which the stand-in cannot determine"
        raise PolicyError(reason)
    found = any(matches(one, request.resource, request.keys) for one in patterns)
    return found != bool(statement.other_resources)
