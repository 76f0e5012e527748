"""Kinds of values (strings, numbers, booleans), each with a description and with remedies for wrong values."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# Type of the pydantic errors that `Kind` raises; `settings/translation.py` reads it.
WRONG_KIND = "wrong_kind"
QUOTES = ("'", '"')


@dataclass(frozen=True, slots=True)
class Kind:
    """Metadata of an `Annotated` type that rejects wrong values before pydantic checks them."""

    meaning: str
    """Description of the expected value; messages say `expected <meaning>`."""

    remedy: Callable[[object], str | None]
    """Returns the remedy for a wrong value, and None for a valid one."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that runs this kind's check before pydantic's checks of the annotated type."""
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def _check(self, value: Any) -> Any:  # noqa: ANN401 - any value in the stack file
        remedy = self.remedy(value)
        if remedy is not None:
            raise PydanticCustomError(WRONG_KIND, "{meaning}", {"meaning": self.meaning, "remedy": remedy})
        return value


def text(meaning: str, advise: Callable[[str], str | None]) -> Kind:
    """Create a kind of string; `advise` returns the remedy for a wrong string, and None for a valid one."""

    def remedy(value: object) -> str | None:
        if isinstance(value, str):
            inner = value[1:-1]
            if value.startswith(QUOTES) and value[0] == value[-1] and inner and advise(inner) is None:
                return "write it without the inner quotes"
            return advise(value)
        if isinstance(value, bool | int | float):
            written = json.dumps(value)
            return advise(written) or f'write it in quotes: "{written}"'
        return "write a string"

    return Kind(meaning, remedy)


def whole(low: int, high: int) -> Kind:
    """Create a kind of whole number, from `low` to `high`."""

    def remedy(value: object) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            nearest = min(max(value, low), high)
            return None if value == nearest else f"the nearest possible number is {nearest}"
        if isinstance(value, str) and value.strip().isdecimal():
            return f"write it without quotes: {int(value)}"
        return f"write a number like {low}"

    return Kind(f"a whole number from {low} to {high}", remedy)


def flag() -> Kind:
    """Create the kind for booleans."""

    def remedy(value: object) -> str | None:
        if isinstance(value, bool):
            return None
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return f"write it without quotes: {value.strip().lower()}"
        return "write true or false"

    return Kind("true or false", remedy)
