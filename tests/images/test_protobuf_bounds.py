"""Traces in protobuf are counted before they are parsed."""

import random

import pytest
from asgi import limits
from mlflow_platform_server.protobuf_bounds import ProtobufScan, schema
from mlflow_platform_server.refusals import MalformedError, TooLargeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACES = schema(ExportTraceServiceRequest.DESCRIPTOR)


def scanned(body: bytes, **changes: int) -> ProtobufScan:
    scan = ProtobufScan(TRACES, limits(**changes))
    for _ in scan.steps(body):
        pass
    return scan


def field(number: int, content: bytes) -> bytes:
    size, rest = b"", len(content)
    while rest > 127:
        size, rest = size + bytes([rest & 127 | 128]), rest >> 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + content


def inside(content: bytes, *numbers: int) -> bytes:
    for number in reversed(numbers):
        content = field(number, content)
    return content


def export(spans: int, attributes: int, size: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        span = scope.spans.add(trace_id=bytes(16), span_id=number.to_bytes(8, "big"), start_time_unix_nano=2**62)
        span.events.add(name="e").attributes.add(key="k").value.double_value = 0.5
        for attribute in range(attributes):
            span.attributes.add(key=str(attribute)).value.string_value = "x" * size
    return request


def test_ten_megabytes_of_traces_pass() -> None:
    scan = scanned(export(spans=1000, attributes=10, size=1000).SerializeToString())
    assert scan.spans == 1000
    assert scan.weight < 8 * 1024 * 1024


@pytest.mark.parametrize(
    "numbers", [(1,), (1, 2), (1, 2, 2, 9), (1, 2, 2, 9, 2, 5, 1), (1, 1, 1), (1, 2, 2, 11), (1, 2, 2, 13)]
)
def test_many_empty_messages_are_refused_wherever_they_are(numbers: tuple[int, ...]) -> None:
    *outer, last = numbers
    with pytest.raises(TooLargeError, match=r"server\.bounds\.traceFields"):
        scanned(inside(field(last, b"") * 200_001, *outer))


def test_many_spans_are_refused() -> None:
    with pytest.raises(TooLargeError, match=r"server\.bounds\.traceSpans"):
        scanned(inside(field(2, b"") * 5001, 1, 2))
    assert scanned(inside(field(2, b"") * 5000, 1, 2)).spans == 5000


def test_values_in_values_are_refused_beyond_the_depth_of_every_parser() -> None:
    with pytest.raises(TooLargeError, match="depth"):
        scanned(inside(b"", 1, 2, 2, 9, 2, *(5, 1) * 50))
    scanned(inside(b"", 1, 2, 2, 9, 2, *(5, 1) * 40))


@pytest.mark.parametrize("seed", range(200))
def test_what_the_scan_takes_for_sound_is_what_the_parser_takes(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    body = bytearray(export(spans=2, attributes=2, size=3).SerializeToString())
    for _ in range(random_.randrange(1, 4)):
        body[random_.randrange(len(body))] = random_.randrange(256)
    try:
        scanned(bytes(body))
    except MalformedError:
        return
    except TooLargeError:
        raise AssertionError from None
    parsed = ExportTraceServiceRequest()
    try:
        parsed.ParseFromString(bytes(body))
    except Exception:  # noqa: BLE001 - texts that are not in UTF-8, which the scan does not look at
        return
    assert sum(len(s.spans) for r in parsed.resource_spans for s in r.scope_spans) <= scanned(bytes(body)).spans


@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\x05", b"\xff" * 20, b"\x0b", b"\x09\0", b"\x0a\xff\xff\xff\xff\x0f"])
def test_what_is_no_protobuf_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match="ExportTraceServiceRequest"):
        scanned(body)


def test_the_scan_pauses_for_other_requests() -> None:
    scan = ProtobufScan(TRACES, limits())
    assert sum(1 for _ in scan.steps(field(1, b"") * 5000)) == 10
