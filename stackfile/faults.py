"""What a fault is, and how it is told without showing what may be a password."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST_SHOWN = 60
# Keys like password, clientSecret, api-key, accessKeyId; not keycloak.
_SOUNDS_SECRET = re.compile(r"(?i:passw|passphrase|secret|token|credential)|\b[kK]ey\b|_key|[a-z]Key")
# URLs with a user or a query, an address with something behind a colon, assignments as in connection strings.
_MAY_HOLD_PASSWORD = re.compile(
    r"PRIVATE KEY|:.*@|@.*:|\?|(?:passw|secret|token|key|credential)\w*(?:\s*=|:\s)", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake."""

    path: str
    """Key path without the project's prefix, as `pulumi config set --path` takes it."""

    problem: str
    """What was found and what was expected."""

    remedy: str

    def __str__(self) -> str:
        """One line of the report."""
        return f"{self.path}: {self.problem}; {self.remedy}"


def report(found: Sequence[Fault], file: str) -> str:
    """All faults of a file as one message."""
    count = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
    return "\n".join(
        [f"{count} in {file} (docs/configuration.md lists every key)", *(f"  - {fault}" for fault in found)]
    )


def path_of(steps: Sequence[str | int]) -> str:
    """A key path; names that are not plain words stand in brackets."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not path:
            path = step
        elif re.fullmatch(r"[\w-]+", step):
            path += f".{step}"
        else:
            # What follows a colon may have been meant as the value.
            name, colon, _ = step.partition(":")
            path += f'["{name}{":..." if colon else ""}"]'
    return path


def sounds_secret(key: str) -> bool:
    """Whether a key lets one expect a secret below it."""
    return _SOUNDS_SECRET.search(key) is not None


def shown(value: object) -> str:
    """A value as a message may show it: never what is in a section or a list, nor text that may hold a password."""
    match value:
        case None:
            return "nothing"
        case Mapping():
            return "keys"
        case list():
            return "a list"
        case str() if _MAY_HOLD_PASSWORD.search(value):
            return "a text that may hold a password"
        case _:
            text = json.dumps(value, ensure_ascii=False, default=str)
            return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
