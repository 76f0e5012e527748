"""Puts a value into one place of a request, at any depth."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

from testbed.e2e.attack.generated.fields import Field

# Elements that the server takes seriously, for lists that a request does not have: it refuses one that is an id alone
# before it looks at the id.
SKELETONS: Mapping[str, Mapping[str, Any]] = {
    "assessments": {
        "assessment_name": "a",
        "source": {"source_type": "HUMAN", "source_id": "x"},
        "feedback": {"value": "good"},
        "create_time": "2026-01-01T00:00:00Z",
        "last_update_time": "2026-01-01T00:00:00Z",
    },
    "spans": {
        "trace_id": "AAAAAAAAAAAAAAAAAAAAAA==",
        "span_id": "AQIDBAUGBwg=",
        "name": "s",
        "start_time_unix_nano": "1",
        "end_time_unix_nano": "2",
    },
    "metrics": {"key": "m", "value": 1, "timestamp": 1, "step": 0},
    "params": {"key": "p", "value": "v"},
    "tags": {"key": "t", "value": "v"},
    "models": {"model_id": "m-none", "step": 0},
    "datasets": {"tags": [], "dataset": {"name": "d", "digest": "1", "source_type": "local", "source": "s"}},
    "prompt_versions": {"name": "none", "version": "1"},
    "locations": {"type": "MLFLOW_EXPERIMENT"},
}


class Mode(StrEnum):
    """How a value is put into a request: in place of the caller's own value, or beside it."""

    INSTEAD = "instead"
    """In place of the caller's own value."""

    SECOND = "second"
    """A second element of the list that the value or its message is in."""

    BESIDE = "beside"
    """In the query string if the caller's own value is in the body, and the other way round."""

    CAMEL = "camel"
    """Under the name in camelCase, with the caller's own value under the other."""


Parts = Mapping[str, Any]


def put(parts: Parts, field: Field, value: str, mode: Mode = Mode.INSTEAD, *, key: str = "") -> Parts | None:
    """A request with a value in a field; `key` is the key of a map's value.

    None if a request cannot have it there: a second element without a list, a nested field in a query string.
    """
    changed = copy.deepcopy(dict(parts))
    steps = list(field.steps)
    if mode is Mode.SECOND and "[]" not in steps:
        return None
    if mode is Mode.CAMEL:
        if "_" not in field.name or field.place == "path":
            return None
        last = max(index for index, step in enumerate(steps) if step not in ("[]", "{}"))
        steps[last] = camel(steps[last])
    section = _section(changed, field, steps, other=mode is Mode.BESIDE)
    if section is None:
        return None
    below = changed.setdefault(section, {})
    if not isinstance(below, dict):
        return None
    _into(cast("dict[str, Any]", below), steps, _Put(value=value, mode=mode, key=key or "k"))
    return changed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Put:
    value: str
    mode: Mode
    key: str


def camel(name: str) -> str:
    """A name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _section(parts: Parts, field: Field, steps: Sequence[str], *, other: bool) -> str | None:
    """The part of the request that contains a field, or the other part from which the server might read the field."""
    named = {"path": "path", "query": "query", "body": "body", "header": "headers"}
    home = named.get(field.place) or ("body" if "body" in parts else "query")
    if "content" in parts and home == "body":
        home = "query"
    if not other:
        # A query string has no depth.
        return "body" if home == "query" and len([step for step in steps if step != "[]"]) > 1 else home
    if home == "headers" or "content" in parts:
        return None
    if home == "body" and len([step for step in steps if step != "[]"]) > 1:
        return None
    return "query" if home == "body" else "body"


def _into(below: dict[str, Any], steps: Sequence[str], new: _Put) -> None:
    name, rest = steps[0], list(steps[1:])
    if not rest:
        below[name] = new.value
    elif rest[0] == "{}":
        inside = below[name] = dict(below.get(name) or {})
        if len(rest) > 1:
            _into(inside.setdefault(new.key, {}), rest[1:], new)
        else:
            inside[new.key] = new.value
    elif rest[0] == "[]":
        below[name] = _listed(below.get(name), name, rest[1:], new)
    else:
        inside = below.get(name)
        below[name] = inside = dict(cast("dict[str, Any]", inside)) if isinstance(inside, dict) else {}
        _into(inside, rest, new)


def _listed(known: Any, name: str, rest: Sequence[str], new: _Put) -> list[Any]:  # noqa: ANN401 - any JSON
    elements: list[Any] = list(cast("list[Any]", known)) if isinstance(known, list) else [known] if known else []
    if not rest:
        return [*elements, new.value] if new.mode is Mode.SECOND else [new.value, *elements[1:]]
    example = cast("Mapping[str, Any]", elements[0]) if elements and isinstance(elements[0], dict) else None
    first = copy.deepcopy(dict(example or SKELETONS.get(name, {})))
    element = copy.deepcopy(first)
    # Only the outermost list gets a second element.
    _into(element, rest, replace(new, mode=Mode.INSTEAD) if new.mode is Mode.SECOND else new)
    if new.mode is Mode.SECOND:
        return [*(elements or [first]), element]
    return [element, *elements[1:]]
