"""What a change of inputs does to an object: nothing, an update, or a replacement.

The new inputs are compared with the live object *of the state*, cut down to the keys of the old
inputs. What only the cluster knows does not show; nor does drift, until a refresh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from testbed.providers.values import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from testbed.providers.values import Json, Object

Path: TypeAlias = "tuple[str | int, ...]"

_STEP: Final = re.compile(
    r"""\.?(?P<key>[^.\[\]"]+)|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\[(?P<index>\d+)\]|\[(?P<any>\*)\]"""
)
_NEEDS_QUOTES: Final = frozenset('."[]')


class Change(Enum):
    """What happened to one property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed property."""

    path: Path
    change: Change
    value: Json

    def __str__(self) -> str:
        """Write the path as the engine wants it."""
        return write_path(self.path)


def write_path(path: Path) -> str:
    """Write a property path: `metadata.annotations["pulumi.com/x"]`, `spec.ports[0]`."""
    result = ""
    for step in path:
        if isinstance(step, int):
            result += f"[{step}]"
        elif _NEEDS_QUOTES & set(step):
            escaped = step.replace('"', '\\"')
            result += f'["{escaped}"]'
        else:
            result += f".{step}" if result else step
    return result


def parse_path(text: str) -> Path:
    """Read a property path; `*` stands for any key or index."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            message = f"{text!r} is not a property path"
            raise ValueError(message)
        if match["index"]:
            steps.append(int(match["index"]))
        elif match["quoted"] is not None:
            steps.append(match["quoted"].replace('\\"', '"'))
        else:
            steps.append(match["key"] or "*")
        position = match.end()
    return tuple(steps)


def differences(old: Json, new: Json, path: Path = ()) -> Iterator[Difference]:
    """Compare two objects; lists by index, as a JSON merge patch between them would."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from differences(before, after, (*path, index))
    elif same(old, new):
        return
    elif new is None:
        yield Difference(path, Change.DELETE, None)
    else:
        yield Difference(path, Change.ADD if old is None else Change.UPDATE, new)


def covers(pattern: Path, path: Path) -> bool:
    """Say whether a path is the pattern's or lies below it."""
    return len(pattern) <= len(path) and all(step in {"*", found} for step, found in zip(pattern, path, strict=False))


def without(found: Iterable[Difference], ignored: Sequence[str]) -> tuple[Difference, ...]:
    """Leave out what the program said to ignore."""
    patterns = [parse_path(path) for path in ignored]
    return tuple(
        difference for difference in found if not any(covers(pattern, difference.path) for pattern in patterns)
    )


def touches(pattern: Path, difference: Difference) -> bool:
    """Say whether a difference changes something at or below the pattern.

    A difference above the pattern counts when its new value contains the pattern's path.
    """
    depth = len(difference.path)
    if not covers(pattern[:depth], difference.path):
        return False
    return depth >= len(pattern) or _contains(difference.value, pattern[depth:])


def _contains(value: Json, rest: Path) -> bool:
    if not rest:
        return True
    step = rest[0]
    if isinstance(value, dict):
        return step in value and _contains(value[str(step)], rest[1:])
    if isinstance(value, list) and step == "*":
        return any(_contains(item, rest[1:]) for item in value)
    return False


def replaced_paths(found: Sequence[Difference], patterns: Sequence[str]) -> set[str]:
    """Return the paths that cannot be changed in place."""
    parsed = [parse_path(pattern) for pattern in patterns]
    return {
        str(difference)
        for difference in found
        if any(touches(pattern, difference) for pattern in parsed)
        or (difference.path == ("metadata",) and difference.change is Change.DELETE)
    }


def with_namespace(obj: Object, namespace: str) -> Object:
    """Return a copy with that namespace, or with none."""
    metadata = obj.get("metadata")
    fields: Object = dict(metadata) if isinstance(metadata, dict) else {}
    fields.pop("namespace", None)
    if namespace:
        fields["namespace"] = namespace
    if not fields and metadata is None:
        return obj
    return {**obj, "metadata": fields}
