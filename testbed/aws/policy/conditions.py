"""Conditions of IAM policies: operators, and their result if the request lacks the condition key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Final

from testbed.aws.policy.matching import matches, matches_arn, resolve
from testbed.aws.policy.request import PolicyError

KEYS: Final = frozenset(
    {
        "aws:currenttime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:securetransport",
        "aws:sourceip",
        "aws:userid",
        "aws:username",
        "kms:calleraccount",
        "kms:encryptioncontext:aws:s3:arn",
        "kms:viaservice",
        "s3:delimiter",
        "s3:max-keys",
        "s3:prefix",
        "s3:signatureversion",
        "s3:tlsversion",
        "s3:versionid",
        "s3:x-amz-acl",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "sts:rolesessionname",
    }
)
"""The condition keys that the stand-in supplies whenever AWS does."""

_TAGS: Final = ("aws:principaltag/", "aws:requesttag/")
_CLAIM: Final = re.compile(r".+:(sub|aud|amr)")
Compare = Callable[[str, str, Mapping[str, str]], bool]


def _is_known(key: str) -> bool:
    return key in KEYS or key.startswith(_TAGS) or ("." in key and _CLAIM.fullmatch(key) is not None)


def _string(wanted: str, value: str, keys: Mapping[str, str]) -> bool:
    return resolve(wanted, keys) == value


def _any_case(wanted: str, value: str, keys: Mapping[str, str]) -> bool:
    return resolve(wanted, keys).lower() == value.lower()


def _boolean(wanted: str, value: str, _keys: Mapping[str, str]) -> bool:
    if wanted.lower() not in {"true", "false"}:
        raise PolicyError(f"the condition operator Bool needs the value true or false, not {wanted!r}")
    return wanted.lower() == value.lower()


def _address(wanted: str, value: str, _keys: Mapping[str, str]) -> bool:
    return ip_address(value) in ip_network(wanted)


def _numeric(compare: Callable[[float, float], bool]) -> Compare:
    return lambda wanted, value, _keys: compare(float(value), float(wanted))


def _date(compare: Callable[[datetime, datetime], bool]) -> Compare:
    return lambda wanted, value, _keys: compare(datetime.fromisoformat(value), datetime.fromisoformat(wanted))


_POSITIVE: Final[Mapping[str, Compare]] = {
    "StringEquals": _string,
    "StringEqualsIgnoreCase": _any_case,
    "StringLike": matches,
    "ArnEquals": matches_arn,
    "ArnLike": matches_arn,
    "Bool": _boolean,
    "IpAddress": _address,
    "NumericEquals": _numeric(lambda value, wanted: value == wanted),
    "NumericLessThan": _numeric(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _numeric(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _numeric(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _numeric(lambda value, wanted: value >= wanted),
    "DateLessThan": _date(lambda value, wanted: value < wanted),
    "DateGreaterThan": _date(lambda value, wanted: value > wanted),
}
_NEGATIVE: Final[Mapping[str, Compare]] = {
    "StringNotEquals": _string,
    "StringNotEqualsIgnoreCase": _any_case,
    "StringNotLike": matches,
    "ArnNotEquals": matches_arn,
    "ArnNotLike": matches_arn,
    "NotIpAddress": _address,
    "NumericNotEquals": _numeric(lambda value, wanted: value == wanted),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: an operator, a condition key, and the values to compare with."""

    operator: str
    key: str
    wanted: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse operators and keys that the stand-in does not know."""
        plain = self.operator.removesuffix("IfExists")
        if plain not in {*_POSITIVE, *_NEGATIVE} and self.operator != "Null":
            raise PolicyError(f"the stand-in does not know the condition operator {self.operator!r}")
        if not _is_known(self.key.lower()):
            raise PolicyError(f"the stand-in does not know the condition key {self.key!r}")

    def holds(self, keys: Mapping[str, str]) -> bool:
        """True if the request fulfils the condition."""
        value = keys.get(self.key.lower())
        if self.operator == "Null":
            return any(_boolean(wanted, str(value is None), keys) for wanted in self.wanted)
        plain = self.operator.removesuffix("IfExists")
        if value is None:
            return plain != self.operator or plain in _NEGATIVE
        if plain in _NEGATIVE:
            return not self._any(_NEGATIVE[plain], value, keys)
        return self._any(_POSITIVE[plain], value, keys)

    def _any(self, compare: Compare, value: str, keys: Mapping[str, str]) -> bool:
        return any(compare(wanted, value, keys) for wanted in self.wanted)
