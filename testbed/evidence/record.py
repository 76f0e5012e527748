"""The record of passed rehearsals: one committed file, which only a passing rehearsal writes."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.evidence import inputs
from testbed.evidence.catalogue import Rehearsal

FILE = "testbed/evidence/record.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """A rehearsal that has passed."""

    date: str
    """Date in UTC, as YYYY-MM-DD."""

    seconds: int
    tests: int
    """Number of passed tests."""

    inputs: Mapping[str, str]
    """Digest of each input."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The decision to run or skip a rehearsal, with the reason."""

    rehearsal: Rehearsal
    passed: Pass | None
    """Its last pass."""

    changed: tuple[str, ...]
    """Inputs that have changed since."""

    @property
    def due(self) -> bool:
        """True if it has to run."""
        return self.passed is None or bool(self.changed)

    def __str__(self) -> str:
        if self.passed is None:
            return f"{self.rehearsal.name}: runs, because it has never passed"
        if self.changed:
            shown = ", ".join(self.changed)
            return f"{self.rehearsal.name}: runs, because of changes since its pass of {self.passed.date}: {shown}"
        return (
            f"{self.rehearsal.name}: taken from the record: its {self.passed.tests} tests passed on {self.passed.date}"
            f" in {self.passed.seconds} s, and none of its {len(self.passed.inputs)} inputs has changed"
        )


def read(checkout: Path) -> dict[str, Pass]:
    """The recorded passes by the rehearsal's name; empty without a record."""
    file = checkout / FILE
    if not file.exists():
        return {}
    return {name: Pass(**entry) for name, entry in json.loads(file.read_text(encoding="utf-8")).items()}


def write(checkout: Path, rehearsal: Rehearsal, *, seconds: float, tests: int, digests: Mapping[str, str]) -> None:
    """Record a pass; `digests` are those of the inputs before it ran."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    passed = Pass(date=today, seconds=round(seconds), tests=tests, inputs=dict(digests))
    entries = read(checkout) | {rehearsal.name: passed}
    text = json.dumps({name: _plain(entries[name]) for name in sorted(entries)}, indent=2)
    file = checkout / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_suffix(".new")
    written.write_text(f"{text}\n", encoding="utf-8")
    written.replace(file)


def judge(checkout: Path, rehearsal: Rehearsal, passed: Pass | None) -> Verdict:
    """Compare a rehearsal's inputs with those of its last pass."""
    now = inputs.digests(checkout, rehearsal)
    changed = () if passed is None else tuple(inputs.changes(passed.inputs, now))
    return Verdict(rehearsal=rehearsal, passed=passed, changed=changed)


def _plain(entry: Pass) -> dict[str, object]:
    return {"date": entry.date, "seconds": entry.seconds, "tests": entry.tests, "inputs": dict(entry.inputs)}
