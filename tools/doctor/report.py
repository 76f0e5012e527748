"""The diagnosis as text and as JSON."""

import json
from typing import Any

from tools.doctor.chapters import Diagnosis, chapters_about
from tools.doctor.facts import Facts, Unseen

RED, GREEN, YELLOW, NORMAL = "\033[31m", "\033[32m", "\033[33m", "\033[0m"
HEALTHY, FAULT, UNSEEN = 0, 1, 2
RESULTS = {HEALTHY: "healthy", FAULT: "fault", UNSEEN: "unseen"}
# Raised when a field of the JSON changes its meaning or goes away.
VERSION = 1
# Things that could not be looked at for the same reason, and are named.
MOST_NAMED = 3


def outcome(diagnosis: Diagnosis | None, unseen: list[Unseen]) -> int:
    """The exit code: a fault was found, something could not be looked at, or all is well."""
    if diagnosis is not None:
        return FAULT
    return UNSEEN if unseen else HEALTHY


def needed(facts: Facts) -> list[Unseen]:
    """Everything that the diagnosis needs but could not look at."""
    return [one for one in facts.unseen if not one.optional]


def as_text(facts: Facts, diagnosis: Diagnosis | None, seconds: float, *, coloured: bool = False) -> str:
    """The report for a terminal."""
    unseen = needed(facts)
    lines: list[str] = []
    if diagnosis is not None:
        fault = diagnosis.fault
        lines += [
            _painted(f"{diagnosis.chapter}: {fault.subject}", RED, coloured),
            f"  {fault.what}",
            *([f"  seen: {_printable(fault.evidence)}"] if fault.evidence else []),
            f"  remedy: {fault.mend}",
            *(["this may follow from what could not be looked at:"] if unseen else []),
        ]
    elif unseen:
        lines.append(
            _painted(f"nothing wrong was found at {facts.platform.url}, but not all was seen:", YELLOW, coloured)
        )
    else:
        lines.append(_painted(f"healthy: {facts.platform.url}", GREEN, coloured))
    for needs in dict.fromkeys(one.needs for one in unseen):
        whats = [one.what for one in unseen if one.needs == needs]
        more = f" and {len(whats) - MOST_NAMED} more" if len(whats) > MOST_NAMED else ""
        lines.append(f"could not look at {', '.join(whats[:MOST_NAMED])}{more}: needs {_printable(needs)}")
    lines.append(f"{len(chapters_about(facts))} chapters in {seconds:.1f} s")
    return "\n".join(lines)


def as_json(facts: Facts, diagnosis: Diagnosis | None, seconds: float) -> str:
    """The report for programs."""
    unseen = needed(facts)
    fault: dict[str, Any] | None = None
    if diagnosis is not None:
        one = diagnosis.fault
        fault = {
            "chapter": diagnosis.chapter,
            "cause": one.cause,
            "subject": one.subject,
            "what": one.what,
            "evidence": one.evidence,
            "mend": one.mend,
        }
    return json.dumps(
        {
            "version": VERSION,
            "result": RESULTS[outcome(diagnosis, unseen)],
            "url": facts.platform.url,
            "fault": fault,
            "unseen": [{"what": one.what, "needs": one.needs} for one in unseen],
            "chapters": [chapter.name for chapter in chapters_about(facts)],
            "seconds": round(seconds, 1),
        },
        indent=2,
    )


def _painted(text: str, colour: str, coloured: bool) -> str:  # noqa: FBT001 - private
    return f"{colour}{text}{NORMAL}" if coloured else text


def _printable(text: str) -> str:
    """The text in one line, without characters that would change the terminal's state."""
    return "".join(one if one.isprintable() else " " for one in text)
