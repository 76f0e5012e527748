"""The record of passed rehearsals: one committed file, written only when a rehearsal passes."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.evidence import deployments, inputs
from testbed.evidence.catalogue import Rehearsal

FILE = "testbed/evidence/record.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """The last time that a rehearsal passed: one entry of the record."""

    date: str
    """Date in UTC, as YYYY-MM-DD."""

    seconds: int
    tests: int
    """Number of passed tests."""

    inputs: Mapping[str, str]
    """Digest of each input, by the input's name."""

    deployments: Mapping[str, str]
    """Digest of each deployment that the rehearsal's tests made, by the replaced keys of `dev` as JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The decision to run or skip a rehearsal, with the reason."""

    rehearsal: Rehearsal
    passed: Pass | None
    """The rehearsal's last pass; None if it has never passed."""

    changed: tuple[str, ...]
    """Inputs and deployments that have changed since the last pass; empty if nothing changed or no pass is recorded."""

    @property
    def due(self) -> bool:
        """True if the rehearsal has to run."""
        return self.passed is None or bool(self.changed)

    def __str__(self) -> str:
        if self.passed is None:
            return f"{self.rehearsal.name}: runs, because it has never passed"
        if self.changed:
            shown = ", ".join(self.changed)
            return f"{self.rehearsal.name}: runs, because inputs changed since its pass on {self.passed.date}: {shown}"
        return (
            f"{self.rehearsal.name}: taken from the record: its {self.passed.tests} tests passed on {self.passed.date}"
            f" in {self.passed.seconds} s; its {len(self.passed.inputs)} inputs and {len(self.passed.deployments)}"
            " deployments are the same"
        )


def read(checkout: Path) -> dict[str, Pass]:
    """Return the recorded passes, by name of the rehearsal; empty if the record does not exist."""
    file = checkout / FILE
    if not file.exists():
        return {}
    return {name: Pass(**entry) for name, entry in json.loads(file.read_text(encoding="utf-8")).items()}


def today() -> str:
    """The date in UTC, as YYYY-MM-DD."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


def write(checkout: Path, rehearsal: Rehearsal, passed: Pass) -> None:
    """Record a pass of a rehearsal."""
    entries = read(checkout) | {rehearsal.name: passed}
    text = json.dumps({name: asdict(entries[name]) for name in sorted(entries)}, indent=2)
    file = checkout / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_suffix(".new")
    written.write_text(f"{text}\n", encoding="utf-8")
    written.replace(file)


def judge(checkout: Path, rehearsal: Rehearsal, passed: Pass | None) -> Verdict:
    """Decide whether a rehearsal is due, by comparing its inputs and deployments with those of its last pass."""
    if passed is None:
        return Verdict(rehearsal=rehearsal, passed=None, changed=())
    changed = inputs.changes(passed.inputs, inputs.digests(checkout, rehearsal))
    if not changed:
        # Only then, because the program runs for each of them.
        others = [one for one, digest in passed.deployments.items() if deployments.digest(one) != digest]
        changed = [deployments.name(one) for one in others]
    return Verdict(rehearsal=rehearsal, passed=passed, changed=tuple(changed))
