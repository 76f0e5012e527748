"""Reading of a stack file that may have mistakes, so that each rule still runs if the settings that it reads are right.

`partial` leaves out values that are wrong, missing or misspelt, and the wrong entries of lists. A rule reads settings
as if the file had no mistakes. When it reads a setting that was left out, `UnknownValueError` is raised, and `findings`
continues with the next rule.
"""

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, cast, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from settings import outline, profiles
from settings.faults import Fault, path_of, shown
from settings.schema.base import Model, Place, UnknownValueError

M = TypeVar("M", bound=Model)
T = TypeVar("T")
_LEFT_OUT = object()


def partial(model: type[M], written: Mapping[str, object]) -> M:
    """The settings in a document, with the values of its profile and provider.

    Reading a wrong or missing setting raises an error.

    Raises:
        UnknownValueError: not by this function, but by every attribute whose value was left out.
    """
    return _section(model, profiles.applied(written, model), Place(written))


def findings(rules: Iterable[Callable[[M], Iterator[Fault]]], settings: M) -> Iterator[Fault]:
    """The mistakes or warnings of all rules; a rule ends at the first setting that was left out."""
    for rule in rules:
        yield from known(rule(settings))


def known(found: Iterable[T]) -> Iterator[T]:
    """The items up to the first one that needs a setting that was left out."""
    try:
        yield from found
    except UnknownValueError:
        return


class Key(str):  # noqa: SLOT000 - a string has no room for slots with values
    """Path of a setting, as for `pulumi config set --path`, with the origin of its value."""

    written: bool
    """True if the stack file has the key, even with a wrong value; False if the value is null, which sets nothing."""

    origin: str
    """`stack file`, `profile <name>`, `login.provider <name>` or `default`."""

    value: object
    """The value; None if it was left out."""

    @property
    def shown(self) -> str:
        """The value and its origin for messages, like `2 (the default)`."""
        origin = {"stack file": "", "default": " (the default)"}.get(self.origin, f" ({self.origin})")
        return shown(self.value) + origin

    def entry(self, step: str | int) -> str:
        """Path of an entry in this key's mapping or list."""
        return path_of((self, step))


def key(section: M, field: Callable[[M], object]) -> Key:
    """The key of a setting in a section, such as `key(server, lambda one: one.pool_size)`."""
    steps, written = _steps(section, field), section.place.written
    found = Key(path_of(steps))
    try:
        value = field(section)
        # Messages show any section as "a mapping".
        found.value = {} if isinstance(value, Model) else value
    except UnknownValueError:
        found.value = None
    found.origin = profiles.origin(written, steps)
    found.written = found.origin == "stack file" and _in_file(written, steps) is not None
    return found


def texts(section: M, field: Callable[[M], object]) -> Iterator[str]:
    """All strings in the value of a setting, even in a wrong value."""
    yield from _strings(_in_file(section.place.written, _steps(section, field)))


def numbered(values: tuple[T, ...]) -> Iterator[tuple[int, T]]:
    """The entries of a list, each with its index in the stack file."""
    return zip(values.indexes, values, strict=True) if isinstance(values, _Items) else enumerate(values)


def _steps(section: M, field: Callable[[M], object]) -> list[str]:
    """Keys from the top of the file to a setting."""
    steps = [*section.place.steps]
    field(cast("M", _Trace(steps)))
    return steps


class _Trace:
    """A stand-in for a section, which notes the attributes and entries that are read."""

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps

    def __getattr__(self, name: str) -> "_Trace":
        self._steps.append(to_camel(name))
        return self

    def __getitem__(self, name: str) -> "_Trace":
        self._steps.append(name)
        return self


class _Items(tuple[Any, ...]):  # noqa: SLOT001 - a tuple has no room for slots with values
    """The right items of a list that has wrong ones too, for rules about single items.

    `len` also counts the wrong items. `in` raises `UnknownValueError` for an item that is not among the right ones.
    """

    indexes: tuple[int, ...]
    length: int

    def __len__(self) -> int:
        return self.length

    def __contains__(self, item: object) -> bool:
        if any(item == one for one in self):
            return True
        raise UnknownValueError


class _Entries(dict[str, Any]):
    """The right entries of a mapping that has wrong ones too; `len` also counts the wrong ones."""

    length: int

    def __len__(self) -> int:
        return self.length


def _in_file(written: Mapping[str, object], steps: Sequence[str]) -> object:
    *above, last = steps
    return profiles.section(written, above).get(last)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        inside = cast("Mapping[str, object] | list[object]", value)
        for inner in inside.values() if isinstance(inside, Mapping) else inside:
            yield from _strings(inner)


def _section(model: type[M], values: Mapping[str, object], place: Place) -> M:
    fields: dict[str, object] = {}
    known = outline.fields(model)
    # The profile's values count as absent: the file probably sets another one by the misspelt name.
    written = profiles.section(place.written, place.steps).keys()
    misspelt = {near for name in written - known for near in outline.nearest(name, known)} - written
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if alias in misspelt:
            value = _LEFT_OUT
        elif alias in values:
            value = _value(model, name, values[alias], Place(place.written, (*place.steps, alias)))
        elif field.is_required():
            value = _LEFT_OUT
        else:
            value = _default(model, name, Place(place.written, (*place.steps, alias)))
        if value is not _LEFT_OUT:
            fields[name] = value
    return model.placed(fields, place, {*values})


def _default(model: type[Model], name: str, place: Place) -> object:
    value, written = _defaults(model, name)
    return _section(type(value), written, place) if isinstance(value, Model) else value


@functools.cache
def _defaults(model: type[Model], name: str) -> tuple[object, Mapping[str, object]]:
    """Default of a field and, if the default is a section, its keys and values as in a stack file."""
    value = outline.default(model.model_fields[name])
    return value, value.model_dump(mode="json", by_alias=True) if isinstance(value, Model) else {}


def _value(model: type[Model], name: str, value: object, place: Place) -> object:
    field = model.model_fields[name]
    sections = cast("list[type[Model]]", outline.models(field.annotation))
    if not sections or not isinstance(value, Mapping):
        return _right(_validator(model, name), value, get_origin(outline.bare(field.annotation)))
    entries = cast("Mapping[str, object]", value)
    if get_origin(field.annotation) is dict:
        (inner,) = sections
        return {
            name: _entry(inner, given, Place(place.written, (*place.steps, name))) for name, given in entries.items()
        } or _LEFT_OUT
    if field.discriminator is not None or len(sections) > 1:
        sections = [one for one in sections if outline.choice(one) == entries.get("kind")]
    return _section(sections[0], entries, place) if sections else _LEFT_OUT


def _entry(model: type[M], value: object, place: Place) -> M:
    """An entry of a mapping, even with a wrong name; if the entry is not a section, all its fields are left out."""
    if isinstance(value, Mapping):
        return _section(model, cast("Mapping[str, object]", value), place)
    return model.placed({}, place, set())


def _right(validator: TypeAdapter[Any], value: object, kind: object) -> object:
    """The value if it is right; the right entries if only some entries of a list or plain mapping are wrong."""
    whole = _checked(validator, value)
    if whole is not _LEFT_OUT or not value:
        return whole
    if isinstance(value, list) and kind is tuple:
        items = [_checked(validator, [item]) for item in cast("list[object]", value)]
        right = {index: cast("tuple[object]", item)[0] for index, item in enumerate(items) if item is not _LEFT_OUT}
        found = _Items(right.values())
        found.indexes, found.length = tuple(right), len(items)
        return found
    if isinstance(value, Mapping) and kind is dict:
        given = cast("Mapping[str, object]", value)
        kept = _Entries({name: one for name, one in given.items() if _checked(validator, {name: one}) is not _LEFT_OUT})
        kept.length = len(given)
        return kept
    return whole


def _checked(validator: TypeAdapter[Any], value: object) -> object:
    try:
        # As JSON: only then does a strict model accept lists for tuples.
        return validator.validate_json(json.dumps(value))
    except ValidationError:
        return _LEFT_OUT


@functools.cache
def _validator(model: type[Model], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return TypeAdapter(kind, config=None if outline.models(field.annotation) else ConfigDict(strict=True))
