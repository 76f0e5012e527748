"""CHANGELOG.md: the version of the next release, and its notes.

`python -m tools.changelog version` prints the newest version, and `notes` its section. `check` says whether it can be
released. `prepare VERSION` turns the unreleased section into the one of a version, and sets this version in
pyproject.toml.

Exit codes: 0 done; 1 the version cannot be released, with the reasons.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

CHANGELOG = Path("CHANGELOG.md")
PYPROJECT = Path("pyproject.toml")
UNRELEASED = "Unreleased"
# A release, https://keepachangelog.com: `## [1.2.0] - 2026-12-01`, also without the brackets.
HEADING = re.compile(r"^## \[?([^\]\s]+)\]?(?: - (\S+))?[ \t]*$", re.MULTILINE)
# https://semver.org, without build metadata.
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
# The first line of this form is the project's own.
OWN_VERSION = re.compile(r'^version = "(.*)"$', re.MULTILINE)


class NotReleasableError(Exception):
    """The files are not ready for a release; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Section of the changelog about one version."""

    version: str
    date: str
    """Date as written in the file; empty without one."""

    text: str


def sections(changelog: str) -> list[Section]:
    """The sections of a changelog, the newest first."""
    found = list(HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in found[1:]), len(changelog)][: len(found)]
    return [
        Section(version=heading[1], date=heading[2] or "", text=changelog[heading.end() : end].strip())
        for heading, end in zip(found, ends, strict=True)
    ]


def newest(changelog: str) -> Section:
    """The newest section that has a version.

    Raises:
        NotReleasableError: no section has a version.
    """
    for section in sections(changelog):
        if section.version != UNRELEASED:
            return section
    raise NotReleasableError(f"{CHANGELOG} has no version yet: run `tools/release prepare VERSION`, and commit")


def faults(changelog: str, project: str, today: date) -> Iterator[str]:
    """Reasons why the newest version cannot be released."""
    released = newest(changelog)
    waiting = [section for section in sections(changelog) if section.version == UNRELEASED and section.text]
    if waiting:
        yield f"{CHANGELOG} has changes under {UNRELEASED}: run `tools/release prepare VERSION`, and commit"
    if not VERSION.fullmatch(released.version):
        yield f"{CHANGELOG}: {released.version} is not a version such as 1.2.0"
    elif not _descending(changelog):
        yield f"{CHANGELOG}: versions must be in descending order, each of them once"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", released.date):
        yield f"{CHANGELOG}: {released.version} has no date such as 2026-12-01"
    elif released.date > today.isoformat():
        yield f"{CHANGELOG}: {released.version} is dated in the future, {released.date}"
    if not released.text:
        yield f"{CHANGELOG} has no notes for {released.version}"
    own = OWN_VERSION.search(project)
    if own is None or own[1] != released.version:
        yield f"{PYPROJECT} has the version {own[1] if own else 'none'}, but {CHANGELOG} has {released.version}"


def _descending(changelog: str) -> bool:
    numbers = [
        tuple(int(part) for part in section.version.split("."))
        for section in sections(changelog)
        if VERSION.fullmatch(section.version)
    ]
    return numbers == sorted(set(numbers), reverse=True)


def prepared(changelog: str, project: str, version: str, today: date) -> tuple[str, str]:
    """Changelog and pyproject.toml with the unreleased changes as a version.

    Raises:
        NotReleasableError: there is nothing to release, or the version is not a later one.
    """
    (first, *earlier) = sections(changelog) or [Section(version="", date="", text="")]
    if first.version != UNRELEASED or not first.text:
        raise NotReleasableError(f"{CHANGELOG} has nothing under {UNRELEASED}")
    made = HEADING.sub(f"## {UNRELEASED}\n\n## {version} - {today.isoformat()}", changelog, count=1)
    if not VERSION.fullmatch(version) or not _descending(made):
        latest = earlier[0].version if earlier else "none"
        raise NotReleasableError(f"{version} is not a version such as 1.2.0, or not later than the last one ({latest})")
    return made, OWN_VERSION.sub(f'version = "{version}"', project, count=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.changelog", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("version", "notes", "check", "prepare"))
    parser.add_argument("version", nargs="?", default="", help="for `prepare`: the version, such as 1.2.0")
    options = parser.parse_args(arguments)
    try:
        _run(options.command, options.version, datetime.now(UTC).date())
    except NotReleasableError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(command: str, version: str, today: date) -> None:
    changelog, project = CHANGELOG.read_text(encoding="utf-8"), PYPROJECT.read_text(encoding="utf-8")
    match command:
        case "version":
            print(newest(changelog).version)
        case "notes":
            print(newest(changelog).text)
        case "prepare":
            made = prepared(changelog, project, version, today)
            CHANGELOG.write_text(made[0], encoding="utf-8")
            PYPROJECT.write_text(made[1], encoding="utf-8")
        case _:
            if found := list(faults(changelog, project, today)):
                raise NotReleasableError("\n".join(found))


if __name__ == "__main__":
    sys.exit(main())
