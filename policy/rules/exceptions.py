"""Exceptions: resources that may break a rule, for a stated reason and until a date."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .resource import Resource

# The parameter that every rule has.
EXCEPTIONS = "exceptions"
SCHEMA: dict[str, Any] = {
    "type": "array",
    "description": "resources that may break the rule",
    "default": [],
    "items": {
        "type": "object",
        "description": "a resource, a reason and a date",
        "properties": {
            "resource": {
                "type": "string",
                # A pattern of wildcards alone would be a rule that is disabled without saying so.
                "pattern": "[A-Za-z0-9]",
                "description": "name of the Pulumi resource, or `type::name`; `*` stands for any part",
            },
            "reason": {
                "type": "string",
                "pattern": "\\S",
                "description": "why the resource may break the rule",
            },
            "until": {
                "type": "string",
                "format": "date",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                "description": "last day of the exception, as YYYY-MM-DD",
            },
        },
        "required": ["resource", "reason", "until"],
        "additionalProperties": False,
    },
}


@dataclass(frozen=True, slots=True)
class Exemption:
    """One exception of one rule."""

    resource: str
    reason: str
    until: dt.date

    def covers(self, resource: Resource) -> bool:
        """True if the exception names this resource, even if it has expired."""
        named = (resource.name, f"{resource.type}::{resource.name}")
        return any(fnmatchcase(text, self.resource) for text in named)


def read(listed: Sequence[Mapping[str, str]]) -> list[Exemption]:
    """The exceptions of a rule's configuration, which has no mistakes."""
    return [Exemption(one["resource"], one["reason"], dt.date.fromisoformat(one["until"])) for one in listed]


def remaining(violation: str, resource: Resource, exemptions: Sequence[Exemption]) -> str | None:
    """The violation to report: None if an exception covers the resource; expired exceptions are mentioned."""
    covering = [one for one in exemptions if one.covers(resource)]
    if not covering:
        return violation
    last = max(covering, key=lambda one: one.until)
    if last.until >= today():
        return None
    expired = f"the exception for this ({last.reason}) expired on {last.until}"
    return f"{violation}; {expired}: fix the violation, or renew the date"


def today() -> dt.date:
    """The date in UTC, so that an exception ends everywhere at once."""
    return dt.datetime.now(dt.UTC).date()
