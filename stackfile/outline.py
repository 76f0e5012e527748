"""The shape of a settings model: which keys there are, where, and what each expects.

Shared by whoever explains faults, reads a faulty file leniently, or writes the documentation.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from stackfile.kinds import Kind

Models = Sequence[type[BaseModel]]
# Pydantic's mark behind a key of a map, when the key itself is wrong.
KEY_MARK = "[key]"


@dataclass(frozen=True, slots=True)
class Key:
    """One key that a stack file may have."""

    path: str
    """For example `database.host` or `teams.*.description`; `*` stands for a name of the user's own."""

    choice: str | None
    """Value of the section's `kind` that the key belongs to; None when there is no such choice."""

    field: FieldInfo


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file something was found."""

    steps: tuple[str | int, ...]
    """Keys and indices from the top, without pydantic's own marks."""

    parents: Models
    """Models that may have the last key."""

    field: FieldInfo | None
    """The last key's declaration; None for unknown keys and for entries of maps and lists."""


def models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    """All models in an annotation: one, one of several, or the values of a map."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def choice(model: type[BaseModel]) -> str | None:
    """The one value of a model's `kind`."""
    field = model.model_fields.get("kind")
    return None if field is None else get_args(field.annotation)[0]


def choices(field: FieldInfo) -> list[str]:
    """The values that `kind` may have in a section; empty where there is no choice."""
    return [kind for model in models(field.annotation) if (kind := choice(model))]


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by the names that stack files use."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def value_kind(annotation: Any, metadata: Iterable[object] = ()) -> Kind | None:  # noqa: ANN401 - any annotation
    """The kind of value that an annotation stands for, looking through `| None`."""
    found = next((item for item in metadata if isinstance(item, Kind)), None)
    if found is not None or get_origin(annotation) in (dict, tuple):
        return found
    for argument in get_args(annotation):
        inner = argument if isinstance(argument, Kind) else value_kind(argument)
        if inner is not None:
            return inner
    return None


def words(field: FieldInfo) -> str:
    """What a key expects, in words."""
    annotation = field.annotation
    found = value_kind(annotation, field.metadata)
    if found is not None:
        return found.meaning
    match get_origin(annotation):
        case origin if origin is Literal:
            return one_of(alternatives(field))
        case origin if origin is tuple:
            item = value_kind(get_args(annotation)[0])
            return f"a list; each item {item.meaning if item else 'a text'}"
        case origin if origin is dict and not models(annotation):
            return "a section of texts"
        case origin if origin is dict:
            name = value_kind(get_args(annotation)[0])
            return f"a section; each key {name.meaning if name else 'a text'}"
        case _:
            kinds = choices(field)
            return f"a section with `kind` {one_of(kinds)}" if kinds else "a section"


def alternatives(field: FieldInfo | None) -> tuple[str, ...]:
    """The values of a field that has a few; empty for others."""
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()


def default(field: FieldInfo) -> object:
    """A field's default; None when it has none."""
    value = field.get_default(call_default_factory=True, validated_data={})
    return None if value is PydanticUndefined else value


def one_of(values: Iterable[str]) -> str:
    """Alternatives in words."""
    return " or ".join(f"`{value}`" for value in values)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every key of a model, sections before what is in them."""
    of = choice(model)
    for name, field in fields(model).items():
        path = f"{prefix}{name}"
        yield Key(path, of if name != "kind" else None, field)
        for inner in models(field.annotation):
            yield from keys(inner, prefix_in(path, field))


def prefix_in(path: str, field: FieldInfo) -> str:
    """What the paths of the keys in a section begin with."""
    return f"{path}.*." if get_origin(field.annotation) is dict else f"{path}."


def locate(model: type[BaseModel], location: Sequence[str | int]) -> Place:
    """The place that pydantic's location means.

    Pydantic adds the chosen `kind` behind the key of a choice, and a mark behind a wrong key of a map.
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
        if get_origin(field.annotation) is dict and rest:
            steps.append(rest.pop(0))
            parents, field = [], None
    return Place(tuple(steps), parents, field)
