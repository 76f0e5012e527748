"""Cases: each request of routes.yaml with one reference to another team's object in one place. Pure and in order."""

import dataclasses
import itertools
import json
import random
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from testbed.e2e.attack import table
from testbed.e2e.attack.generated import fields, places, references
from testbed.e2e.attack.generated.fields import Field, Kind
from testbed.e2e.attack.generated.places import Mode, Parts
from testbed.e2e.attack.table import Entry, Request
from testbed.e2e.attack.verdict import Aim

# Every change is sent to the caller's own workspace. Elsewhere the workspace alone decides: one change of each field.
EVERYWHERE = (Aim.OTHER, Aim.NONE, Aim.UNKNOWN)
FRESH = {"fresh", "fresh_hex"}
EVERY_FIELD = "everywhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A request with a reference to the victim's object."""

    entry: Entry
    """The request, with templates that name the victim's object (`$victim_...`)."""

    original: Entry
    """The request without these templates."""

    where: str
    what: str
    field: str = ""
    """Path of the changed field if it gets the plain id of an object of its own kind; empty for all other changes."""

    whole: bool
    """True if it is the first change of its field, which is sent to all workspaces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A change, sent by a caller to a workspace."""

    number: int
    """Number in the full list, which is the same for the same server and the same tables."""

    change: Change
    caller: str
    aim: Aim
    pages: bool

    def request(self, values: Mapping[str, str]) -> Request:
        """The request; `values` holds the caller's own objects and the victim's (references.values)."""
        return self.change.entry.request(values, pages=self.pages)

    def use(self, attempt: int) -> str:
        """Purpose of the twin's missing ids (references.absent); empty for ids that all cases share.

        An id in another spelling, or of another kind, names nothing in the field. If a client may choose ids, the
        request and its twin each create an object with such an id, and the next case has to find both.
        """
        change = self.change
        return f"case {self.number}, attempt {attempt}" if change.field or change.where == EVERY_FIELD else ""

    def __str__(self) -> str:
        entry = self.change.entry
        where = f"{self.caller} -> {self.aim} ({'pages' if self.pages else 'REST'})"
        return f"case {self.number}: {where}: {entry.method} {entry.path}: {self.change.where} = {self.change.what}"


def generate(entries: Iterable[Entry], routes: Mapping[str, Sequence[Field]], callers: Sequence[str]) -> list[Case]:
    """All cases, in an order that depends on nothing but the arguments."""
    found: list[Case] = []
    known = set(routes)
    for entry in entries:
        forms = [pages for _, pages in table.forms(entry, known)]
        if not forms:
            continue
        leaves = routes[next(route for route, _ in table.forms(entry, known))]
        for change in changes(entry, leaves):
            aims = (Aim.COPIED, *EVERYWHERE) if change.whole else (Aim.COPIED,)
            for caller, aim in itertools.product(callers, aims):
                number = len(found)
                pages = forms[number % len(forms)]
                found.append(Case(number=number, change=change, caller=caller, aim=aim, pages=pages))
    return found


def sample(cases: Sequence[Case], seed: int, count: int | None) -> list[Case]:
    """Some of the cases, in their order: a share of every route, chosen by the seed."""
    if count is None or count >= len(cases):
        return list(cases)
    chosen = random.Random(seed)  # noqa: S311 - a sample, no secret
    routes: dict[str, list[Case]] = {}
    for case in cases:
        routes.setdefault(f"{case.change.entry.method} {case.change.entry.path}", []).append(case)
    # One of each route first; the rest by lot.
    first = [chosen.choice(group) for group in routes.values()]
    if len(first) >= count:
        return sorted(chosen.sample(first, count), key=lambda case: case.number)
    taken = {case.number for case in first}
    rest = chosen.sample([case for case in cases if case.number not in taken], count - len(first))
    return sorted([*first, *rest], key=lambda case: case.number)


def changes(entry: Entry, leaves: Sequence[Field]) -> Iterator[Change]:
    """Changes of a request: one field and one reference each, and at last all of its objects at once."""
    query = json.dumps(entry.parts)
    fields_ = [field for field in leaves if not field.operation or field.operation in query]
    known = {(field.place, field.path) for field in fields_}
    own = [field for field in _own(entry.parts) if not _is_known(field, known)]
    for field in (*fields_, *own):
        kind = fields.kind(field)
        if kind is Kind.TAG:
            yield from _tags(entry, field, leaves)
        elif kind is not None:
            yield from _of_field(entry, field, kind)
    yield from _all(entry)


def _is_known(field: Field, known: set[tuple[str, str]]) -> bool:
    return any((place, field.path) in known for place in (field.place, "message"))


def _change(entry: Entry, parts: Parts, field: Field, what: str, mode: Mode, *, whole: bool) -> Change:
    return Change(
        entry=dataclasses.replace(entry, parts=parts),
        original=entry,
        where=f"{field.place} {field.path} ({mode})",
        what=what,
        field=field.path if references.is_own_kind(field, what) else "",
        whole=whole,
    )


def _of_field(entry: Entry, field: Field, kind: Kind) -> Iterator[Change]:
    for number, template in enumerate(references.templates(f"{entry.method} {entry.path}", field, kind)):
        modes = tuple(Mode) if number == 0 else (Mode.INSTEAD,)
        for mode in modes:
            if (parts := places.put(entry.parts, field, template, mode)) is not None and parts != entry.parts:
                whole = number == 0 and mode is Mode.INSTEAD
                yield _change(entry, parts, field, template, mode, whole=whole)


def _tags(entry: Entry, field: Field, leaves: Sequence[Field]) -> Iterator[Change]:
    """Tags that the server follows: key and value together."""
    mapped = field.path.endswith("{}")
    key_path = f"{field.path.removesuffix('value')}key"
    keys = [one for one in leaves if one.path == key_path and one.place == field.place]
    if not mapped and not keys:
        return
    # A parameter is written once: a second value under the same name is an error.
    once = "param" in field.path or "param" in entry.path
    for number, (name, template) in enumerate(references.TAGS.items()):
        key = "$fresh" if once else name
        parts = places.put(entry.parts, field, template, key=key)
        if not mapped and parts is not None:
            parts = places.put(parts, keys[0], key)
        if parts is not None:
            yield _change(entry, parts, field, f"{name}: {template}", Mode.INSTEAD, whole=number == 0)


def _all(entry: Entry) -> Iterator[Change]:
    """The victim's objects in every place, as its owner would send it."""
    names = entry.objects() - FRESH - {"scorer_code"}
    if not names:
        return
    renamed = {name: f"${{victim_{name}}}" for name in names}
    kept = {name: f"${{{name}}}" for name in (*FRESH, "scorer_code")}
    parts = _renamed(entry.parts, {**kept, **renamed})
    changed = dataclasses.replace(entry, parts=parts)
    yield Change(entry=changed, original=entry, where=EVERY_FIELD, what="all", whole=True)
    if "$fresh_hex" in str(entry.parts.get("content", "")):
        content = str(entry.parts["content"]).replace("$fresh_hex", "$victim_trace_hex")
        changed = dataclasses.replace(entry, parts={**entry.parts, "content": content})
        yield Change(
            entry=changed, original=entry, where="content", what="$victim_trace_hex", field="traceId", whole=True
        )


def _renamed(part: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(part, str):
        return string.Template(part.replace("$$", "$$$$")).safe_substitute(names)
    if isinstance(part, dict):
        return {key: _renamed(item, names) for key, item in cast("dict[str, Any]", part).items()}
    if isinstance(part, list):
        return [_renamed(item, names) for item in cast("list[Any]", part)]
    return part


def _own(parts: Parts) -> Iterator[Field]:
    """Fields of the request itself, for handlers without a description of their fields."""
    for section, place in (("path", "path"), ("query", "query"), ("headers", "header"), ("body", "body")):
        for path in _paths(parts.get(section), ""):
            yield Field(place=place, path=path, type="string")


def _paths(part: Any, prefix: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(part, dict):
        for key, item in cast("dict[str, Any]", part).items():
            yield from _paths(item, f"{prefix}.{key}".lstrip("."))
    elif isinstance(part, list):
        for item in cast("list[Any]", part)[:1]:
            yield from _paths(item, f"{prefix}[]")
    elif isinstance(part, str):
        yield prefix
