"""A stack file that may have faults, read leniently.

Contradictions are looked for in it, so that they are reported together with faults in single values.
"""

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel

from stackfile import outline


class Draft:
    """What is right in a document: every other value counts as absent."""

    def __init__(self, document: Mapping[str, object], model: type[BaseModel]) -> None:
        self._document = document
        self._model = model

    def value(self, path: str) -> object:
        """What a key says, or else its default; None when it has none or says something wrong."""
        here: object = self._document
        inside: outline.Models = [self._model]
        for step in path.split("."):
            field = next((outline.fields(one)[step] for one in inside if step in outline.fields(one)), None)
            if field is None:
                return None
            here = mapping(here).get(step, outline.default(field))
            inside = outline.models(field.annotation)
            if field.discriminator is not None:
                inside = [one for one in inside if outline.choice(one) == kind_of(here)]
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
        """A section as it is written; empty when it is absent or something else."""
        return mapping(self.value(path))

    def says(self, path: str) -> bool:
        """Whether the file has the key, be it right or wrong."""
        *parents, last = path.split(".")
        here: Mapping[str, object] = self._document
        for step in parents:
            here = mapping(here.get(step))
        return last in here


def kind_of(value: object) -> object:
    """The `kind` of a section as it is written, or of a default."""
    return outline.choice(type(value)) if isinstance(value, BaseModel) else mapping(value).get("kind")


def mapping(value: object) -> Mapping[str, object]:
    """A value as a mapping; empty when it is none."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def texts(value: object) -> list[str]:
    """The texts in a list; empty when it is none."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
