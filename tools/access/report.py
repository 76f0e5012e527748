"""The access matrix and the changes of access, as text, Markdown and JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.team.access_matrix import ADMINISTRATORS, Grant, Matrix
from components.team.access_matrix import as_data as matrix_data
from components.team.permissions import RESOURCES
from tools.access import difference
from tools.access.difference import ACTIONS, Difference
from tools.access.words import MARKDOWN, Style, footnotes, sentences, subject_words, things

HEADER = ("team", "who", *ACTIONS)
NO = "-"
# Space between two columns.
GAP = "  "


def matrix_text(stack: str, found: Matrix, style: Style) -> str:
    """The access matrix as a table for a terminal."""
    if found.decided_by:
        return "\n".join([f"{_title(stack)}:", "", *_notes(found, style)])
    rows = _rows(found, style)
    plain = [HEADER, *([team, who, *cells] for team, who, cells in rows)]
    widths = [max(len(row[column]) for row in plain) for column in range(len(HEADER))]
    lines = [style.strong(_line(HEADER, widths))]
    for team, who, cells in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths[2:], strict=True)]
        painted = [
            style.action(text, action) if cell != NO else text
            for text, cell, action in zip(padded, cells, ACTIONS, strict=True)
        ]
        lines.append(GAP.join([team.ljust(widths[0]), who.ljust(widths[1]), *painted]).rstrip())
    return "\n".join([f"{_title(stack)}:", "", *lines, "", *_notes(found, style)])


def matrix_markdown(stack: str, found: Matrix) -> str:
    """The access matrix as a table in Markdown."""
    if found.decided_by:
        return "\n".join([f"{_title(stack)}:", "", *(f"- {note}" for note in _notes(found, MARKDOWN))])
    rows = [[team, who, *cells] for team, who, cells in _rows(found, MARKDOWN)]
    table = [HEADER, ["---"] * len(HEADER), *rows]
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([f"{_title(stack)}:", "", *lines, "", *(f"- {note}" for note in _notes(found, MARKDOWN))])


def difference_text(stack: str, against: str, found: Difference, style: Style) -> str:
    """The changes of access as sentences for a terminal."""
    return "\n".join([f"Access in {stack}, compared with {against}:", "", *sentences(found, style)])


def difference_markdown(stack: str, against: str, found: Difference) -> str:
    """The changes of access as a list of sentences in Markdown."""
    lines = [f"- {sentence}" for sentence in sentences(found, MARKDOWN)]
    return "\n".join([f"Access in {MARKDOWN.name(stack)}, compared with {MARKDOWN.name(against)}:", "", *lines])


def matrix_json(stack: str, found: Matrix) -> str:
    """The access matrix as JSON."""
    return _json({"stack": stack, **matrix_data(found)})


def difference_json(stack: str, against: str, found: Difference) -> str:
    """The changes of access as JSON."""
    return _json({"stack": stack, "against": against, **difference.as_data(found)})


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _title(stack: str) -> str:
    return f"Access to the {things()} of each team in {stack}"


def _rows(found: Matrix, style: Style) -> list[tuple[str, str, list[str]]]:
    """Rows of the table: team, subject, and a cell for each action; only a team's first row has the team's name."""
    rows: list[tuple[str, str, list[str]]] = []
    last = ""
    for grant in found.grants:
        mark = " (archived)" if found.archived[grant.team] else ""
        team = f"{style.name(grant.team)}{mark}" if grant.team != last else ""
        part = "" if grant.resources == RESOURCES else f": {things(grant.resources)}"
        rows.append((team, f"{subject_words(grant.subject, style)}{part}", _cells(grant)))
        last = grant.team
    return rows


def _cells(grant: Grant) -> list[str]:
    held = difference.actions(grant.verbs)
    return ["yes" if action in held else NO for action in ACTIONS]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _notes(found: Matrix, style: Style) -> list[str]:
    if found.decided_by:
        return [f"The tracking server {found.decided_by} decides who has access: this stack grants nothing in MLflow."]
    people = [
        f"{style.name(person)} is in {', '.join(map(style.name, groups)) if groups else 'no group, and sees no team'}."
        for person, groups in found.people.items()
    ]
    return [*people, *footnotes([grant.subject for grant in found.grants]), ADMINISTRATORS]
