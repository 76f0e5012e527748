"""Exceptions from scanners' rules, each with a reason, read from a file. One without a match is an error."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tools.scan.findings import Finding

FILE = Path(__file__).with_name("exceptions.yaml")
Scanner = Literal["checkov", "kube-score", "pod-security", "zizmor", "actionlint"]


class UnreadableError(Exception):
    """The file with exceptions has mistakes; the message lists them."""


class Exempt(BaseModel):
    """One exception: a rule, the objects that may break it, and the reason."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    scanner: Scanner
    rule: Annotated[str, Field(min_length=1)]
    objects: Annotated[list[Annotated[str, Field(pattern=r"[^*/]")]], Field(min_length=1)]
    """Targets; `*` stands for any part, but a pattern names something."""

    reason: Annotated[str, Field(min_length=20)]
    """Why the risk does not exist here, or who accepts it: a sentence that a reviewer can check."""

    until: date | None = None
    """Last day, in UTC."""

    def covers(self, finding: Finding, pattern: str) -> bool:
        """True if this rule and a pattern of `objects` are those of a finding."""
        return (self.scanner, self.rule) == (finding.scanner, finding.rule) and fnmatchcase(finding.target, pattern)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Findings, sorted by what has to be done about them."""

    open: Sequence[Finding]
    """Findings without an exception."""

    excepted: Sequence[tuple[Exempt, Sequence[Finding]]]
    """Each exception with the findings that it covers."""

    faults: Sequence[str]
    """Sentences about exceptions that have expired, or match nothing."""

    @property
    def passed(self) -> bool:
        """True if no finding is open and no exception is wrong."""
        return not (self.open or self.faults)


def read(file: Path = FILE) -> list[Exempt]:
    """The exceptions in a file.

    Raises:
        UnreadableError: the file is not a list of exceptions.
    """
    try:
        return TypeAdapter(list[Exempt]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or [])
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableError(f"{file.name} cannot be read: {error}") from None
    except ValidationError as error:
        said = (f"{file.name}: {'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors())
        raise UnreadableError("\n".join(said)) from None


def judge(findings: Iterable[Finding], exceptions: Sequence[Exempt], today: date, *, whole: bool) -> Judgement:
    """Sort findings by the exceptions; the first that covers a finding counts.

    `whole` says that everything was scanned, so that an exception which matches nothing is obsolete.
    """
    valid = [one for one in exceptions if one.until is None or today <= one.until]
    ended = [one for one in exceptions if one not in valid]
    through: dict[int, list[Finding]] = {index: [] for index in range(len(valid))}
    used: set[tuple[int, str]] = set()
    remaining: list[Finding] = []
    for finding in sorted(set(findings)):
        covering = [
            (index, pattern)
            for index, one in enumerate(valid)
            for pattern in one.objects
            if one.covers(finding, pattern)
        ]
        used.update(covering)
        if covering:
            through[covering[0][0]].append(finding)
        else:
            remaining.append(finding)
    faults = [f"the exception from {one.scanner} {one.rule} expired on {one.until}" for one in ended]
    if whole:
        faults += [
            f"the exception from {one.scanner} {one.rule} for {pattern} matches nothing: remove it"
            for index, one in enumerate(valid)
            for pattern in one.objects
            if (index, pattern) not in used
        ]
    return Judgement(
        open=remaining,
        excepted=[(one, through[index]) for index, one in enumerate(valid) if through[index]],
        faults=faults,
    )
