"""Check of stack files: mistakes and warnings, as a preview reports them, in under a second.

`python -m tools.check [--json] [STACK...]`; without a stack, all stack files of the folder. Reads only these files, and
needs no cluster, Pulumi or passphrase.

Exit codes: 0 no mistakes, even if there are warnings; 1 mistakes; 2 there is no such stack, or no stack file at all.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from settings import validate
from settings.faults import Fault, line_of, located
from tools.stack_file import UnknownError, UnreadableError, file_name, read
from tools.terminal import shows_colours

RED, YELLOW, GREEN, END = "\033[31m", "\033[33m", "\033[32m", "\033[0m"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """Result of the check of a stack file."""

    file: str
    mistakes: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()
    lines: Mapping[str, int]
    unreadable: str = ""
    """Reason why the file cannot be read; empty if it can."""

    @property
    def valid(self) -> bool:
        """True if a preview would not stop at this file."""
        return not (self.unreadable or self.mistakes)


def check(stack: str) -> Checked:
    """Check the file of one stack.

    Raises:
        UnknownError: there is no such stack file.
    """
    try:
        given = read(stack)
    except UnreadableError as error:
        return Checked(file=file_name(stack), lines={}, unreadable=str(error))
    found = validate(given, stack)
    return Checked(
        file=file_name(stack),
        mistakes=[*found.mistakes, *found.secret_mistakes],
        warnings=found.warnings,
        lines=given.lines,
    )


def stacks() -> list[str]:
    """The stacks whose files are in the current folder, sorted."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in Path().glob("Pulumi.*.yaml"))


def as_text(found: Checked, *, coloured: bool) -> str:
    """One line for each mistake and each warning, or one line that says that there are none."""

    def painted(text: str, colour: str) -> str:
        return f"{colour}{text}{END}" if coloured else text

    lines = [painted(found.unreadable, RED)] if found.unreadable else []
    lines += [f"{painted('mistake', RED)} {located(one, found.file, found.lines)}" for one in found.mistakes]
    lines += [f"{painted('warning', YELLOW)} {located(one, found.file, found.lines)}" for one in found.warnings]
    if found.valid:
        lines.append(painted(f"{found.file}: no mistakes", GREEN))
    return "\n".join(lines)


def as_json(checked: Sequence[Checked]) -> str:
    """The results as JSON for programs."""

    def data(found: Checked, faults: Sequence[Fault]) -> list[dict[str, object]]:
        return [
            {"key": one.path, "line": line_of(one, found.lines), "problem": one.problem, "remedy": one.remedy}
            for one in faults
        ]

    return json.dumps(
        [
            {
                "file": found.file,
                "valid": found.valid,
                "unreadable": found.unreadable or None,
                "mistakes": data(found, found.mistakes),
                "warnings": data(found, found.warnings),
            }
            for found in checked
        ],
        indent=2,
        ensure_ascii=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print mistakes and warnings; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "stacks", nargs="*", metavar="STACK", help="stack to check (default: all stack files in this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    names = options.stacks or stacks()
    if not names:
        print("there is no stack file Pulumi.*.yaml here: run this in the directory of Pulumi.yaml", file=sys.stderr)
        return 2
    try:
        checked = [check(name) for name in names]
    except UnknownError as error:
        print(error, file=sys.stderr)
        return 2
    print(as_json(checked) if options.json else "\n".join(as_text(one, coloured=shows_colours()) for one in checked))
    return 0 if all(one.valid for one in checked) else 1


if __name__ == "__main__":
    sys.exit(main())
