"""What becomes of one request: who asks, for which actions, and what the policies say about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from testbed.aws.calls import encryption, others, s3
from testbed.aws.calls.ask import Ask
from testbed.aws.calls.call import Call
from testbed.aws.identity import ACCOUNT, ANONYMOUS, Identity
from testbed.aws.kept import identities, storage
from testbed.aws.log import ActionLog, Entry
from testbed.aws.policy.document import resource_policy, trust_policy
from testbed.aws.policy.evaluate import Statements, judge, judge_guarded
from testbed.aws.policy.request import Request, Verdict
from testbed.aws.signature import check
from testbed.aws.validity import is_public


@dataclass(frozen=True, slots=True)
class Judged:
    """One action, and what the policies say about it."""

    ask: Ask
    verdict: Verdict


def identity_of(call: Call, now: datetime) -> Identity:
    """Find out who asks; a wrong signature is an error."""
    credential = call.credential
    if credential is None:
        return ANONYMOUS
    return check(call, credential, identities.access_key(credential.key), now).identity


def judged(call: Call, identity: Identity, now: datetime, log: ActionLog) -> list[Judged]:
    """Judge every action of a request."""
    asked = [*s3.asks(call), *encryption.asks(call)] if call.service == "s3" else others.asks(call)
    found: list[Judged] = []
    for ask in asked:
        one = Judged(ask, verdict(call, identity, ask, now))
        found.append(one)
        resource = ask.resource or "unknown"
        entry = Entry(
            caller=identity.arn, action=ask.action, resource=resource, verdict=one.verdict, secure=call.secure
        )
        log.add(entry)
    return found


def verdict(call: Call, identity: Identity, ask: Ask, now: datetime) -> Verdict:
    """Judge one action."""
    if ask.action in others.ANYBODY and identity is not ANONYMOUS:
        return Verdict.ALLOW
    request = Request(
        action=ask.action,
        resource=ask.resource,
        caller=identity.caller,
        keys={**identity.keys, **_context(call, now), **ask.keys},
    )
    policies = identity.with_resource(_guard(ask))
    if ask.guard in {"key", "role"}:
        return judge_guarded(request, policies)
    if ask.guard == "bucket" and identity is ANONYMOUS and _is_restricted(ask.guarded):
        return Verdict.IMPLICIT_DENY
    return judge(request, policies)


def _context(call: Call, now: datetime) -> Mapping[str, str]:
    return {
        "aws:securetransport": str(call.secure).lower(),
        "aws:sourceip": call.address,
        "aws:currenttime": now.isoformat(),
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "kms:calleraccount": ACCOUNT,
    }


def _guard(ask: Ask) -> Statements:
    if ask.guard == "bucket":
        written = storage.bucket_policy(ask.guarded)
        return resource_policy(written) if written else ()
    if ask.guard == "key":
        return resource_policy(storage.key_policy(ask.guarded))
    if ask.guard == "role":
        written = identities.trust(ask.guarded)
        return trust_policy(written) if written else ()
    return ()


_RESTRICT: Final = "restrict_public_buckets"


def _is_restricted(bucket: str) -> bool:
    written = storage.bucket_policy(bucket)
    public = written is not None and any(is_public(statement) for statement in resource_policy(written))
    return public and _RESTRICT in storage.public_access_block(bucket)
