"""Bounds of traces in protobuf, checked before the message is parsed: its number of spans and of fields.

Protobuf's parser may turn two bytes into a message of 180 bytes, and MLflow turns each span and each attribute into a
Python object.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, cast

from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.refusals import MalformedError, TooLargeError

# Memory that a field and a span take, beside the body's bytes.
FIELD_BYTES = 64
SPAN_BYTES = 2048
# Fields between two pauses of the scan: about two milliseconds on a busy machine.
STEP_FIELDS = 500
# As deep as protobuf's own parser goes.
MOST_LEVELS = 100

# Kinds of fields, and the bytes of those whose size is fixed.
_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
_LONGEST_VARINT = 10
_SPAN = "opentelemetry.proto.trace.v1.Span"


class Descriptor(Protocol):
    """Description of a type of message, such as `google.protobuf.descriptor.Descriptor`."""

    full_name: str
    fields: Any


class Schema:
    """The fields of a type of message that are messages themselves."""

    def __init__(self, name: str) -> None:
        self.is_span = name == _SPAN
        self.inner: dict[int, Schema] = {}
        """Types by the number of the field."""


def schema(descriptor: Descriptor, known: Mapping[str, Schema] | None = None) -> Schema:
    """The schema of a type of message, whose types may refer to each other."""
    found = cast("dict[str, Schema]", {} if known is None else known)
    if descriptor.full_name in found:
        return found[descriptor.full_name]
    made = found[descriptor.full_name] = Schema(descriptor.full_name)
    for field in descriptor.fields:
        if field.message_type is not None:
            made.inner[field.number] = schema(field.message_type, found)
    return made


class ProtobufScan:
    """The scan of one message."""

    def __init__(self, root: Schema, bounds: Bounds) -> None:
        self._root = root
        self._bounds = bounds
        self.fields = 0
        self.spans = 0

    @property
    def weight(self) -> int:
        """Bytes of memory that the fields take, in addition to the body itself."""
        return self.fields * FIELD_BYTES + self.spans * SPAN_BYTES

    def steps(self, body: bytes) -> Iterator[None]:
        """Scan the message; after each step is a pause for other requests.

        Raises:
            TooLargeError: the message has too many fields or spans.
            MalformedError: the message is not valid protobuf.
        """
        # Messages that are open: where each ends, and its schema.
        open_messages = [(len(body), self._root)]
        position = 0
        while open_messages:
            end, inside = open_messages[-1]
            if position == end:
                open_messages.pop()
                continue
            key, position = _varint(body, position, end)
            self._count(inside, key)
            position, size = _content(body, key, position, end)
            content = inside.inner.get(key >> 3) if key & 7 == _LENGTH else None
            if content is None:
                position += size
            elif len(open_messages) == MOST_LEVELS:
                raise TooLargeError("The depth of the traces", f"{MOST_LEVELS} levels")
            else:
                open_messages.append((position + size, content))
            if self.fields % STEP_FIELDS == 0:
                yield

    def _count(self, inside: Schema, key: int) -> None:
        self.fields += 1
        if self.fields > self._bounds.trace_fields:
            raise TooLargeError("The number of fields in the traces", str(self._bounds.trace_fields), "trace_fields")
        inner = inside.inner.get(key >> 3)
        if inner is not None and inner.is_span:
            self.spans += 1
            if self.spans > self._bounds.trace_spans:
                raise TooLargeError("The number of spans in a request", str(self._bounds.trace_spans), "trace_spans")


def _content(body: bytes, key: int, position: int, end: int) -> tuple[int, int]:
    """Position and size of the content of a field, whose key is in front of `position`."""
    kind, size = key & 7, 0
    if kind == _LENGTH:
        size, position = _varint(body, position, end)
    elif kind == _VARINT:
        _, position = _varint(body, position, end)
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        # Groups, which no version of this message has.
        raise _broken()
    if size > end - position:
        raise _broken()
    return position, size


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    if position < end and body[position] < 0x80:  # noqa: PLR2004 - almost all have one byte
        return body[position], position + 1
    value = 0
    for place in range(_LONGEST_VARINT):
        if position >= end:
            break
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that another byte follows
            return value, position
    raise _broken()


def _broken() -> MalformedError:
    return MalformedError(
        "The body is no ExportTraceServiceRequest of OpenTelemetry in protobuf, which Content-Type announces."
    )
