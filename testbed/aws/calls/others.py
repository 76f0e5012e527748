"""Calls to AWS services other than S3, and the permissions they need.

The action is read from the request. The resource is determined where a policy of this project could name one;
elsewhere it is unknown, and then only `"Resource": "*"` allows the call.
"""

from __future__ import annotations

import json
from typing import Final, cast

from testbed.aws.calls.call import Call
from testbed.aws.calls.permission import Permission, UnknownCallError
from testbed.aws.moto_state import storage

_REST: Final = frozenset({"eks"})
_KEY_ACTIONS: Final = frozenset(
    {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GetKeyPolicy",
        "kms:ScheduleKeyDeletion",
    }
)
ANYBODY: Final = frozenset({"sts:GetCallerIdentity"})
"""Actions that every caller except an anonymous one may use without a permission."""


def operation(call: Call) -> str:
    """Return the name of the API operation, for example `CreateUser`."""
    if "x-amz-target" in call.headers:
        return call.headers["x-amz-target"].rsplit(".", 1)[-1]
    action = call.form.get("Action") or call.query.get("Action")
    if not action:
        raise UnknownCallError(f"the stand-in does not know the call {call.method} {call.path} of {call.service}")
    return action


def arguments(call: Call) -> dict[str, object]:
    """Return the top-level arguments of the request."""
    if "x-amz-target" in call.headers:
        return cast("dict[str, object]", json.loads(call.body or b"{}"))
    return {**call.query, **call.form}


def permissions(call: Call) -> list[Permission]:
    """Return the permissions that a request needs."""
    if call.service in _REST and not call.form:
        # A REST API: its requests have no operation names. Only the administrator uses it here, so the action's name
        # does not have to be exact.
        return [Permission(action=f"{call.service}:{call.method}{call.path.replace('/', '-')}", resource=None)]
    action = f"{call.service}:{operation(call)}"
    given = arguments(call)
    if call.service == "secretsmanager" and "SecretId" in given:
        return _secret(action, str(given["SecretId"]), call.region)
    if action in _KEY_ACTIONS and "KeyId" in given:
        arn = storage.key_arn(str(given["KeyId"]), call.region)
        return [Permission(action=action, resource=arn, guard="key" if arn else "none", guarded=arn or "")]
    if action in {"sts:AssumeRole", "sts:TagSession"}:
        role = str(given.get("RoleArn"))
        return [Permission(action=action, resource=role, guard="role", guarded=role)]
    return [Permission(action=action, resource=None)]


def _secret(action: str, name: str, region: str) -> list[Permission]:
    found = storage.secret(name, region)
    if found is None:
        # As in AWS, the policies are evaluated even if the secret does not exist.
        return [Permission(action=action, resource=name if name.startswith("arn:") else None)]
    needed = [Permission(action=action, resource=found.arn)]
    if action in {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"} and found.key:
        key = storage.key_arn(found.key, region)
        if key is not None:
            use = "kms:Decrypt" if action.endswith("GetSecretValue") else "kms:GenerateDataKey"
            keys = {"kms:viaservice": f"secretsmanager.{region}.amazonaws.com"}
            needed.append(Permission(action=use, resource=key, guard="key", guarded=key, keys=keys))
    return needed
