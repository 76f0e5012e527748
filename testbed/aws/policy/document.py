"""Policy documents: JSON parsed into statements. An element that the stand-in does not know is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from testbed.aws.policy.conditions import Condition
from testbed.aws.policy.matching import ARN_PARTS
from testbed.aws.policy.request import PolicyError

VARIABLES_SINCE: Final = "2012-10-17"
_VERSIONS: Final = frozenset({"2008-10-17", VARIABLES_SINCE})
_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"}
)
_PRINCIPALS: Final = frozenset({"AWS", "Federated", "Service"})
_ACTION: Final = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement of a policy. The fields `other_...` hold the elements NotAction and NotResource."""

    allows: bool
    actions: tuple[str, ...] = ()
    other_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    other_resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] | None = None
    conditions: tuple[Condition, ...] = ()


def identity_policy(text: str) -> tuple[Statement, ...]:
    """Parse a policy of a user, a role or a group."""
    statements = _statements(text)
    for statement in statements:
        _refuse_unless(statement.principals is None, "an identity policy must not have a Principal")
        _refuse_unless(bool(statement.resources or statement.other_resources), "a statement needs a Resource")
    return statements


def resource_policy(text: str) -> tuple[Statement, ...]:
    """Parse a policy of a bucket or a KMS key."""
    statements = trust_policy(text)
    for statement in statements:
        _refuse_unless(bool(statement.resources or statement.other_resources), "a statement needs a Resource")
    return statements


def trust_policy(text: str) -> tuple[Statement, ...]:
    """Parse a role's trust policy. It needs no Resource: the resource is the role."""
    statements = _statements(text)
    for statement in statements:
        _refuse_unless(statement.principals is not None, "a statement of a resource policy needs a Principal")
    return statements


def _refuse_unless(fine: bool, reason: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not fine:
        raise PolicyError(reason)


def _statements(text: str) -> tuple[Statement, ...]:
    try:
        document: object = json.loads(text)
    except ValueError as error:
        raise PolicyError(f"the policy is not JSON: {error}") from error
    found = _object(document, "policy")
    known = found.keys() <= {"Version", "Id", "Statement"}
    _refuse_unless(known, f"a policy may have only the elements Version, Id and Statement; this has {sorted(found)}")
    version = found.get("Version", "2008-10-17")
    _refuse_unless(version in _VERSIONS, f"unknown policy version {version!r}")
    written = found.get("Statement")
    items = cast("list[object]", written) if isinstance(written, list) else [written]
    # An older version does not replace variables, so that a variable in it is a mistake.
    _refuse_unless(version == VARIABLES_SINCE or "${" not in text, f"policy variables need Version {VARIABLES_SINCE}")
    return tuple(_statement(_object(item, "Statement")) for item in items)


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise PolicyError(f"{what} has to be a JSON object, not {value!r}")
    return cast("dict[str, object]", value)


def _texts(value: object, what: str) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    # AWS treats `true` and 3600 like the strings "true" and "3600".
    texts = [str(item).lower() if isinstance(item, bool | int) else item for item in items]
    if not texts or not all(isinstance(item, str) for item in texts):
        raise PolicyError(f"{what} has to be a string or a list of strings, not {value!r}")
    return tuple(cast("list[str]", texts))


def _statement(written: dict[str, object]) -> Statement:
    unknown = sorted(written.keys() - _ELEMENTS)
    _refuse_unless(not unknown, f"the stand-in does not know these elements of a statement: {unknown}")
    _refuse_unless(written.get("Effect") in {"Allow", "Deny"}, f"Effect has to be Allow or Deny: {written}")
    one_kind = ("Action" in written) != ("NotAction" in written)
    _refuse_unless(one_kind, f"a statement needs either Action or NotAction: {written}")
    both = {"Resource", "NotResource"} <= written.keys()
    _refuse_unless(not both, f"a statement must not have both Resource and NotResource: {written}")
    each = {name: _texts(written[name], name) for name in _ELEMENTS & written.keys() - {"Principal", "Condition"}}
    for action in (*each.get("Action", ()), *each.get("NotAction", ())):
        _refuse_unless(_ACTION.fullmatch(action) is not None, f"{action!r} is not an action")
    for resource in (*each.get("Resource", ()), *each.get("NotResource", ())):
        # AWS also lets a wildcard stand for several parts of an ARN; that is not supported here.
        is_arn = resource.startswith("arn:") and len(resource.split(":", ARN_PARTS - 1)) == ARN_PARTS
        _refuse_unless(resource == "*" or is_arn, f"{resource!r} is not an ARN")
    return Statement(
        allows=written["Effect"] == "Allow",
        actions=each.get("Action", ()),
        other_actions=each.get("NotAction", ()),
        resources=each.get("Resource", ()),
        other_resources=each.get("NotResource", ()),
        principals=_principals(written["Principal"]) if "Principal" in written else None,
        conditions=_conditions(written.get("Condition", {})),
    )


def _principals(written: object) -> Mapping[str, tuple[str, ...]]:
    if written == "*":
        return {"AWS": ("*",)}
    found = {kind: _texts(value, kind) for kind, value in _object(written, "Principal").items()}
    _refuse_unless(found.keys() <= _PRINCIPALS, f"the stand-in supports only the Principals {sorted(_PRINCIPALS)}")
    for name in (name for names in found.values() for name in names):
        _refuse_unless(name == "*" or "*" not in name, f"a Principal must not contain a wildcard: {name!r}")
    return found


def _conditions(written: object) -> tuple[Condition, ...]:
    return tuple(
        Condition(operator, key, _texts(wanted, key))
        for operator, block in _object(written, "Condition").items()
        for key, wanted in _object(block, operator).items()
    )
