"""Reading of a stack file without the Pulumi engine, with the same result as with the engine.

Scalars get the types that the engine gives them (YAML 1.2: `yes` is a string, a date without quotes is a timestamp).
A placeholder replaces encrypted values.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

from settings.secrets import PROJECT
from settings.source import Source, assemble

# Placeholder for an encrypted value, which only the engine can decrypt. No message shows values of encrypted keys.
UNKNOWN = "unknown"


class UnreadableError(ValueError):
    """A file that cannot be read as a stack file; the message says why, and in which line if that is known."""


class _Loader(yaml.SafeLoader):
    """A YAML loader that types scalars as the engine does."""

    # Without the YAML 1.1 types that PyYAML would inherit.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form


def _scalars(tag: str, pattern: str) -> str:
    full = f"tag:yaml.org,2002:{tag}"
    resolve = cast("Any", _Loader).add_implicit_resolver
    resolve(full, re.compile(rf"^(?:{pattern})$"), None)
    return full


def _integer(_: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "")
    # The engine reads a leading zero as octal, as YAML 1.1 does.
    return int(re.sub(r"^([-+]?)0(?=[0-7])", r"\g<1>0o", text), 0)


def _number(_: _Loader, node: yaml.ScalarNode) -> float:
    value = float(node.value)
    return int(value) if value.is_integer() else value


def _moment(_: _Loader, node: yaml.ScalarNode) -> str:
    year, month, day = node.value.split("-")
    return f"{year}-{month:0>2}-{day:0>2} 00:00:00 +0000 UTC"


def _section(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UnreadableError(f"line {line}: expected a string as key")
        if lines.setdefault(key.value, line) != line:
            raise UnreadableError(f"line {line}: the key `{key.value}` is already in line {lines[key.value]}")
    loader.flatten_mapping(node)
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}  # pyright: ignore[reportUnknownMemberType] - has no types


_scalars("null", r"~|null|Null|NULL|")
_scalars("bool", r"true|True|TRUE|false|False|FALSE")
_scalars("merge", "<<")
for _tag, _pattern, _make in (
    ("int", r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)", _integer),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", _number),
    ("timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", _moment),
):
    _Loader.add_constructor(_scalars(_tag, _pattern), _make)
_Loader.add_constructor("tag:yaml.org,2002:map", _section)


def read(text: str) -> Source:
    """The configuration in a stack file with the content `text`.

    Raises:
        UnreadableError: the text cannot be read as a stack file.
    """
    try:
        document: object = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnreadableError(f"{line}{error.problem}") from None
    except yaml.YAMLError:
        raise UnreadableError("the file contains characters that YAML does not allow") from None
    config = _mapping(document if document is not None else {}, "the file").get("config")
    values = {_full(key): value for key, value in _mapping(config if config is not None else {}, "`config`").items()}
    encrypted = frozenset(key for key, value in values.items() if any(_secure(value)))
    return assemble({key: _text(_without_secrets(value)) for key, value in values.items()}, encrypted)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise UnreadableError(f"expected {what} to be a YAML mapping (lines like `key: value`)")
    return cast("Mapping[str, object]", value)


def _full(key: str) -> str:
    """Write a key as `<namespace>:<name>`: add the project if there is no namespace, and remove `config:`."""
    namespace, colon, name = key.partition(":")
    return f"{namespace}:{name.removeprefix('config:')}" if colon else f"{PROJECT}:{key}"


def _secure(value: object) -> Iterator[bool]:
    """Yield True once for each encrypted value inside `value`."""
    if _is_secure(value):
        yield True
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, object]", value).values():
            yield from _secure(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _secure(inner)


def _is_secure(value: object) -> bool:
    return isinstance(value, dict) and [*cast("dict[str, object]", value)] == ["secure"]


def _without_secrets(value: object) -> object:
    if _is_secure(value):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _without_secrets(inner) for key, inner in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in cast("list[object]", value)]
    return value


def _text(value: object) -> str:
    """A value as the engine passes it: mappings and lists as JSON, scalars as strings, null as an empty string."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
