"""Mistakes in a stack file, and their report, which never shows a value that may be a password."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

LONGEST_SHOWN = 60
# Keys like password, clientSecret, api-key, accessKeyId; not keycloak.
_SOUNDS_SECRET = re.compile(r"(?i:passw|passphrase|secret|token|credential)|\b[kK]ey\b|_key|[a-z]Key")
# URLs with a user or a query, an e-mail address followed by a colon, assignments as in connection strings.
_MAY_HOLD_PASSWORD = re.compile(
    r"PRIVATE KEY|:.*@|@.*:|\?|(?:passw|secret|token|key|credential)\w*(?:\s*=|:\s)", re.DOTALL | re.IGNORECASE
)

# The end of a path, as `path_of` writes it.
_LAST_STEP = re.compile(r'(?:^|\.)[^.\[\]]+$|\[(?:[0-9]+|"[^"]*")\]$|.$', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a stack file, or one warning about it."""

    path: str
    """Path of the key without the project's prefix, as for `pulumi config set --path`."""

    problem: str
    """Description of the mistake, such as the value found and the value expected."""

    remedy: str

    def __str__(self) -> str:
        """One line of the report."""
        return f"{self.path}: {self.problem}; {self.remedy}"


def report(faults: Sequence[Fault], file: str, lines: Mapping[str, int] = MappingProxyType({})) -> str:
    """All mistakes in a file as one message; `lines` maps the path of each key to its line, or is empty."""
    count = "1 mistake" if len(faults) == 1 else f"{len(faults)} mistakes"
    return "\n".join(
        [
            f"{count} in {file} (docs/configuration.md lists every key)",
            *(f"  - {located(fault, file, lines)}" for fault in faults),
        ]
    )


def located(fault: Fault, file: str, lines: Mapping[str, int]) -> str:
    """The fault in one line, which begins with `<file>:<line>: ` if the line is known."""
    line = line_of(fault, lines)
    return str(fault) if line is None else f"{file}:{line}: {fault}"


def line_of(fault: Fault, lines: Mapping[str, int]) -> int | None:
    """Line of the fault's key; if the file lacks the key, line of the nearest section around it."""
    path = fault.path
    while path and path not in lines:
        path = _LAST_STEP.sub("", path)
    return lines.get(path)


def setting(values: Mapping[str, str | int]) -> str:
    """The remedy that sets one or more keys together, like `set server.replicas 1`."""
    return "set " + " and ".join(f"{path} {json.dumps(value)}" for path, value in values.items())


def either(ways: Iterable[str]) -> str:
    """Alternative remedies as one, joined by `or`."""
    return ", or ".join(ways)


def path_of(steps: Sequence[str | int]) -> str:
    """A key path in one string; names with characters other than letters, digits, `_` and `-` are in brackets."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not path:
            path = step
        elif re.fullmatch(r"[\w-]+", step):
            path += f".{step}"
        else:
            # The text after a colon may be a value, even a secret one.
            name, colon, _ = step.partition(":")
            path += f'["{name}{":..." if colon else ""}"]'
    return path


def sounds_secret(key: str) -> bool:
    """True if the name of a key suggests a secret value."""
    return _SOUNDS_SECRET.search(key) is not None


def may_hold_password(text: str) -> bool:
    """True if a text looks as if it contains a password, such as a URL with one."""
    return _MAY_HOLD_PASSWORD.search(text) is not None


def shown(value: object) -> str:
    """Text that shows a value in messages, without the content of mappings, lists, and strings that may be secret."""
    match value:
        case None:
            return "nothing"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case str() if may_hold_password(value):
            return "a string that may contain a password"
        case _:
            text = json.dumps(value, ensure_ascii=False, default=str)
            return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
