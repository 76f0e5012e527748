"""A stack file that may have faults, read leniently, with its profile's values where it says nothing.

Contradictions are looked for in it, so that they are reported together with faults in single values.
"""

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stackfile import outline, profiles
from stackfile.faults import shown


class Draft:
    """What is right in a document: every other value counts as absent."""

    def __init__(self, document: Mapping[str, object], model: type[BaseModel]) -> None:
        self._written = document
        self._document = profiles.applied(document, model)
        self._model = model

    def value(self, path: str) -> object:
        """What a key says, or else its profile, or else its default; None when there is none or it is wrong."""
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
        """A text, or None."""
        value = self.value(path)
        return value if isinstance(value, str) else None

    def number(self, path: str) -> int | None:
        """A whole number, or None."""
        value = self.value(path)
        return value if isinstance(value, int) else None

    def section(self, path: str) -> Mapping[str, object]:
        """A section; empty when it is absent or something else."""
        return mapping(self.value(path))

    def says(self, path: str) -> bool:
        """Whether the file has the key, be it right or wrong."""
        *parents, last = path.split(".")
        here: Mapping[str, object] = self._written
        for step in parents:
            here = mapping(here.get(step))
        return last in here

    def origin(self, path: str) -> str:
        """Where the value of a key comes from: `stack file`, `profile <name>` or `default`."""
        return profiles.origin(self._written, path.split("."))

    def aside(self, path: str) -> str:
        """Where a key's value comes from, as a message puts it behind the value; nothing for the file's own."""
        origin = self.origin(path)
        return {"stack file": "", "default": " (the default)"}.get(origin, f" ({origin})")

    def said(self, path: str) -> str:
        """A key's value as a message shows it, with where it comes from."""
        return shown(self.value(path)) + self.aside(path)


def _default(field: FieldInfo) -> object:
    """A field's default, in the form of a stack file."""
    value = outline.default(field)
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value


def mapping(value: object) -> Mapping[str, object]:
    """A value as a mapping; empty when it is none."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def texts(value: object) -> list[str]:
    """The texts in a list; empty when it is none."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
