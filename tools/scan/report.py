"""The result of a scan for people and for programs."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from tools.scan.exceptions import Exempt, Judgement
from tools.scan.findings import Finding
from tools.scan.programs import version

WIDTH = 120


def as_text(judgement: Judgement, names: Sequence[str], stacks: Sequence[str], seconds: float) -> str:
    """The open findings first, then the excepted ones with their reasons, and one line with the sums at the end."""
    return "\n".join(_lines(judgement, names, stacks, seconds))


def _lines(judgement: Judgement, names: Sequence[str], stacks: Sequence[str], seconds: float) -> Iterator[str]:
    if judgement.excepted:
        yield "excepted"
        for one, through in judgement.excepted:
            yield f"  {one.scanner} {one.rule} ({_sum(through)}){f' until {one.until}' if one.until else ''}"
            yield textwrap.fill(one.reason.strip(), WIDTH, initial_indent="    ", subsequent_indent="    ")
            yield textwrap.fill(
                ", ".join(finding.target for finding in through),
                WIDTH,
                initial_indent="    ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
        yield ""
    if judgement.open:
        yield "open"
        for finding in judgement.open:
            yield f"  {finding.scanner} {finding.rule}  {finding.target}"
            yield textwrap.fill(finding.message, WIDTH, initial_indent="    ", subsequent_indent="    ")
        yield ""
    if judgement.faults:
        yield "exceptions"
        yield from (f"  {fault}" for fault in judgement.faults)
        yield ""
    through = sum(len(found) for _, found in judgement.excepted)
    yield f"{', '.join(f'{name} {version(name)}' for name in names)}; stacks {', '.join(stacks)}"
    sums = (f"{len(judgement.open)} open", f"{through} excepted", f"{len(judgement.faults)} wrong exceptions")
    yield f"{', '.join(sums)}, {seconds:.0f} s"


def _sum(found: Sequence[Finding]) -> str:
    return f"{len(found)} object{'s' if len(found) != 1 else ''}"


def as_json(judgement: Judgement) -> dict[str, Any]:
    """The result as JSON for programs."""
    return {
        "passed": judgement.passed,
        "open": [_finding(one) for one in judgement.open],
        "excepted": [
            {**_exception(one), "findings": [_finding(finding) for finding in through]}
            for one, through in judgement.excepted
        ],
        "faults": list(judgement.faults),
    }


def _finding(one: Finding) -> dict[str, str]:
    return {"scanner": one.scanner, "rule": one.rule, "target": one.target, "message": one.message}


def _exception(one: Exempt) -> dict[str, str | None]:
    until = one.until.isoformat() if one.until else None
    return {"scanner": one.scanner, "rule": one.rule, "reason": one.reason.strip(), "until": until}
