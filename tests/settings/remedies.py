"""Remedies parsed from a mistake's message, and applied."""

import json

from settings.faults import Fault
from tests.settings.stack_files import Document


def ways(fault: Fault) -> list[dict[str, object]]:
    """The values of each `set key value and key value` in a remedy, by paths with slashes."""
    offered = [way.removeprefix("set ") for way in fault.remedy.split(", or ") if way.startswith("set ")]
    pairs = [[pair.split(" ", 1) for pair in way.split(" and ")] for way in offered]
    return [{path.replace(".", "/"): json.loads(value) for path, value in way} for way in pairs]


def with_way(document: Document, way: dict[str, object]) -> Document:
    """The document with one remedy applied."""
    for path, value in way.items():
        document = _put(document, path.split("/"), value)
    return document


def _put(section: Document, path: list[str], value: object) -> Document:
    step, *rest = path
    return {**section, step: _put(section.get(step, {}), rest, value) if rest else value}
