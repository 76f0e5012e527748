"""A stack file that may have mistakes, with its profile's values for keys that the file does not set.

Checks that compare several settings read a `Draft`, not `Settings`: so they run even if single values are wrong.
"""

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings import outline, profiles
from settings.faults import shown


class Draft:
    """The valid values of a stack file, with the profile's values and the defaults; wrong values count as absent."""

    def __init__(self, document: Mapping[str, object], model: type[BaseModel]) -> None:
        self.written = document
        self._document = profiles.applied(document, model)
        self._model = model

    def value(self, path: str) -> object:
        """The value of a key: from the file, the profile or the default; None if the value is missing or wrong."""
        here: object = self._document
        inside: outline.Models = [self._model]
        for step in path.split("."):
            field = next((outline.fields(one)[step] for one in inside if step in outline.fields(one)), None)
            if field is None:
                return None
            here = mapping(here).get(step, _default(field))
            inside = outline.models(field.annotation)
            if field.discriminator is not None:
                inside = [one for one in inside if outline.choice(one) == mapping(here).get("kind")]
            kind = outline.value_kind(field.annotation, field.metadata)
            if kind is not None and kind.remedy(here) is not None:
                return None
        return here

    def text(self, path: str) -> str | None:
        """The value of a key if it is a string, else None."""
        value = self.value(path)
        return value if isinstance(value, str) else None

    def number(self, path: str) -> int | None:
        """The value of a key if it is a whole number, else None."""
        value = self.value(path)
        return value if isinstance(value, int) else None

    def section(self, path: str) -> Mapping[str, object]:
        """Keys and values of a section; empty if the section is absent or not a mapping."""
        return mapping(self.value(path))

    def says(self, path: str) -> bool:
        """True if the file sets the key, even to a wrong value."""
        *parents, last = path.split(".")
        here: Mapping[str, object] = self.written
        for step in parents:
            here = mapping(here.get(step))
        return last in here

    def origin(self, path: str) -> str:
        """Origin of a key's value: `stack file`, `profile <name>` or `default`."""
        return profiles.origin(self.written, path.split("."))

    def aside(self, path: str) -> str:
        """Origin of a key's value for messages, like ` (the default)`; an empty string for values from the file."""
        origin = self.origin(path)
        return {"stack file": "", "default": " (the default)"}.get(origin, f" ({origin})")

    def said(self, path: str) -> str:
        """A key's value and its origin for messages, like `2 (the default)`."""
        return shown(self.value(path)) + self.aside(path)


def _default(field: FieldInfo) -> object:
    """Default of a field, as a stack file would contain it."""
    value = outline.default(field)
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a mapping, else an empty mapping."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def texts(value: object) -> list[str]:
    """The strings in a list; an empty list for a value that is not a list."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
