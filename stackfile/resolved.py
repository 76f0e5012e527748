"""A stack's settings one by one, and where each value comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel

from stackfile import profiles
from stackfile.faults import path_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One key that holds for the stack."""

    steps: tuple[str, ...]
    value: object
    """A text, a number, a truth, a list, or None where the key may be left out and is."""

    origin: str
    """`stack file`, `profile <name>` or `default`."""

    @property
    def path(self) -> str:
        """As `pulumi config set --path` takes it."""
        return path_of(self.steps)


def entries(settings: BaseModel, document: Mapping[str, object]) -> Iterator[Entry]:
    """Every key of the settings that `document` led to."""
    yield from _entries(settings.model_dump(mode="json", by_alias=True), (), document)


def _entries(value: object, steps: tuple[str, ...], document: Mapping[str, object]) -> Iterator[Entry]:
    if isinstance(value, dict) and (value or not steps):
        for key, inner in cast("dict[str, object]", value).items():
            yield from _entries(inner, (*steps, key), document)
    else:
        yield Entry(steps, cast("object", value), profiles.origin(document, steps))
