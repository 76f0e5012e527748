"""Runs the end-to-end tests: `python -m testbed.evidence --help`.

Acceptance tests run each time. Rehearsals run when an input has changed since their recorded pass, or on request.
The `dev` stack is deployed first, and every part of a run restores the committed configuration of `dev`.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.evidence import deployments, inputs, notes, record
from testbed.evidence.catalogue import ACCEPTANCE, REHEARSALS, Rehearsal
from testbed.paths import CHECKOUT

PYTHON = ".venv/bin/python"
UP = ("tools/up", "dev", "")
IMAGES = (PYTHON, "-m", "testbed", "rehearsal-images")
PROGRAMS = (PYTHON, "-m", "testbed", "programs")
EXEC = (PYTHON, "-m", "testbed", "exec", "--")
SELECT = (*EXEC, "pulumi", "stack", "select", "dev", "--non-interactive")
PYTEST = (*EXEC, ".venv/bin/pytest", "-q", "--durations=8", "--durations-min=5")
MINUTE = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One step of a run, which is one row of the summary."""

    name: str
    result: str
    seconds: float
    failed: bool = False
    whole: bool = True
    """False if some tests of the part did not run."""


@dataclass(slots=True)
class Evidence:
    """One run of tests, with the result of each part."""

    parts: list[Part]
    options: Sequence[str] = ()
    """Additional arguments for pytest."""

    def deploy(self, reason: str) -> bool:
        """Deploy the `dev` stack, which also undoes changes that a killed run has left; returns True on success."""
        return self._command(reason, UP, {"REFRESH": "yes"})

    def images(self, rehearsal: Rehearsal) -> bool:
        """Import into the cluster the images that this rehearsal deploys and `make up` does not build.

        Returns True on success, also if the rehearsal needs no such images.
        """
        commands: list[tuple[str, ...]] = [IMAGES] if rehearsal.images else []
        if rehearsal.programs:
            commands.append((*PROGRAMS, *rehearsal.programs))
        return all(self._command(f"import images for {rehearsal.name}", command) for command in commands)

    def acceptance(self) -> None:
        """Run the acceptance tests."""
        self._tests("acceptance", ACCEPTANCE)

    def rehearse(self, rehearsal: Rehearsal) -> None:
        """Run a rehearsal; record a complete pass, and deploy `dev` again after a failure."""
        before, program = inputs.digests(CHECKOUT, rehearsal), inputs.program(CHECKOUT)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "deployments"
            part, tests = self._tests(f"rehearsal {rehearsal.name}", rehearsal.tests, {notes.VARIABLE: str(file)})
            made = notes.noted(file)
        if part.failed:
            self.deploy(f"deploy `dev` again after {rehearsal.name}")
            return
        inputs.forget()
        changed = inputs.changes(before | program, inputs.digests(CHECKOUT, rehearsal) | inputs.program(CHECKOUT))
        if reason := self._unrecorded(part, changed):
            print(f"rehearsal {rehearsal.name}: not recorded, because {reason}", flush=True)
            return
        passed = record.Pass(
            date=record.today(),
            seconds=round(part.seconds),
            tests=tests,
            inputs=before,
            deployments={one: deployments.digest(one) for one in made},
        )
        record.write(CHECKOUT, rehearsal, passed)

    def _unrecorded(self, part: Part, changed: Sequence[str]) -> str:
        """Return the reason not to record a pass; empty if all tests of the rehearsal ran and no input changed."""
        if self.options:
            return "pytest was run with additional options"
        if not part.whole:
            return "some of its tests did not run"
        return f"its inputs changed during the run: {', '.join(changed)}" if changed else ""

    def left_out(self, verdict: record.Verdict, *, wanted: bool) -> None:
        """Add to the summary a rehearsal that did not run.

        Args:
            verdict: the decision on the rehearsal.
            wanted: True if it should have run, but deploying `dev` or importing images failed; False if it was not due.
        """
        result = "not run" if wanted else "not due"
        self.parts.append(Part(name=f"rehearsal {verdict.rehearsal.name}", result=result, seconds=0, failed=wanted))

    def _command(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> bool:
        _say(name)
        start = time.monotonic()
        code = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **(env or {})}, check=False).returncode
        result = "done" if code == 0 else f"failed with exit code {code}"
        self.parts.append(Part(name=name, result=result, seconds=time.monotonic() - start, failed=code != 0))
        return code == 0

    def _tests(self, name: str, folder: str, env: Mapping[str, str] | None = None) -> tuple[Part, int]:
        _say(name)
        start = time.monotonic()
        # A part may end with another stack selected, or none.
        subprocess.run(SELECT, cwd=CHECKOUT, check=False)
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch) / "report.xml"
            command = [*PYTEST, f"--junitxml={report}", folder, *self.options]
            code = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **(env or {})}, check=False).returncode
            counts = _counted(report) if report.exists() else {}
        passed = counts.get("passed", 0)
        said = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
        part = Part(
            name=name,
            result=said or (f"pytest ended with exit code {code}" if code else "no tests ran"),
            seconds=time.monotonic() - start,
            failed=code != 0,
            whole=passed > 0 and passed == sum(counts.values()),
        )
        self.parts.append(part)
        return part, passed

    def summary(self) -> str:
        """Return the summary as a table: name, result and duration of each part."""
        width = max(len(part.name) for part in self.parts)
        middle = max(len(part.result) for part in self.parts)
        rows = [f"{part.name:<{width}}  {part.result:<{middle}}  {part.seconds:6.0f} s" for part in self.parts]
        total = sum(part.seconds for part in self.parts)
        return "\n".join([*rows, f"{'all':<{width}}  {'':<{middle}}  {total:6.0f} s"])


def _say(line: str) -> None:
    print(f"\n== {line}", flush=True)


def _counted(report: Path) -> dict[str, int]:
    """Return the number of tests by result, from pytest's report."""
    (suite,) = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - written by pytest a moment ago
    tests, failures, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
    passed = tests - failures - errors - skipped
    return {"passed": passed, "failed": failures, "errors": errors, "not run": skipped}


def _plan(wanted: Sequence[record.Verdict], *, everything: bool) -> None:
    """Print the rehearsals with the reason to run or skip each, and their duration at the last pass."""
    for verdict in wanted:
        asked = everything and not verdict.due
        print(f"{verdict.rehearsal.name}: runs, because it was requested" if asked else verdict, flush=True)
    known = [verdict.passed.seconds for verdict in wanted if verdict.passed and (everything or verdict.due)]
    if known:
        print(f"duration of these rehearsals at their last pass: {sum(known) / MINUTE:.0f} min", flush=True)


def run(names: Sequence[str], *, acceptance: bool, everything: bool, options: Sequence[str] = ()) -> int:
    """Run the selected parts; returns the exit code, 1 if one of them failed.

    Args:
        names: the rehearsals to consider.
        acceptance: run the acceptance tests.
        everything: also run rehearsals that are not due.
        options: additional arguments for pytest; with any, a pass is not recorded.
    """
    passes = record.read(CHECKOUT)
    verdicts = [record.judge(CHECKOUT, REHEARSALS[name], passes.get(name)) for name in names]
    _plan(verdicts, everything=everything)
    due = [verdict.rehearsal for verdict in verdicts if everything or verdict.due]
    able: list[Rehearsal] = []
    evidence = Evidence(parts=[], options=options)
    if evidence.deploy("deploy `dev`, with the smoke test"):
        if acceptance:
            evidence.acceptance()
        for rehearsal in due:
            if evidence.images(rehearsal):
                able.append(rehearsal)
                evidence.rehearse(rehearsal)
    for verdict in verdicts:
        if verdict.rehearsal not in able:
            evidence.left_out(verdict, wanted=verdict.rehearsal in due)
    print(f"\n{evidence.summary()}", flush=True)
    return int(any(part.failed for part in evidence.parts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.evidence",
        description="End-to-end tests on the embedded cluster; additional options are passed to pytest.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("all", help="run the acceptance tests and every rehearsal")
    commands.add_parser(
        "due", help="run the acceptance tests, and the rehearsals whose inputs have changed since their last pass"
    )
    commands.add_parser("acceptance", help="run only the acceptance tests")
    commands.add_parser("list", help="list all rehearsals: what each one tests, and why it is due or not")
    one = commands.add_parser("rehearse", help="run one rehearsal, even if it is not due")
    one.add_argument("name", choices=sorted(REHEARSALS), metavar="NAME", help=", ".join(REHEARSALS))
    return parser


def main() -> int:
    """Run the command in the arguments; returns the exit code."""
    # `list | head` ends quietly, as other programs do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options, further = _parser().parse_known_args()
    everybody = tuple(REHEARSALS)
    match options.command:
        case "list":
            passes = record.read(CHECKOUT)
            for name, rehearsal in REHEARSALS.items():
                print(f"{name}: {rehearsal.shows}\n    {record.judge(CHECKOUT, rehearsal, passes.get(name))}")
            return 0
        case "rehearse":
            return run([options.name], acceptance=False, everything=True, options=further)
        case "acceptance":
            return run([], acceptance=True, everything=False, options=further)
        case command:
            return run(everybody, acceptance=True, everything=command == "all", options=further)


if __name__ == "__main__":
    sys.exit(main())
