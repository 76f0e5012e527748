"""The usage of teams, as a table, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Columns of a table that people read: heading, and table of the database.
COUNTED = (
    ("runs", "runs"),
    ("metrics", "metrics"),
    ("traces", "trace_info"),
    ("models", "registered_models"),
    ("versions", "model_versions"),
)
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Rows and files of a team."""

    team: str
    rows: dict[str, int]
    """Number of rows by table of the database."""

    row_bytes: int
    """Bytes of all rows, without indexes and without space that deleted rows have left."""

    files: int
    file_bytes: int
    """Bytes of all files in the artifact store, without older versions."""

    @property
    def all_rows(self) -> int:
        """Number of rows in all tables."""
        return sum(self.rows.values())

    @classmethod
    def of(cls, line: dict[str, Any]) -> "Usage":
        """The usage of a team, from one line of the output of measure.py."""
        return cls(**line)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Rows and files of all teams, those with most first."""

    teams: tuple[Usage, ...]
    database_bytes: int
    """Size of the whole database on disk."""

    @classmethod
    def read(cls, lines: Sequence[str]) -> "Report":
        """The report in the output of measure.py.

        Raises:
            KeyError: the last line is missing.
        """
        documents: list[dict[str, Any]] = [json.loads(line) for line in lines]
        *teams, whole = documents
        usages = (Usage.of(team) for team in teams)
        return cls(
            teams=tuple(sorted(usages, key=lambda one: (-(one.row_bytes + one.file_bytes), one.team))),
            database_bytes=whole["database_bytes"],
        )


def size(number: int) -> str:
    """A number of bytes, as people read it: `1.5 MiB`."""
    value, unit = float(number), 0
    while value >= STEP and unit + 1 < len(UNITS):
        value, unit = value / STEP, unit + 1
    return f"{number} B" if unit == 0 else f"{value:.1f} {UNITS[unit]}"


def as_text(report: Report) -> str:
    """The report as a table, with the sum of all teams."""
    heads = ("TEAM", *(name.upper() for name, _ in COUNTED), "ROWS", "DATABASE", "FILES", "STORE")
    lines = [heads, *(_cells(one) for one in report.teams)]
    if len(report.teams) > 1:
        lines.append(_cells(_total(report.teams)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    table = [
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    note = f"The database is {size(report.database_bytes)} on disk, with indexes and the space of deleted rows."
    return "\n".join((*(line.rstrip() for line in table), "", note))


def _cells(one: Usage) -> tuple[str, ...]:
    counted = tuple(str(one.rows.get(table, 0)) for _, table in COUNTED)
    return (one.team, *counted, str(one.all_rows), size(one.row_bytes), str(one.files), size(one.file_bytes))


def _total(teams: Sequence[Usage]) -> Usage:
    tables = sorted({table for one in teams for table in one.rows})
    return Usage(
        team="all",
        rows={table: sum(one.rows.get(table, 0) for one in teams) for table in tables},
        row_bytes=sum(one.row_bytes for one in teams),
        files=sum(one.files for one in teams),
        file_bytes=sum(one.file_bytes for one in teams),
    )


def as_csv(report: Report) -> str:
    """The report as CSV, a line for each team, in bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("team", *(name for name, _ in COUNTED), "rows", "row_bytes", "files", "file_bytes"))
    for one in report.teams:
        counted = (one.rows.get(table, 0) for _, table in COUNTED)
        writer.writerow((one.team, *counted, one.all_rows, one.row_bytes, one.files, one.file_bytes))
    return text.getvalue().rstrip("\n")


def as_json(report: Report) -> str:
    """The report as JSON, with the rows of each table."""
    teams = [
        {
            "team": one.team,
            "rows": one.rows,
            "rowBytes": one.row_bytes,
            "files": one.files,
            "fileBytes": one.file_bytes,
        }
        for one in report.teams
    ]
    return json.dumps({"teams": teams, "databaseBytes": report.database_bytes}, indent=2)
