"""Patterns in policies: wildcards and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from testbed.aws.policy.request import PolicyError

_TOKEN: Final = re.compile(r"\$\{(?P<variable>[^}]*)\}|(?P<many>\*)|(?P<one>\?)|(?P<text>.)", re.DOTALL)
_VARIABLE: Final = re.compile(r"(?P<key>[^,\s]+)(?:\s*,\s*'(?P<default>[^']*)')?\s*")
_LITERALS: Final = frozenset("*?$")
ARN_PARTS: Final = 6


class UnresolvedVariableError(Exception):
    """The request has no value for a variable of the pattern."""


def matches(pattern: str, value: str, keys: Mapping[str, str]) -> bool:
    """True if a value matches a pattern; wildcards in a variable's value are plain characters."""
    return re.fullmatch(_regular(pattern, keys), value, re.DOTALL) is not None


def matches_action(pattern: str, action: str) -> bool:
    """True if an action matches a pattern; case is ignored, and variables are not supported."""
    return matches(pattern.lower(), action.lower(), {})


def matches_arn(pattern: str, value: str, keys: Mapping[str, str]) -> bool:
    """True if an ARN matches a pattern, compared part by part: a wildcard matches a colon only in the last part."""
    patterns, values = _parts(pattern), value.split(":", ARN_PARTS - 1)
    if len(patterns) != ARN_PARTS:
        raise PolicyError(f"{pattern!r} is not an ARN: it needs {ARN_PARTS} parts with colons between them")
    return len(values) == ARN_PARTS and all(
        matches(one, other, keys) for one, other in zip(patterns, values, strict=True)
    )


def resolve(text: str, keys: Mapping[str, str]) -> str:
    """Replace the variables in a string that is not a pattern: `*` and `?` stay as they are."""
    return "".join(
        _value(found["variable"], keys) if found["variable"] is not None else found[0]
        for found in _TOKEN.finditer(text)
    )


def _parts(pattern: str) -> list[str]:
    # The colon in ${aws:username} does not separate parts.
    hidden = re.sub(r"\$\{[^}]*\}", lambda found: found[0].replace(":", "\0"), pattern)
    return [part.replace("\0", ":") for part in hidden.split(":", ARN_PARTS - 1)]


def _regular(pattern: str, keys: Mapping[str, str]) -> str:
    made: list[str] = []
    for found in _TOKEN.finditer(pattern):
        if found["variable"] is not None:
            made.append(re.escape(_value(found["variable"], keys)))
        else:
            made.append(".*" if found["many"] else "." if found["one"] else re.escape(found["text"]))
    return "".join(made)


def _value(variable: str, keys: Mapping[str, str]) -> str:
    if variable in _LITERALS:
        return variable
    found = _VARIABLE.fullmatch(variable)
    if found is None:
        raise PolicyError(f"the stand-in cannot read the policy variable ${{{variable}}}")
    default: str | None = found.groupdict()["default"]
    value = keys.get(found["key"].lower(), default)
    if value is None:
        raise UnresolvedVariableError(variable)
    return value
