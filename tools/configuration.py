"""Resolved configuration of a stack: all settings with their origin, and total connections, memory, CPU and storage.

Reads only the stack file: needs no cluster, Pulumi or passphrase. A value comes from the stack file, else from the
profile, else from the default. Secrets are shown as set or missing.

Exit codes: 0 for a valid configuration, also with warnings; 1 if a preview would fail, with the reasons; 2 if there is
no such stack.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from settings import ExternalSettings, Settings, Validation, resolved, validate
from settings.faults import Fault, line_of, located, report
from settings.loader import Source
from settings.partial import partial
from settings.resolved import Entry
from settings.secrets import Written
from settings.sizing import sums
from tools.stack_file import UnknownError, UnreadableError, file_name, read
from tools.terminal import shows_colours

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
    lines: Mapping[str, int]
    """Line of each key in the stack file, by the key's path."""

    entries: list[Entry]
    secrets: dict[str, str]
    computed: dict[str, str]
    mistakes: list[Fault]
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
    print(as_json(found) if options.json else as_text(found, coloured=shows_colours()))
    if found.mistakes and not options.json:
        print(report(found.mistakes, file_name(options.stack), found.lines), file=sys.stderr)
    return 1 if found.mistakes else 0


def resolve(given: Source, stack: str) -> Resolved:
    """Resolve a stack's configuration."""
    validation = validate(given, stack)
    return Resolved(
        stack=stack,
        lines=given.lines,
        entries=[] if validation.settings is None else list(resolved.entries(validation.settings, given.document)),
        secrets={name: STATES[given.secrets.get(name)] for name in validation.needed_secrets},
        computed=_computed(validation, given),
        mistakes=[*validation.mistakes, *validation.secret_mistakes],
        warnings=validation.warnings,
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
        file = file_name(found.stack)
        lines += ["", f"{strong}Warnings{end}", "", *(located(one, file, found.lines) for one in found.warnings)]
    return "\n".join(lines)


def as_json(found: Resolved) -> str:
    """The configuration as JSON."""
    document = {
        "stack": found.stack,
        "settings": {entry.path: {"value": entry.value, "from": entry.origin} for entry in found.entries},
        "secrets": found.secrets,
        "computed": found.computed,
        "faults": [_as_data(fault, found.lines) for fault in found.mistakes],
        "warnings": [_as_data(warning, found.lines) for warning in found.warnings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _computed(validation: Validation, given: Source) -> dict[str, str]:
    if validation.settings is None:
        return {}
    if isinstance(validation.settings, ExternalSettings):
        return _external(validation.settings)
    return {**_consequences(validation.settings), **dict(sums(partial(Settings, given.document)))}


def _external(settings: ExternalSettings) -> dict[str, str]:
    ports = ", ".join(map(str, settings.ports))
    return {
        "namespaces": "protected and retained" if settings.durable else "deleted with the stack",
        "tracking server": settings.url,
        "egress of labelled pods": f"{', '.join(settings.addresses) or 'any address'}, port {ports}",
    }


def _consequences(settings: Settings) -> dict[str, str]:
    return {
        "data": "protected and retained" if settings.durable else "deleted with the stack",
        "accepted token audiences": ", ".join(settings.audiences),
    }


def _as_data(fault: Fault, lines: Mapping[str, int]) -> dict[str, object]:
    return {"key": fault.path, "line": line_of(fault, lines), "problem": fault.problem, "remedy": fault.remedy}


def _cell(value: object) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    first, *more = text.splitlines() or [""]
    return f"{first[:LONGEST_VALUE]} ..." if more or len(first) > LONGEST_VALUE else first


if __name__ == "__main__":
    sys.exit(main())
