"""Settings that have been renamed: the old name works with a warning until a certain release.

A field declares its old name, for example `pool_size: Annotated[int, Renamed("server.pool", removed_in="0.3")]`. Values
that the stack file has by an old name move to the new one before anything else reads the document.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel

from settings import outline, profiles
from settings.faults import Fault, path_of


@dataclass(frozen=True, slots=True)
class Renamed:
    """Metadata of a renamed field; its old name may have been in another section."""

    old: str
    """The whole old path; a `*` in it stands for the same name as in the new path, as in `teams.*.description`."""

    removed_in: str
    """The release that no longer reads the old name."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A key that a stack file has by its old name."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    removed_in: str
    is_twice: bool
    """True if the file has both names; the value of the new one counts."""


def applied(document: Mapping[str, object], model: type[BaseModel]) -> tuple[dict[str, object], tuple[Rename, ...]]:
    """The document with new names only, and the keys that had old ones."""
    whole, found = deepcopy(dict(document)), list[Rename]()
    for key in outline.keys(model):
        for renamed in (item for item in key.field.metadata if isinstance(item, Renamed)):
            for old, names in [*_matches(whole, renamed.old.split("."))]:
                stars = iter(names)
                new = tuple(next(stars) if step == "*" else step for step in key.path.split("."))
                section = _section(whole, new[:-1])
                if key.choice in (None, section.get("kind")):
                    found.append(Rename(old, new, renamed.removed_in, is_twice=new[-1] in section))
                    profiles.set_default(whole, new, _pop(whole, old))
    return whole, tuple(found)


def faults(renamed: Iterable[Rename]) -> Iterator[Fault]:
    """Report keys that the file has by both names."""
    for rename in renamed:
        if rename.is_twice:
            old, new = path_of(rename.old), path_of(rename.new)
            yield Fault(
                old, f"is the old name of `{new}`, and both are set; expected only the new name", f"remove `{old}`"
            )


def warnings(renamed: Iterable[Rename]) -> Iterator[Fault]:
    """Warn of old names, and say which release no longer reads them."""
    for rename in renamed:
        if not rename.is_twice:
            old, new = path_of(rename.old), path_of(rename.new)
            yield Fault(old, f"is the old name of `{new}`; release {rename.removed_in} removes it", f"write `{new}`")


def _matches(
    inside: object, pattern: list[str], old: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each path in a document that matches the pattern, with the names that stand for its `*`."""
    if not pattern:
        yield old, names
        return
    step, *rest = pattern
    section = _mapping(inside)
    for name in [*section] if step == "*" else [step] if step in section else []:
        yield from _matches(section[name], rest, (*old, name), (*names, name) if step == "*" else names)


def _section(whole: object, steps: Iterable[str]) -> Mapping[str, object]:
    """The section at a path; empty if there is none."""
    for step in steps:
        whole = _mapping(whole).get(step)
    return _mapping(whole)


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _pop(section: dict[str, Any], path: tuple[str, ...]) -> object:
    """Remove and return the value at a path; also remove each section that this leaves empty."""
    step, *rest = path
    if not rest:
        return section.pop(step)
    value = _pop(section[step], tuple(rest))
    if not section[step]:
        del section[step]
    return value
