"""Kinds of values (strings, numbers, booleans), each with a description and with remedies for wrong values."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
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

    keywords: Mapping[str, object] = field(default_factory=dict[str, object], compare=False)
    """Keywords of JSON Schema that a valid value satisfies, for editors; they may admit wrong values too."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that runs this kind's check before pydantic's checks of the annotated type."""
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON Schema of the annotated type with this kind's keywords."""
        return {**handler(schema), **self.keywords}

    def _check(self, value: Any) -> Any:  # noqa: ANN401 - any value in the stack file
        remedy = self.remedy(value)
        if remedy is not None:
            raise PydanticCustomError(WRONG_KIND, "{meaning}", {"meaning": self.meaning, "remedy": remedy})
        return value


def text(meaning: str, advise: Callable[[str], str | None], pattern: str | None = None) -> Kind:
    """Create a kind of string; `advise` returns the remedy for a wrong string, and None for a valid one.

    `pattern` is a regular expression that all valid strings match, for editors.
    """

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

    # In the regular expressions of editors `\w` means fewer letters.
    if pattern is None or r"\w" in pattern:
        return Kind(meaning, remedy)
    return Kind(meaning, remedy, {"pattern": f"^(?:{pattern})$", "patternErrorMessage": f"expected {meaning}"})


def matching(meaning: str, pattern: str, otherwise: str) -> Kind:
    """Create a kind of string that matches a regular expression; `otherwise` is the remedy for any other string."""
    return text(meaning, lambda text: None if re.fullmatch(pattern, text) else otherwise, pattern)


def whole(low: int, high: int) -> Kind:
    """Create a kind of whole number, from `low` to `high`."""

    def remedy(value: object) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            nearest = min(max(value, low), high)
            return None if value == nearest else f"the nearest possible number is {nearest}"
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,18}\s*", value):
            return f"write it without quotes: {int(value)}"
        return f"write a number like {low}"

    return Kind(f"a whole number from {low} to {high}", remedy, {"minimum": low, "maximum": high})


def one_of(*numbers: int) -> Kind:
    """Create the kind of a number that is one of `numbers`."""
    meaning = " or ".join(map(str, numbers))

    def remedy(value: object) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool) and value in numbers:
            return None
        if isinstance(value, str) and value.strip() in map(str, numbers):
            return f"write it without quotes: {value.strip()}"
        return f"write {meaning}"

    return Kind(meaning, remedy, {"enum": [*numbers]})


def flag() -> Kind:
    """Create the kind for booleans."""

    def remedy(value: object) -> str | None:
        if isinstance(value, bool):
            return None
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return f"write it without quotes: {value.strip().lower()}"
        return "write true or false"

    return Kind("true or false", remedy)
