"""Authorization of one request: its principal, the permissions it needs, and the verdict of the policies on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from testbed.aws.calls import encryption, others, s3
from testbed.aws.calls.call import Call
from testbed.aws.calls.permission import Permission
from testbed.aws.log import ActionLog, Entry
from testbed.aws.moto_state import iam, storage
from testbed.aws.policy.document import resource_policy, trust_policy
from testbed.aws.policy.evaluate import Statements, evaluate, evaluate_consenting
from testbed.aws.policy.request import Request, Verdict
from testbed.aws.principals import ACCOUNT, ANONYMOUS, Principal
from testbed.aws.signature import check
from testbed.aws.validity import is_public


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one permission."""

    permission: Permission
    verdict: Verdict


def principal_of(call: Call, now: datetime) -> Principal:
    """Return the principal that signed a request, `ANONYMOUS` for an unsigned one.

    Raises:
        RefusedError: the signature is wrong.
    """
    credential = call.credential
    if credential is None:
        return ANONYMOUS
    return check(call, credential, iam.access_key(credential.key), now).principal


def decisions(call: Call, principal: Principal, now: datetime, log: ActionLog) -> list[Decision]:
    """Decide on every permission that a request needs, and log the decisions."""
    needed = (
        [*s3.permissions(call), *encryption.permissions(call)] if call.service == "s3" else others.permissions(call)
    )
    found = [Decision(permission, verdict(call, principal, permission, now)) for permission in needed]
    for one in found:
        log.add(
            Entry(
                caller=principal.arn,
                action=one.permission.action,
                resource=one.permission.resource or "unknown",
                verdict=one.verdict,
                secure=call.secure,
            )
        )
    return found


def verdict(call: Call, principal: Principal, permission: Permission, now: datetime) -> Verdict:
    """Evaluate the policies for one permission."""
    if permission.action in others.ANYBODY and principal is not ANONYMOUS:
        return Verdict.ALLOW
    request = Request(
        action=permission.action,
        resource=permission.resource,
        caller=principal.caller,
        keys={**principal.keys, **_context(call, now), **permission.keys},
    )
    policies = principal.with_resource(_resource_policy(permission))
    if permission.guard in {"key", "role"}:
        return evaluate_consenting(request, policies)
    if permission.guard == "bucket" and principal is ANONYMOUS and _is_restricted(permission.guarded):
        return Verdict.IMPLICIT_DENY
    return evaluate(request, policies)


def _context(call: Call, now: datetime) -> Mapping[str, str]:
    return {
        "aws:securetransport": str(call.secure).lower(),
        "aws:sourceip": call.address,
        "aws:currenttime": now.isoformat(),
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "kms:calleraccount": ACCOUNT,
    }


def _resource_policy(permission: Permission) -> Statements:
    if permission.guard == "bucket":
        written = storage.bucket_policy(permission.guarded)
        return resource_policy(written) if written else ()
    if permission.guard == "key":
        return resource_policy(storage.key_policy(permission.guarded))
    if permission.guard == "role":
        written = iam.trust(permission.guarded)
        return trust_policy(written) if written else ()
    return ()


def _is_restricted(bucket: str) -> bool:
    written = storage.bucket_policy(bucket)
    public = written is not None and any(is_public(statement) for statement in resource_policy(written))
    return public and "restrict_public_buckets" in storage.public_access_block(bucket)
