"""Findings of the preflight, as text and as JSON."""

import json
from collections.abc import Sequence

from tools.doctor.facts import Unseen
from tools.preflight.api import Missing, Note
from tools.preflight.checks import CHECKS, Finding

RED, GREEN, YELLOW, NORMAL = "\033[31m", "\033[32m", "\033[33m", "\033[0m"
READY, MISSING, UNSEEN = 0, 1, 2
RESULTS = {READY: "ready", MISSING: "missing", UNSEEN: "unseen"}
# Raised when a field of the JSON changes its meaning or goes away.
VERSION = 1


def outcome(findings: Sequence[Finding]) -> int:
    """The exit code: something is missing, something could not be asked, or nothing is missing."""
    if any(isinstance(one.found, Missing) for one in findings):
        return MISSING
    return UNSEEN if any(isinstance(one.found, Unseen) for one in findings) else READY


def as_text(stack: str, findings: Sequence[Finding], seconds: float, *, coloured: bool) -> str:
    """The report for a terminal."""

    def painted(text: str, colour: str) -> str:
        return f"{colour}{text}{NORMAL}" if coloured else text

    lines: list[str] = []
    for one in findings:
        if isinstance(one.found, Missing):
            missing = one.found
            lines += [
                painted(f"{one.check}: {_printable(missing.subject)}", RED),
                f"  {_printable(missing.what)}",
                f"  remedy: {_printable(missing.remedy)}",
            ]
    if not lines:
        seen_all = outcome(findings) == READY
        text = (
            f"nothing is missing for stack {stack}" if seen_all else "nothing missing was found, but not all was seen:"
        )
        lines.append(painted(text, GREEN if seen_all else YELLOW))
    lines += [f"could not ask about {what}: needs {_printable(needs)}" for what, needs in unseen(findings)]
    lines += [f"note: {_printable(one)}" for one in notes(findings)]
    lines.append(f"{len(CHECKS)} checks in {seconds:.1f} s")
    return "\n".join(lines)


def as_json(stack: str, findings: Sequence[Finding], seconds: float) -> str:
    """The report for programs."""
    missing = [
        {"check": one.check, "subject": one.found.subject, "what": one.found.what, "mend": one.found.remedy}
        for one in findings
        if isinstance(one.found, Missing)
    ]
    return json.dumps(
        {
            "version": VERSION,
            "result": RESULTS[outcome(findings)],
            "stack": stack,
            "missing": missing,
            "unseen": [{"what": what, "needs": needs} for what, needs in unseen(findings)],
            "notes": notes(findings),
            "checks": [check.name for check in CHECKS],
            "seconds": round(seconds, 1),
        },
        indent=2,
    )


def unseen(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Questions that could not be asked and the rights that they need, each once."""
    pairs = [(one.found.what, one.found.needs) for one in findings if isinstance(one.found, Unseen)]
    return list(dict.fromkeys(pairs))


def notes(findings: Sequence[Finding]) -> list[str]:
    """Notes, which require no action."""
    return [one.found.what for one in findings if isinstance(one.found, Note)]


def _printable(text: str) -> str:
    """The text in one line, without characters that would change the terminal's state."""
    return "".join(one if one.isprintable() else " " for one in text)
