"""Result of a move: what both sides have, what was left out, what failed; as a table or as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from tools.adopt import digest

KINDS: tuple[str, ...] = (
    *("runs", "params", "metrics", "tags", "datasets", "links", "models", "versions", "files", "bytes", "traces"),
)
"""Kinds that are counted for each experiment. Links join runs with logged models, and aliases with versions."""

SHOWN = 12
DIGITS = 10


@dataclass(slots=True)
class Side:
    """Counts and digests of an experiment, or of the registry, on one side."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    digests: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class Compared:
    """An experiment or the registry, in the old MLflow and in the workspace."""

    name: str
    old: Side
    new: Side
    differences: list[str] = field(default_factory=list[str])
    """One sentence for each run, model or trace that differs."""

    @property
    def same(self) -> bool:
        """True if both sides have the same."""
        return self.old == self.new and not self.differences


@dataclass(slots=True)
class Report:
    """Everything that a move has to say at its end."""

    source: str
    target: str
    compared: list[Compared] = field(default_factory=list[Compared])
    left_out: list[str] = field(default_factory=list[str])
    """Objects that were not moved by rule, each with the reason; not failures."""

    failed: list[str] = field(default_factory=list[str])
    """Objects that could not be moved; the next run tries again."""

    moved: dict[str, int] = field(default_factory=dict[str, int])
    """Number of objects of each kind that this run has written."""

    @property
    def complete(self) -> bool:
        """True if the workspace has everything that was to be moved, with the same content."""
        return not self.failed and all(one.same for one in self.compared)


def as_json(report: Report) -> str:
    """The report for programs."""
    compared = [{**asdict(one), "same": one.same} for one in report.compared]
    return json.dumps({**asdict(report), "compared": compared, "complete": report.complete}, indent=2)


def as_text(report: Report) -> str:
    """The report for people."""
    lines: list[str] = []
    if report.compared:
        lines += [*_table(report.compared), ""]
    for title, sentences in (
        ("left out", report.left_out),
        ("DIFFERENT", [f"{one.name}: {line}" for one in report.compared for line in _differences(one)]),
        ("FAILED", report.failed),
    ):
        lines += _section(title, sentences)
    written = ", ".join(f"{count} {kind}" for kind, count in report.moved.items() if count) or "nothing"
    lines.append(f"written now: {written}")
    if report.complete:
        lines.append(f"DONE: {report.target} has the same as {report.source}")
    else:
        lines.append("NOT COMPLETE: correct what is named above, and run the same command again; it goes on from here")
    return "\n".join(lines)


def _differences(one: Compared) -> list[str]:
    # Digests of the registry and of experiments differ wherever an object's do.
    return one.differences or ([] if one.same else ["counts or hashes differ"])


def _section(title: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    more = len(sentences) - SHOWN
    lines = [f"{title}: {sentence}" for sentence in sentences[:SHOWN]]
    return [*lines, *([f"{title}: and {more} more; JSON=1 shows all"] if more > 0 else []), ""]


def _table(compared: Iterable[Compared]) -> list[str]:
    rows = [("", *KINDS, "sha256", "")]
    for one in compared:
        if one.same:
            rows.append((one.name, *_counts(one.new), _whole(one.new), "same"))
        else:
            rows.append((f"{one.name}, old", *_counts(one.old), _whole(one.old), ""))
            rows.append((f"{one.name}, new", *_counts(one.new), _whole(one.new), "DIFFERENT"))
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width: the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _counts(side: Side) -> list[str]:
    return [amount(side.counts.get("bytes", 0)) if kind == "bytes" else str(side.counts.get(kind, 0)) for kind in KINDS]


def _whole(side: Side) -> str:
    # One short digest of all kinds, for people; JSON has each in full.
    return hash_of(side.digests)[:DIGITS]


def hash_of(digests: dict[str, str]) -> str:
    """Combine several digests into one."""
    return digest.rows(digests.items())[1]


def amount(count: int) -> str:
    """A number of bytes as text for people, with a unit."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004 - units
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
