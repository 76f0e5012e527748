"""Checks that AWS makes and moto does not: of policies (syntax, length, public access) and access control lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from testbed.aws.calls import others, s3
from testbed.aws.calls.call import Call
from testbed.aws.moto_state import iam, storage
from testbed.aws.policy.document import Statement, identity_policy, resource_policy, trust_policy
from testbed.aws.policy.request import PolicyError
from testbed.aws.refusals import RefusedError

_READERS: Final[Mapping[str, tuple[str, Callable[[str], tuple[Statement, ...]]]]] = {
    "PutUserPolicy": ("PolicyDocument", identity_policy),
    "PutRolePolicy": ("PolicyDocument", identity_policy),
    "PutGroupPolicy": ("PolicyDocument", identity_policy),
    "CreatePolicy": ("PolicyDocument", identity_policy),
    "CreatePolicyVersion": ("PolicyDocument", identity_policy),
    "CreateRole": ("AssumeRolePolicyDocument", trust_policy),
    "UpdateAssumeRolePolicy": ("PolicyDocument", trust_policy),
}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space does not count.
_LONGEST: Final = {"PutUserPolicy": 2048, "PutGroupPolicy": 5120, "PutRolePolicy": 10240, "CreatePolicy": 6144}


def check(call: Call) -> None:
    """Raise `RefusedError` if AWS would refuse the request because of its content."""
    if call.service == "s3":
        _bucket(call)
    elif call.service == "iam":
        _identity(call)
    elif call.service == "kms" and others.operation(call) in {"CreateKey", "PutKeyPolicy"}:
        written = others.arguments(call).get("Policy")
        if isinstance(written, str):
            _read(resource_policy, written, "MalformedPolicyDocumentException")


def _read(reader: Callable[[str], tuple[Statement, ...]], text: str, code: str) -> tuple[Statement, ...]:
    try:
        return reader(text)
    except PolicyError as error:
        raise RefusedError(code, str(error)) from error


def _identity(call: Call) -> None:
    operation = others.operation(call)
    if operation not in _READERS:
        return
    field, reader = _READERS[operation]
    text = call.form.get(field, "")
    _read(reader, text, "MalformedPolicyDocument")
    others_of_user = _other_policies(call) if operation == "PutUserPolicy" else []
    size = sum(len("".join(one.split())) for one in (text, *others_of_user))
    if size > _LONGEST.get(operation, size):
        raise RefusedError("LimitExceeded", f"Maximum policy size of {_LONGEST[operation]} bytes exceeded: {size}")


def _other_policies(call: Call) -> list[str]:
    # The limit applies to all inline policies of a user together.
    user, name = call.form.get("UserName", ""), call.form.get("PolicyName", "")
    return [text for other, text in iam.inline_policies(user).items() if other != name]


def _bucket(call: Call) -> None:
    where = s3.place(call)
    sets_acl = "acl" in call.query and call.method == "PUT"
    sets_acl = sets_acl or call.headers.get("x-amz-acl", "bucket-owner-full-control") != "bucket-owner-full-control"
    if sets_acl and storage.owner_enforced(where.bucket):
        raise RefusedError("AccessControlListNotSupported", "The bucket does not allow ACLs")
    if not where.key and call.method == "PUT" and "policy" in call.query:
        statements = _read(resource_policy, call.body.decode(), "MalformedPolicy")
        for statement in statements:
            _principals_exist(statement)
        blocks = storage.public_access_block(where.bucket)
        if "block_public_policy" in blocks and any(is_public(statement) for statement in statements):
            raise RefusedError("AccessDenied", "public policies are blocked by the BlockPublicPolicy setting")


def _principals_exist(statement: Statement) -> None:
    names = (statement.principals or {}).get("AWS", ())
    unknown = [name for name in names if ":user/" in name or ":role/" in name]
    unknown = [name for name in unknown if not iam.exists(name)]
    if unknown:
        raise RefusedError("MalformedPolicy", f"Invalid principal in policy: {json.dumps(unknown)}")


def is_public(statement: Statement) -> bool:
    """True if a statement grants something to everybody. Ignores conditions, and so is stricter than AWS."""
    return statement.allows and "*" in (statement.principals or {}).get("AWS", ())
