"""Resolved configuration of a stack: all settings with their origin, and total connections, memory, CPU and storage.

Reads only the stack file: needs no cluster, Pulumi or passphrase. A value comes from the stack file, else from the
profile, else from the default. Secrets are shown as set or missing.

Exit codes: 0 for a valid configuration, also with warnings; 1 if a preview would fail, with the reasons; 2 if there is
no such stack.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from settings import Judgement, Settings, judge, resolved
from settings.faults import Fault, report
from settings.partial import partial
from settings.resolved import Entry
from settings.secrets import Written, needed, secret_faults
from settings.sizing import sums
from settings.source import Source
from tools.stack_file import UnknownError, UnreadableError, file_name, read

# Printed states of a secret, by how the stack file stores it.
STATES: Mapping[Written | None, str] = {
    "encrypted": "set",
    "padded": "set, with white space around it",
    "plain": "in plain text",
    None: "missing",
}
LONGEST_VALUE = 80
BOLD, DIM, END = "\x1b[1m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """A stack's resolved settings, states of secrets, computed values, mistakes and warnings."""

    stack: str
    entries: list[Entry]
    secrets: dict[str, str]
    computed: dict[str, str]
    faults: list[Fault]
    warnings: list[Fault]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a stack's resolved configuration; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.configuration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stack", help="name of the stack with the file Pulumi.STACK.yaml")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        given = read(options.stack)
    except UnknownError as error:
        print(error, file=sys.stderr)
        return 2
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1
    found = resolve(given, options.stack)
    print(as_json(found) if options.json else as_text(found, coloured=_is_coloured()))
    if found.faults and not options.json:
        print(report(found.faults, file_name(options.stack)), file=sys.stderr)
    return 1 if found.faults else 0


def resolve(given: Source, stack: str) -> Resolved:
    """Resolve a stack's configuration."""
    judged = judge(given, stack)
    secrets = {name: STATES[given.secrets.get(name)] for name in needed(given.document)}
    return Resolved(
        stack=stack,
        entries=[] if judged.settings is None else list(resolved.entries(judged.settings, given.document)),
        secrets=secrets,
        computed=_computed(judged, given),
        faults=[*judged.faults, *secret_faults(given.document, given.secrets, stack)],
        warnings=judged.warnings,
    )


def as_text(found: Resolved, *, coloured: bool) -> str:
    """The configuration as text; of a team's settings, only those that the stack file sets are shown."""
    strong, faint, end = (BOLD, DIM, END) if coloured else ("", "", "")
    shown = [entry for entry in found.entries if entry.steps[0] != "teams" or entry.origin == "stack file"]
    rows = [(entry.path, _cell(entry.value), entry.origin) for entry in shown]
    rows += [(name, state, "secret") for name, state in found.secrets.items()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    lines = [f"{strong}Configuration of {found.stack}{end}", ""]
    for path, value, origin in rows:
        paint = (faint, end) if origin == "default" else ("", "")
        lines.append(f"{path.ljust(widths[0])}  {value.ljust(widths[1])}  {paint[0]}{origin}{paint[1]}".rstrip())
    if found.computed:
        lines += ["", f"{strong}Computed{end}", "", *(f"{name}: {text}" for name, text in found.computed.items())]
    if found.warnings:
        lines += ["", f"{strong}Warnings{end}", "", *map(str, found.warnings)]
    return "\n".join(lines)


def as_json(found: Resolved) -> str:
    """The configuration as JSON."""
    document = {
        "stack": found.stack,
        "settings": {entry.path: {"value": entry.value, "from": entry.origin} for entry in found.entries},
        "secrets": found.secrets,
        "computed": found.computed,
        "faults": [_as_data(fault) for fault in found.faults],
        "warnings": [_as_data(warning) for warning in found.warnings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _computed(judged: Judgement, given: Source) -> dict[str, str]:
    if judged.settings is None:
        return {}
    return {**_consequences(judged.settings), **dict(sums(partial(Settings, given.document)))}


def _consequences(settings: Settings) -> dict[str, str]:
    return {
        "data": "protected and retained" if settings.durable else "deleted with the stack",
        "accepted token audiences": ", ".join(settings.audiences),
    }


def _as_data(fault: Fault) -> dict[str, str]:
    return {"key": fault.path, "problem": fault.problem, "remedy": fault.remedy}


def _cell(value: object) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    first, *more = text.splitlines() or [""]
    return f"{first[:LONGEST_VALUE]} ..." if more or len(first) > LONGEST_VALUE else first


def _is_coloured() -> bool:
    """True on a terminal that supports colours, unless NO_COLOR (no-color.org) is set."""
    return not (os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb") and sys.stdout.isatty()


if __name__ == "__main__":
    sys.exit(main())
