"""Requests to every other service, and the actions they need.

The services' own names are AWS's, so an action is read off the request. A resource is named where a policy of this
project could name one; elsewhere it is unknown, and then only `"Resource": "*"` allows.
"""

from __future__ import annotations

import json
from typing import Final, cast

from testbed.aws.calls.ask import Ask, UnknownCallError
from testbed.aws.calls.call import Call
from testbed.aws.kept import storage

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
"""Needs no permission at all."""


def operation(call: Call) -> str:
    """Return the name of the operation, like `CreateUser`."""
    if "x-amz-target" in call.headers:
        return call.headers["x-amz-target"].rsplit(".", 1)[-1]
    action = call.form.get("Action") or call.query.get("Action")
    if not action:
        raise UnknownCallError(f"{call.method} {call.path} of {call.service}")
    return action


def arguments(call: Call) -> dict[str, object]:
    """Return the top-level arguments of the request."""
    if "x-amz-target" in call.headers:
        return cast("dict[str, object]", json.loads(call.body or b"{}"))
    return {**call.query, **call.form}


def asks(call: Call) -> list[Ask]:
    """Name the actions of a request."""
    if call.service in _REST and not call.form:
        # Its operations are paths; nobody but the administrator needs one here.
        return [Ask(action=f"{call.service}:{call.method}{call.path.replace('/', '-')}", resource=None)]
    action = f"{call.service}:{operation(call)}"
    given = arguments(call)
    if call.service == "secretsmanager" and "SecretId" in given:
        return _secret(action, str(given["SecretId"]), call.region)
    if action in _KEY_ACTIONS and "KeyId" in given:
        arn = storage.key_arn(str(given["KeyId"]), call.region)
        return [Ask(action=action, resource=arn, guard="key" if arn else "none", guarded=arn or "")]
    if action in {"sts:AssumeRole", "sts:TagSession"}:
        return [Ask(action=action, resource=str(given.get("RoleArn")), guard="role", guarded=str(given.get("RoleArn")))]
    return [Ask(action=action, resource=None)]


def _secret(action: str, name: str, region: str) -> list[Ask]:
    found = storage.secret(name, region)
    if found is None:
        # AWS, too, judges a name before it looks whether there is such a secret.
        return [Ask(action=action, resource=name if name.startswith("arn:") else None)]
    asked = [Ask(action=action, resource=found.arn)]
    if action in {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"} and found.key:
        key = storage.key_arn(found.key, region)
        if key is not None:
            use = "kms:Decrypt" if action.endswith("GetSecretValue") else "kms:GenerateDataKey"
            keys = {"kms:viaservice": f"secretsmanager.{region}.amazonaws.com"}
            asked.append(Ask(action=use, resource=key, guard="key", guarded=key, keys=keys))
    return asked
