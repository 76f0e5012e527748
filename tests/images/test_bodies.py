"""The layer that reads bodies, in front of an application that records what it receives."""

import asyncio
import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import virtual_time
from asgi import Client, Server, limits, request
from mlflow_platform_server.bodies import PIECE_BYTES, Bodies
from mlflow_platform_server.off_loop import Threads
from mlflow_platform_server.protobuf_bounds import schema
from mlflow_platform_server.scope import Caller, RequestFacts
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>"
UPLOAD = f"PUT {ARTIFACT}"
LOG = "POST /api/2.0/mlflow/runs/log-batch"
GET = "GET /api/2.0/mlflow/runs/get"
TRACES = "POST /v1/traces"
GRAPHQL = "POST /graphql"
PAGE_UPLOAD = "POST /ajax-api/2.0/mlflow/upload-artifact"
RECORDS = "POST /api/3.0/mlflow/datasets/<dataset_id>/records"
MIB = 1024 * 1024


class NoThreads(Threads):
    """Runs functions at once: virtual time cannot wait for threads."""

    def __init__(self) -> None:
        """Start nothing."""

    async def run(self, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - any result
        """Run a function at once."""
        return function()


THREADS = NoThreads()
PROTOBUF = {"Content-Type": "application/x-protobuf"}
BATCH = json.dumps({"run_id": "r1", "metrics": [{"key": "loss", "value": 1}] * 1000}).encode()


def layer(server: Server, **changes: int) -> Bodies:
    return Bodies(server, limits(**changes), schema(ExportTraceServiceRequest.DESCRIPTOR), THREADS)


def sent(
    route: str,
    *pieces: bytes,
    headers: dict[str, str] | None = None,
    server: Server | None = None,
    facts: RequestFacts | None = None,
    chunked: bool = False,
    client: Client | None = None,
    **changes: int,
) -> Client:
    """Send one request; returns the client with the answer."""
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(sum(map(len, pieces)))}
    asking = client or Client(pieces)
    app = layer(server or Server(), **changes)
    return virtual_time.run(request(app, asking, route, headers={**length, **(headers or {})}, facts=facts))


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_arrives_whole_with_its_length(*, chunked: bool) -> None:
    server = Server()
    assert sent(LOG, BATCH[:10], b"", BATCH[10:], server=server, chunked=chunked).status == 200
    assert server.pieces == [BATCH]
    assert server.headers == {"content-length": str(len(BATCH))}


def test_a_request_without_a_body_is_passed_on_as_it_is() -> None:
    server = Server()
    client = virtual_time.run(request(layer(server), Client(), GET, headers={"Host": "h"}))
    assert client.status == 200
    assert server.headers == {"host": "h"}


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("route", [LOG, GET, TRACES, "DELETE /api/2.0/mlflow/registered-models/alias"])
def test_a_body_beyond_the_limit_is_refused_and_the_bound_is_named(route: str, *, chunked: bool) -> None:
    server, facts = Server(), RequestFacts(id="1")
    client = sent(route, *[b" " * MIB] * 3, server=server, chunked=chunked, facts=facts, body_mebibytes=2)
    assert client.status == 413
    assert client.said == "The request body exceeds 2 MiB (server.bounds.bodyMebibytes)."
    assert client.sent == (3 if chunked else 0)
    assert facts.refused_by == "limits"
    assert not server.pieces


def test_a_body_of_exactly_the_limit_passes() -> None:
    assert sent(LOG, *[b" " * MIB] * 2, body_mebibytes=2).status == 200


def test_the_pages_may_upload_ten_mebibytes_of_anything() -> None:
    server = Server()
    content = b"[" * (10 * MIB)
    assert sent(PAGE_UPLOAD, content, headers={"Content-Type": "application/json"}, server=server).status == 200
    assert server.headers["content-type"] == "application/octet-stream"
    client = sent(PAGE_UPLOAD, content + b"[")
    assert (client.status, client.said) == (413, "The request body exceeds 10 MiB (MLflow's limit).")


def test_a_length_that_is_no_number_is_refused() -> None:
    assert sent(LOG, b"{}", headers={"Content-Length": "many"}).status == 400


def test_a_body_that_is_cut_short_is_not_passed_on() -> None:
    """MLflow would take the end of the connection for the end of the body."""
    server = Server()
    client = sent(LOG, headers={"Content-Length": "9"}, server=server, client=Client([b"{}"], ends=False, stays=False))
    assert client.messages == []
    assert not server.pieces


def raw_deflate(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


FORMATS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
]


@pytest.mark.parametrize(("encoding", "compress"), FORMATS)
@pytest.mark.parametrize("route", [LOG, TRACES, GET, GRAPHQL])
def test_a_compressed_body_arrives_without_its_compression_on_every_route(
    encoding: str, compress: Callable[[bytes], bytes], route: str
) -> None:
    server, body = Server(), b'{"query": "{a}"}'
    assert sent(route, compress(body), headers={"Content-Encoding": encoding}, server=server).status == 200
    assert server.pieces == [body]
    assert server.headers == {"content-length": str(len(body))}


@pytest.mark.parametrize(("encoding", "compress"), FORMATS)
@pytest.mark.parametrize("route", [LOG, TRACES, GET, GRAPHQL, PAGE_UPLOAD])
def test_a_small_body_that_becomes_a_large_one_is_refused_on_every_route(
    encoding: str, compress: Callable[[bytes], bytes], route: str
) -> None:
    server = Server()
    bomb = compress(b" " * (11 * MIB))
    assert sent(route, bomb, headers={"Content-Encoding": encoding}, server=server, body_mebibytes=1).status == 413
    assert not server.pieces


def test_another_encoding_is_refused_before_the_body_is_read() -> None:
    client = sent(LOG, b"{}", headers={"Content-Encoding": "br"})
    assert (client.status, client.sent) == (415, 0)
    assert sent(LOG, gzip.compress(gzip.compress(b"{}")), headers={"Content-Encoding": "gzip, gzip"}).status == 415


def test_a_body_that_is_not_compressed_as_its_header_says_is_refused() -> None:
    assert sent(LOG, b"{}", headers={"Content-Encoding": "gzip"}).status == 400


def test_a_form_is_refused_because_no_route_takes_one() -> None:
    client = sent(LOG, b"--x", headers={"Content-Type": "Multipart/Form-Data; boundary=x"})
    assert (client.status, client.sent) == (415, 0)


@pytest.mark.parametrize("route", [LOG, GET, TRACES])
@pytest.mark.parametrize(
    ("bomb", "named"),
    [
        (b"[" * 500, "jsonDepth"),
        (b"[" + b"[]," * 1000, "jsonElements"),
        (b'["' + b"[]," * 10_000, "textElements"),
    ],
)
def test_json_that_would_take_much_memory_is_refused_before_it_is_parsed(route: str, bomb: bytes, named: str) -> None:
    server = Server()
    pieces = [bomb[start : start + 1000] for start in range(0, len(bomb), 1000)]
    headers = {"Content-Type": "application/json"}
    client = sent(route, *pieces, headers=headers, server=server, json_elements=1000, text_elements=10_000)
    assert client.status == 413
    assert f"server.bounds.{named}" in client.said
    assert not server.pieces


def test_a_bomb_is_noticed_before_all_of_it_has_arrived() -> None:
    client = sent(LOG, *[b"[]," * 30_000] * 100, chunked=True)
    assert client.status == 413
    assert client.sent < 5


def test_a_graphql_request_has_bounds_of_its_own() -> None:
    large = sent(GRAPHQL, json.dumps({"query": "{a}", "variables": "x" * 40_000}).encode())
    assert (large.status, large.said) == (413, "The request body exceeds 32 KiB (server.bounds.graphqlKibibytes).")
    wide = sent(GRAPHQL, json.dumps({"query": "{" + "a " * 1000 + "}"}).encode())
    assert (wide.status, "graphqlTokens" in wide.said) == (413, True)
    assert sent(GRAPHQL, b"{}").status == 400
    assert sent(GRAPHQL, b'{"query": "{a}"}').status == 200


def exported(spans: int, size: int) -> bytes:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for _ in range(spans):
        scope.spans.add(trace_id=bytes(16), span_id=bytes(8)).attributes.add(key="k").value.string_value = "x" * size
    return message.SerializeToString()


def test_the_published_clients_large_uses_pass() -> None:
    for body in (exported(1, 10_000_000), exported(1000, 10_000)):
        for route_headers, content in (
            (PROTOBUF, body),
            ({**PROTOBUF, "Content-Encoding": "gzip"}, gzip.compress(body)),
        ):
            server = Server()
            assert sent(TRACES, content, headers=route_headers, server=server).status == 200
            assert server.pieces == [body]
    assert sent(LOG, BATCH).status == 200
    random_ = random.Random(1)  # noqa: S311 - not a secret
    embeddings = json.dumps([random_.random() for _ in range(400_000)])
    assert sent(RECORDS, json.dumps({"records": embeddings}).encode()).status == 200


@pytest.mark.parametrize(("resources", "scopes"), [("resourceSpans", "scopeSpans"), ("resource_spans", "scope_spans")])
def test_many_spans_are_refused_in_json_too(resources: str, scopes: str) -> None:
    def body(spans: int) -> bytes:
        return json.dumps(
            {resources: [{scopes: [{"spans": [{}] * 50}]}, {scopes: [{"spans": [{}] * (spans - 50)}]}]}
        ).encode()

    headers = {"Content-Type": "application/json"}
    assert sent(TRACES, body(100), headers=headers, trace_spans=100).status == 200
    client = sent(TRACES, body(101), headers=headers, trace_spans=100)
    assert client.status == 413
    assert "server.bounds.traceSpans" in client.said


def test_many_spans_are_refused() -> None:
    assert sent(TRACES, exported(100, 1), headers=PROTOBUF, trace_spans=100).status == 200
    client = sent(TRACES, exported(101, 1), headers=PROTOBUF, trace_spans=100)
    assert client.status == 413
    assert "server.bounds.traceSpans" in client.said


def test_a_message_of_traces_has_one_type_that_nobody_takes_for_json() -> None:
    server = Server()
    headers = {"Content-Type": "application/x-protobuf; a=json"}
    assert sent(TRACES, exported(1, 1), headers=headers, server=server).status == 200
    assert server.headers["content-type"] == "application/x-protobuf"


def test_a_body_whose_next_part_does_not_come_is_refused_as_too_slow() -> None:
    facts = RequestFacts(id="1")
    client = sent(LOG, headers={"Content-Length": "9"}, client=Client([b"{"], ends=False), facts=facts)
    assert client.status == 408
    assert client.said == "The next part of the body did not arrive within 20 s (server.bounds.idleSeconds)."
    assert facts.refused_by == "limits"


def test_a_body_that_comes_in_many_small_parts_has_a_deadline_too() -> None:
    client = sent(LOG, chunked=True, client=Client([b" "] * 1000, pause=19))
    assert client.status == 408
    assert client.said == "The request body did not arrive within 120 s (server.bounds.bodySeconds)."


def test_a_slow_body_within_its_deadlines_passes() -> None:
    assert sent(LOG, client=Client([b"{", b" ", b"}"], pause=19)).status == 200


def test_the_facts_name_the_objects_of_a_request() -> None:
    facts = RequestFacts(id="1")
    sent(LOG, BATCH, facts=facts)
    assert facts.objects == {"run_id": ["r1"]}
    assert facts.refused_by is None


def of(team: str, caller: str = "alice") -> RequestFacts:
    return RequestFacts(id="1", caller=Caller(user=caller), workspace=team)


def test_unfinished_bodies_of_one_caller_do_not_keep_another_team_waiting() -> None:
    """Five connections send 15 MiB and stop."""

    async def scene() -> None:
        server = Server()
        app, length = layer(server), {"Content-Length": str(16 * MIB)}
        stopped = [Client([b" " * MIB] * 15, ends=False) for _ in range(5)]
        tasks = [asyncio.create_task(request(app, one, LOG, headers=length, facts=of("team-a"))) for one in stopped]
        # All of them have stopped, or wait for room.
        await asyncio.sleep(0.01)
        other = await request(app, Client([BATCH]), LOG, headers={"Content-Length": "1"}, facts=of("team-b", "bob"))
        assert other.status == 200
        assert asyncio.get_running_loop().time() < 1
        await asyncio.gather(*tasks)
        assert {client.status for client in stopped} <= {408, 429}
        assert asyncio.get_running_loop().time() <= 120
        assert all(client.headers[b"retry-after"] for client in stopped if client.status == 429)

    virtual_time.run(scene())


def test_the_memory_of_a_body_is_held_until_the_request_has_ended() -> None:
    async def scene() -> None:
        finish = asyncio.Event()
        app, length = layer(Server(finish=finish), body_mebibytes=16, bodies_mebibytes=16), {"Content-Length": "1"}
        working = asyncio.create_task(request(app, Client([b" " * 12 * MIB]), LOG, headers=length, facts=of("team-a")))
        await asyncio.sleep(1)
        waits = await request(app, Client([b" " * 8 * MIB]), LOG, headers=length, facts=of("team-b", "bob"))
        assert waits.status == 429
        assert "server.bounds.bodiesMebibytes" in waits.said
        assert asyncio.get_running_loop().time() == pytest.approx(11)
        finish.set()
        assert (await working).status == 200
        passes = await request(app, Client([b" " * 8 * MIB]), LOG, headers=length, facts=of("team-b", "bob"))
        assert passes.status == 200

    virtual_time.run(scene())


@pytest.mark.parametrize("seed", range(20))
def test_whatever_many_callers_send_each_gets_an_answer_in_time(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret

    def client() -> tuple[Client, dict[str, str]]:
        size, count = random_.choice((1, 1000, 100_000, MIB)), random_.randrange(1, 20)
        piece = random_.choice((b" ", b"[],", b'"', b"\\", b"\x0a\0", b"\xff")) * size
        pause = random_.choice((0, 0, 0.1, 15))
        asking = Client([piece[:size]] * count, ends=random_.random() < 0.7, stays=random_.random() < 0.7, pause=pause)
        encoding = random_.choice(({}, {}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}))
        length = random_.choice(({"Content-Length": str(size * count)}, {"Transfer-Encoding": "chunked"}))
        return asking, {**encoding, **length, **random_.choice(({}, PROTOBUF))}

    async def scene() -> None:
        app = layer(Server())
        asking = [client() for _ in range(30)]

        async def one(sender: Client, headers: dict[str, str]) -> None:
            facts = of(f"team-{random_.randrange(3)}", f"caller-{random_.randrange(5)}")
            await request(
                app, sender, random_.choice((LOG, GET, TRACES, GRAPHQL, PAGE_UPLOAD)), headers=headers, facts=facts
            )

        await asyncio.gather(*(one(*each) for each in asking))
        assert asyncio.get_running_loop().time() <= 120 + 10
        assert {sender.status for sender, _ in asking if sender.messages} <= {200, 400, 408, 413, 415, 429}
        assert all(sender.messages or not sender.stays for sender, _ in asking)

    virtual_time.run(scene())


def test_an_upload_may_be_of_any_size_and_is_never_taken_for_json() -> None:
    """The authorisation plugin reads a JSON document into memory before it refuses it."""
    server = Server()
    pieces = [bytes(PIECE_BYTES // 16)] * 40
    headers = {"Content-Type": "application/json", "Content-Length": str(2**40)}
    assert sent(UPLOAD, *pieces, headers=headers, server=server).status == 200
    assert server.headers["content-type"] == "application/octet-stream"
    assert [len(piece) for piece in server.pieces] == [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES // 2]


def test_an_upload_that_is_cut_short_is_seen_to_be() -> None:
    server = Server()
    asking: Any = Client([b"half"], ends=False, stays=False)
    sent(UPLOAD, headers={"Content-Length": "9"}, client=asking, server=server)
    assert server.gone


def test_only_what_is_put_below_the_artifacts_is_an_upload() -> None:
    headers = {"Content-Length": str(17 * MIB)}
    for route in (f"POST {ARTIFACT}", "PUT /api/2.0/mlflow-artifacts/artifacts", LOG):
        assert sent(route, headers=headers).status == 413
    assert sent(UPLOAD.replace("/api/", "/ajax-api/"), b"x", headers=headers).status == 200
