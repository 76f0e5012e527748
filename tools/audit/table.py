"""Audit records as a table for a terminal, and as lines of JSON."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from tools.audit.records import Record

HEADINGS = ("time", "user", "workspace", "status", "refused by", "request", "objects")
# Columns wider than this are cut, except for the last one.
WIDEST = 60
RED, NORMAL = "\033[31m", "\033[0m"


def as_json(records: Sequence[Record]) -> str:
    """The records, one JSON object a line, as the server wrote them."""
    return "\n".join(json.dumps(record.fields) for record in records)


def as_text(records: Sequence[Record], *, coloured: bool = False) -> str:
    """A table; refused and failed requests are red where colours are shown."""
    rows = [HEADINGS, *(_row(record.fields) for record in records)]
    widths = [min(WIDEST, max(len(row[column]) for row in rows)) for column in range(len(HEADINGS) - 1)]
    lines = [_line(row, widths) for row in rows]
    if coloured:
        for number, record in enumerate(records, 1):
            status = record.fields.get("status")
            if not isinstance(status, int) or status >= HTTPStatus.BAD_REQUEST:
                lines[number] = f"{RED}{lines[number]}{NORMAL}"
    return "\n".join(lines)


def _row(fields: dict[str, Any]) -> tuple[str, ...]:
    wanted = fields.get("requested_workspace")
    status = fields.get("status")
    return tuple(
        map(
            _printable,
            (
                str(fields["time"]),
                str(fields.get("user") or "-"),
                str(fields.get("workspace") or (f"({wanted})" if wanted else "-")),
                "no answer" if status is None else str(status),
                str(fields.get("refused_by") or "-"),
                str(fields.get("route") or f"{fields.get('method')} {fields.get('path')}"),
                _objects(fields.get("objects") or {}),
            ),
        )
    )


def _objects(objects: dict[str, list[str]]) -> str:
    return " ".join(f"{key}={','.join(map(str, values))}" for key, values in objects.items()) or "-"


def _printable(text: str) -> str:
    """The text without characters that would change the terminal's state or the table's lines."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    cells = [
        (cell if len(cell) <= width else f"{cell[: width - 1]}…").ljust(width)
        for cell, width in zip(row, widths, strict=False)
    ]
    return "  ".join([*cells, row[-1]]).rstrip()
