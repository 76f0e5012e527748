"""Property values of the provider protocol, as plain Python values plus `Secret` and `Unknown`.

The protocol marks secrets with magic keys, and values that are not known yet with magic strings. All its numbers are
doubles; `decode` converts whole numbers to `int`, which AWS requires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from testbed.providers.protocol import ProviderError

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark, not a password
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWNS: Final = frozenset(
    {
        rpc.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine encrypts in its state and does not print."""

    value: Json


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known before `up`."""


UNKNOWN: Final = Unknown()

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | Secret | Unknown | None"
Object: TypeAlias = "dict[str, Json]"


def decode(message: struct_pb2.Struct) -> Object:
    """Decode a property map; null entries are left out, as in every provider."""
    return {key: value for key, field in message.fields.items() if (value := _decode(field)) is not None}


def _decode(value: struct_pb2.Value) -> Json:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_struct(value.struct_value)
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None


def _decode_struct(struct: struct_pb2.Struct) -> Json:
    if _SIGNATURE not in struct.fields:
        return decode(struct)
    signature = struct.fields[_SIGNATURE].string_value
    inner = _decode(struct.fields["value"]) if "value" in struct.fields else None
    if signature == _SECRET:
        return Secret(inner)
    if signature == _OUTPUT:
        known: Json = inner if "value" in struct.fields else UNKNOWN
        return Secret(known) if struct.fields["secret"].bool_value else known
    message = "the provider stand-ins do not support assets, archives and resource references as inputs"
    raise ProviderError(message)


def encode(values: Mapping[str, Json]) -> struct_pb2.Struct:
    """Encode a property map; the opposite of `decode`."""
    return struct_pb2.Struct(fields={key: _encode(value) for key, value in values.items() if value is not None})


def _encode(value: Json) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            result = struct_pb2.Value(bool_value=value)
        case int() | float():
            result = struct_pb2.Value(number_value=value)
        case str():
            result = struct_pb2.Value(string_value=value)
        case Unknown():
            result = struct_pb2.Value(string_value=rpc.UNKNOWN)
        case Secret():
            fields = {_SIGNATURE: _encode(_SECRET), "value": _encode(value.value)}
            result = struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
        case list():
            items = struct_pb2.ListValue(values=[_encode(item) for item in value])
            result = struct_pb2.Value(list_value=items)
        case dict():
            result = struct_pb2.Value(struct_value=encode(value))
    return result


def plain(value: Json) -> Json:
    """Return a copy without secret marks."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def plain_object(value: Mapping[str, Json]) -> Object:
    """Return a copy of an object without secret marks."""
    return {key: plain(item) for key, item in value.items()}


def _anywhere(value: Json, wanted: type[Secret | Unknown]) -> bool:
    if isinstance(value, wanted):
        return True
    if isinstance(value, Secret):
        return _anywhere(value.value, wanted)
    if isinstance(value, dict):
        return any(_anywhere(item, wanted) for item in value.values())
    if isinstance(value, list):
        return any(_anywhere(item, wanted) for item in value)
    return False


def has_unknown(value: Json) -> bool:
    """True if any part of the value is not known yet."""
    return _anywhere(value, Unknown)


def has_secret(value: Json) -> bool:
    """True if any part of the value is secret."""
    return _anywhere(value, Secret)


def same(left: Json, right: Json) -> bool:
    """Compare as JSON does: `1` equals `1.0`, and neither equals `true`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def parse_json(document: object) -> Json:
    """Cast the result of a JSON or YAML parser to `Json`."""
    return cast("Json", document)


def dig(value: Json, *path: str) -> Json:
    """Follow keys into nested objects; `None` when one is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text(value: Json, *path: str) -> str:
    """Return the string at the path, or the empty string."""
    found = dig(value, *path)
    return found if isinstance(found, str) else ""


def whole(value: Json, *path: str, default: int = 0) -> int:
    """Return the integer at the path, or the default."""
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def mapping(value: Json, *path: str) -> Object:
    """Return the object at the path, or a new empty object."""
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}


def objects(value: Json, *path: str) -> list[Object]:
    """Return the objects of the list at the path; empty when there is none."""
    found = dig(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def strings(value: Json, *path: str) -> Sequence[str]:
    """Return the strings of the list at the path; empty when there is none."""
    found = dig(value, *path)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
