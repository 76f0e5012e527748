"""The configuration of rules: levels, parameters and exceptions, as `--policy-pack-config` gives them.

Pulumi checks parameters against their schemas, but silently ignores unknown keys and unknown rules. The functions here
report them.
"""

import datetime as dt
import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from . import exceptions
from .exceptions import EXCEPTIONS, Exemption

LEVELS = ("mandatory", "advisory", "disabled")
LEVEL = "enforcementLevel"
# Pulumi's name for all rules of the pack.
ALL = "all"
KINDS: dict[str, tuple[type, str]] = {
    "object": (Mapping, "an object"),
    "array": (list, "a list"),
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
}

# The stack's configuration, as the engine gives it to a pack: JSON, with secrets in plain text.
VARIABLE = "PULUMI_CONFIG"
PROFILE = "mlflow-platform:profile"

Schema = Mapping[str, Any]
"""A JSON schema with the keywords that `faults` supports."""


class ConfigurationError(ValueError):
    """The configuration of a rule has mistakes; the message lists them."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of one rule."""

    parameters: Mapping[str, Any]
    exemptions: list[Exemption]


def profile() -> str:
    """The platform's profile in the configuration of the stack that is checked; empty for other programs."""
    config: object = json.loads(os.environ.get(VARIABLE) or "{}")
    return str(cast("Mapping[str, object]", config).get(PROFILE, "")) if isinstance(config, Mapping) else ""


def read(rule: str, parameters: Mapping[str, Schema], given: Mapping[str, Any] | None) -> Configuration:
    """The configuration of a rule, with defaults for missing values.

    Raises:
        ConfigurationError: there is a mistake in it.
    """
    # The protocol of policies has no whole numbers.
    whole = cast("dict[str, Any]", _whole(given or {}))
    if found := list(faults(whole, schema_of(parameters), rule)):
        raise ConfigurationError("; ".join(found))
    defaults = {name: schema["default"] for name, schema in parameters.items()}
    return Configuration(
        {name: whole.get(name, default) for name, default in defaults.items()},
        exceptions.read(whole.get(EXCEPTIONS, [])),
    )


def schema_of(parameters: Mapping[str, Schema]) -> Schema:
    """The schema of a rule's configuration without its level."""
    return {"type": "object", "properties": {**parameters, EXCEPTIONS: exceptions.SCHEMA}}


def file_faults(document: object, rules: Mapping[str, Mapping[str, Schema]]) -> Iterator[str]:
    """Mistakes in a whole file; `rules` has the parameters of each rule by its name."""
    if not isinstance(document, Mapping):
        yield "the file must be an object with the names of rules as keys"
        return
    for name, entry in cast("Mapping[str, object]", document).items():
        if isinstance(entry, str) and (name == ALL or name in rules):
            yield from _level_faults(entry, name)
        elif name == ALL:
            yield f"{ALL} must be a level, one of {', '.join(LEVELS)}: parameters and exceptions belong to single rules"
        elif name not in rules:
            yield f"{name} is not a rule of this pack{_similar(name, rules)}"
        elif isinstance(entry, Mapping):
            given = dict(cast("Mapping[str, object]", entry))
            if LEVEL in given:
                yield from _level_faults(given.pop(LEVEL), f"{name}.{LEVEL}")
            yield from faults(given, schema_of(rules[name]), name)
        else:
            yield f"{name} must be a level or an object with {LEVEL}, parameters and {EXCEPTIONS}"


def faults(value: object, schema: Schema, place: str) -> Iterator[str]:
    """A message for each difference between a value and its schema."""
    kind, words = KINDS[schema["type"]]
    if not isinstance(value, kind) or isinstance(value, bool):
        yield f"{place} must be {words}{_meaning(schema)}"
    elif isinstance(value, Mapping):
        yield from _object_faults(cast("Mapping[str, object]", value), schema, place)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from faults(item, schema["items"], f"{place}[{index}]")
    elif isinstance(value, str):
        if not re.search(schema.get("pattern", ""), value) or not _is_date(value, schema):
            yield f"{place} must not be `{value}`{_meaning(schema)}"
    elif isinstance(value, int) and value < schema.get("minimum", value):
        yield f"{place} must be at least {schema['minimum']}{_meaning(schema)}"


def _object_faults(value: Mapping[str, object], schema: Schema, place: str) -> Iterator[str]:
    known: Mapping[str, Schema] = schema["properties"]
    for key in value:
        if key not in known:
            yield f"{place}.{key} is unknown{_similar(key, known)}: {place} has {', '.join(known)}"
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{place}.{key} is missing{_meaning(known[key])}"
    for key, inner in known.items():
        if key in value:
            yield from faults(value[key], inner, f"{place}.{key}")


def _level_faults(level: object, place: str) -> Iterator[str]:
    if level not in LEVELS:
        yield f"{place} must be one of {', '.join(LEVELS)}, found `{level}`"


def _is_date(text: str, schema: Schema) -> bool:
    if schema.get("format") != "date":
        return True
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _meaning(schema: Schema) -> str:
    return f": {schema['description']}"


def _similar(name: str, known: Mapping[str, object]) -> str:
    return "".join(f" (did you mean {close}?)" for close in difflib.get_close_matches(name, known, 1))


def _whole(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[object]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
