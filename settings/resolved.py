"""All settings of a stack, each with its value and origin."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel

from settings import profiles
from settings.faults import path_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value and origin."""

    steps: tuple[str, ...]
    value: object
    """A string, number, boolean, list or empty mapping; None for an optional key that is not set."""

    origin: str
    """`stack file`, `profile <name>`, `login.provider <name>` or `default`."""

    @property
    def path(self) -> str:
        """The key's path as for `pulumi config set --path`."""
        return path_of(self.steps)


def entries(settings: BaseModel, document: Mapping[str, object]) -> Iterator[Entry]:
    """All keys of the settings with value and origin; `document` is the stack file that the settings come from."""
    yield from _entries(settings.model_dump(mode="json", by_alias=True), (), document)


def _entries(value: object, steps: tuple[str, ...], document: Mapping[str, object]) -> Iterator[Entry]:
    if isinstance(value, dict) and (value or not steps):
        for key, inner in cast("dict[str, object]", value).items():
            yield from _entries(inner, (*steps, key), document)
    else:
        yield Entry(steps, cast("object", value), profiles.origin(document, steps))
