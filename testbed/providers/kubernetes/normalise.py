"""Inputs as the real provider rewrites them: through the Go type of the kind and back.

`types.json` has the Go types (see `typetable/main.go`, which makes it). A misspelt field is gone
afterwards, a zero that Go omits is gone, quantities are canonical; a value of the wrong type
leaves the whole object as it was. Custom resources and CustomResourceDefinitions have no Go type.
Versions that are not stable (`v1beta1`) are missing in the table, so they pass unchanged too; the
real provider types them.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, cast

from testbed.providers.kubernetes.kinds import Kind, is_custom_resource_definition, kind_of
from testbed.providers.kubernetes.quantity import QuantityError, canonical
from testbed.providers.values import Json, Object, dig, has_unknown, mapping, same

_READ_ONLY: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_EMPTY: Final[tuple[Json, ...]] = (None, False, 0, "", [], {})


class _ConversionError(ValueError):
    """A value does not fit the Go type; the object is then left alone."""


class _Table(NamedTuple):
    kinds: dict[str, str]
    types: dict[str, dict[str, str]]


@cache
def _table() -> _Table:
    document = json.loads(Path(__file__).with_name("types.json").read_text(encoding="utf-8"))
    return _Table(
        cast("dict[str, str]", document["kinds"]),
        cast("dict[str, dict[str, str]]", document["types"]),
    )


def normalise(obj: Object) -> Object:
    """Return the inputs in the form that is sent, compared and saved."""
    result = obj if has_unknown(obj) else _through_go(obj)
    metadata = dig(result, "metadata")
    if not isinstance(metadata, dict):
        return result
    kept: Object = {key: value for key, value in metadata.items() if key not in _READ_ONLY}
    return {**result, "metadata": kept}


def prune(source: Object, pattern: Object) -> Object:
    """Keep the keys of the source that the pattern has too, and as many items of its lists."""
    return {key: _prune_value(value, pattern[key]) for key, value in source.items() if key in pattern}


def _prune_value(value: Json, pattern: Json) -> Json:
    if isinstance(value, dict) and isinstance(pattern, dict):
        return prune(value, pattern)
    if isinstance(value, list) and isinstance(pattern, list):
        if value and pattern and type(value[0]) is not type(pattern[0]):
            return value
        return [_prune_value(item, model) for item, model in zip(value, pattern, strict=False)]
    return value


def _through_go(obj: Object) -> Object:
    if is_custom_resource_definition(obj):
        return _custom_resource_definition(obj)
    if kind_of(obj).key == "v1/Secret":
        return _secret(obj)
    table = _table()
    type_name = table.kinds.get(kind_of(obj).key)
    if type_name is None:
        return obj
    try:
        return prune(_struct(obj, table.types[type_name], table), obj)
    except _ConversionError:
        return obj


def _struct(value: Json, fields: dict[str, str], table: _Table) -> Object:
    if not isinstance(value, dict):
        raise _ConversionError
    result: Object = {}
    for name, spelled in fields.items():
        item = value.get(name)
        if item is None:
            continue
        spec = spelled.lstrip("?~")
        converted = _convert(item, spec, table)
        if "?" in spelled and _is_empty(converted, spec, table):
            continue
        result[name] = converted
    return result


def _is_empty(value: Json, spec: str, table: _Table) -> bool:
    """Say what Go's `omitempty` leaves out: a pointer or a struct is never empty once given."""
    if spec.startswith("*") or spec in table.types or spec in {"quantity", "intstr"}:
        return False
    return any(same(value, empty) for empty in _EMPTY)


def _convert(value: Json, spec: str, table: _Table) -> Json:
    if spec.startswith("*"):
        return _convert(value, spec[1:], table)
    if spec.startswith("[]"):
        if not isinstance(value, list):
            raise _ConversionError
        return [_convert(item, spec[2:], table) for item in value]
    if spec.startswith("{}"):
        if not isinstance(value, dict):
            raise _ConversionError
        return {key: _convert(item, spec[2:], table) for key, item in value.items()}
    if spec in table.types:
        return _struct(value, table.types[spec], table)
    return _scalar(value, spec)


def _scalar(value: Json, spec: str) -> Json:
    match spec, value:
        case ("any", _) | ("bool", bool()) | ("string", str()):
            return value
        case ("int" | "float" | "intstr" | "quantity", bool()):
            raise _ConversionError
        case ("int", int()) | ("float", int() | float()) | ("intstr", int() | str()):
            return value
        case ("quantity", int() | float() | str()):
            return _quantity(str(value))
        case ("bytes", str()):
            return _base64(value)
        case ("time" | "microtime", str()):
            return _time(value, micro=spec == "microtime")
        case _:
            raise _ConversionError


def _quantity(text: str) -> str:
    try:
        return canonical(text)
    except QuantityError as error:
        raise _ConversionError from error


def _base64(text: str) -> str:
    try:
        decoded = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _ConversionError from error
    return base64.b64encode(decoded).decode("ascii")


def _time(text: str, *, micro: bool) -> str:
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise _ConversionError from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def _custom_resource_definition(obj: Object) -> Object:
    spec = mapping(obj, "spec")
    result: Object = {key: value for key, value in obj.items() if key != "status"}
    if spec.get("preserveUnknownFields") is False:
        result["spec"] = {key: value for key, value in spec.items() if key != "preserveUnknownFields"}
    return result


def _secret(obj: Object) -> Object:
    """Move `stringData` into `data`, as the server does, and write base64 without spaces."""
    string_data = mapping(obj, "stringData")
    data: Object = dict(mapping(obj, "data"))
    if string_data and all(isinstance(value, str) for value in string_data.values()):
        for key, value in string_data.items():
            data[key] = base64.b64encode(str(value).encode()).decode("ascii")
        return {**{key: value for key, value in obj.items() if key != "stringData"}, "data": data}
    for key, value in data.items():
        if isinstance(value, str):
            try:
                data[key] = _base64(value)
            except _ConversionError:
                continue  # the server refuses it with a message of its own
    return {**obj, "data": data} if data else obj


def is_known(kind: Kind) -> bool:
    """Say whether a kind is built in, as far as the table knows."""
    return kind.key in _table().kinds
