"""The structure of the settings model: all keys, and the value that each expects.

Used to explain mistakes, to read files with mistakes, and to generate documentation.
"""

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from settings.types.kinds import Kind

Models = Sequence[type[BaseModel]]
# Pydantic adds this after a key of a mapping if the key itself is wrong.
KEY_MARK = "[key]"
# Minimum similarity of an unknown key to the known one that it may stand for.
ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Key:
    """One key that a stack file may have."""

    path: str
    """For example `database.host` or `teams.*.description`; `*` is any name that the user chooses."""

    choice: str | None
    """The section's `kind` that this key belongs to; None if the key exists with every `kind`."""

    field: FieldInfo


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a stack file: a key, or an entry of a list or mapping."""

    steps: tuple[str | int, ...]
    """Keys and list indices from the top of the file, without pydantic's own entries (such as `[key]`)."""

    parents: Models
    """Models in which the last key is looked up; empty for entries of mappings."""

    field: FieldInfo | None
    """Declaration of the last key; None for unknown keys and for entries of mappings and lists."""


def models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    """All models in an annotation, for example in `A`, `A | B` or `Mapping[str, A]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def bare(annotation: Any) -> Any:  # noqa: ANN401 - any annotation
    """The annotation without `| None`."""
    inner = [one for one in get_args(annotation) if one is not type(None)]
    return inner[0] if get_origin(annotation) in (Union, UnionType) and len(inner) == 1 else annotation


def choice(model: type[BaseModel]) -> str | None:
    """The value of a model's `kind`; None if the model has no `kind`, or its `kind` is optional."""
    field = model.model_fields.get("kind")
    return None if field is None or not field.is_required() else get_args(field.annotation)[0]


def choices(field: FieldInfo) -> list[str]:
    """The possible values of `kind` in a section; empty if the section has no `kind`."""
    return [kind for model in models(field.annotation) if (kind := choice(model))]


@functools.cache
def fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """A model's fields by the names that stack files use."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def nearest(key: str, known: Iterable[str]) -> list[str]:
    """The known key that an unknown one may be a misspelling of; empty if there is none."""
    return difflib.get_close_matches(key, sorted(known), n=1, cutoff=ALIKE)


def value_kind(annotation: Any, metadata: Iterable[object] = ()) -> Kind | None:  # noqa: ANN401 - any annotation
    """The `Kind` in an annotation or its metadata, ignoring `| None`; None for mappings, lists and sections."""
    kind = next((item for item in metadata if isinstance(item, Kind)), None)
    if kind is not None or get_origin(annotation) in (dict, tuple):
        return kind
    for argument in get_args(annotation):
        inner = argument if isinstance(argument, Kind) else value_kind(argument)
        if inner is not None:
            return inner
    return None


def words(field: FieldInfo) -> str:
    """Description of the value that a key expects."""
    annotation = bare(field.annotation)
    kind = value_kind(annotation, field.metadata)
    if kind is not None:
        return kind.meaning
    match get_origin(annotation):
        case origin if origin is Literal:
            return one_of(alternatives(field))
        case origin if origin is tuple:
            item = value_kind(get_args(annotation)[0])
            other = "a mapping" if models(annotation) else "a string"
            return f"a list; each item is {item.meaning if item else other}"
        case origin if origin is dict and not models(annotation):
            return "a mapping with strings as values"
        case origin if origin is dict:
            name = value_kind(get_args(annotation)[0])
            return f"a mapping; each key is {name.meaning if name else 'a string'}"
        case _:
            kinds = choices(field)
            return f"a mapping with `kind` {one_of(kinds)}" if kinds else "a mapping"


def alternatives(field: FieldInfo | None) -> tuple[str, ...]:
    """The possible values of a `Literal` field; empty for other fields."""
    annotation = bare(field.annotation) if field else None
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def default(field: FieldInfo) -> object:
    """Default of a field; None if the field has no default."""
    value = field.get_default(call_default_factory=True, validated_data={})
    return None if value is PydanticUndefined else value


def one_of(values: Iterable[str]) -> str:
    """Alternatives in one string, like `a` or `b`."""
    return " or ".join(f"`{value}`" for value in values)


@functools.cache
def keys(model: type[BaseModel], prefix: str = "") -> tuple[Key, ...]:
    """All keys of a model, each section before its content."""
    return tuple(_keys(model, prefix))


def _keys(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    of = choice(model)
    for name, field in fields(model).items():
        path = f"{prefix}{name}"
        yield Key(path, of if name != "kind" else None, field)
        for inner in models(field.annotation):
            yield from _keys(inner, prefix_in(path, field))


def prefix_in(path: str, field: FieldInfo) -> str:
    """Prefix of the paths of all keys in a section; `[*]` is an entry of a list."""
    return {dict: f"{path}.*.", tuple: f"{path}[*]."}.get(get_origin(bare(field.annotation)), f"{path}.")


def locate(model: type[BaseModel], location: Sequence[str | int]) -> Place:
    """The place in the stack file that the location (`loc`) of a pydantic error names.

    Pydantic adds the selected `kind` after the key of a union, and `[key]` after a wrong key of a mapping; the place
    contains neither.
    """
    steps: list[str | int] = []
    parents: Models = [model]
    inside: Models = [model]
    field: FieldInfo | None = None
    rest = [step for step in location if step != KEY_MARK]
    while rest:
        step = rest.pop(0)
        steps.append(step)
        parents, field = inside, next((fields(one)[str(step)] for one in inside if str(step) in fields(one)), None)
        if field is None:
            inside = []
            continue
        inside = models(field.annotation)
        if field.discriminator is not None and rest:
            tag = rest.pop(0)
            inside = [one for one in inside if choice(one) == tag]
        if get_origin(bare(field.annotation)) in (dict, tuple) and rest:
            steps.append(rest.pop(0))
            parents, field = [], None
    return Place(tuple(steps), parents, field)
