"""The section `server.bounds`: limits of what one request, one caller and one team may use at once."""

from typing import Annotated

from settings.schema.base import Model
from settings.types.kinds import whole


class Bounds(Model):
    """Bounds of requests. docs/limits.md says how a client reaches each bound, and what it then sees."""

    body_mebibytes: Annotated[int, whole(1, 64)] = 16
    """Largest request body in MiB, both as it is sent and decompressed. Artifacts are streamed and may be up to 78 GiB
    large.
    """

    bodies_mebibytes: Annotated[int, whole(2, 1024)] = 32
    """Request bodies in MiB that a worker holds in memory at once, from all callers together. Values in JSON, and
    fields and spans of traces, count with the memory that they take.
    """

    transfers: Annotated[int, whole(16, 1024)] = 256
    """Uploads and downloads of artifacts that a worker serves at once; each takes 64 KiB of `transferMebibytes`."""

    transfer_mebibytes: Annotated[int, whole(96, 1024)] = 128
    """Memory in MiB that a worker has for uploads and downloads of artifacts, and for answers above 64 KiB."""

    idle_seconds: Annotated[int, whole(1, 600)] = 20
    """Longest pause in seconds between two parts of a request body, or in taking 64 KiB of an answer."""

    body_seconds: Annotated[int, whole(5, 3600)] = 120
    """Longest time in seconds for sending a whole request body that is not an artifact."""

    json_elements: Annotated[int, whole(1000, 10_000_000)] = 100_000
    """Largest number of values in a JSON body: a batch of 1,000 metrics has about 10,000."""

    json_depth: Annotated[int, whole(8, 500)] = 64
    """Deepest nesting of a JSON body."""

    text_elements: Annotated[int, whole(10_000, 10_000_000)] = 1_000_000
    """Largest number of commas and opening brackets (`[` and `{`) in a body of JSON or traces, including those inside
    strings, because MLflow parses some strings as JSON."""

    trace_spans: Annotated[int, whole(100, 100_000)] = 5000
    """Largest number of spans in one request. OpenTelemetry's exporters send 512 at once."""

    trace_fields: Annotated[int, whole(1000, 10_000_000)] = 200_000
    """Largest number of fields in traces in protobuf: each attribute of a span has four."""

    graphql_kibibytes: Annotated[int, whole(1, 1024)] = 32
    """Largest GraphQL request in KiB; those of MLflow's pages have less than 2 KiB."""

    graphql_tokens: Annotated[int, whole(100, 10_000)] = 500
    """Largest number of tokens (names, values and punctuation) in a GraphQL query."""

    graphql_depth: Annotated[int, whole(4, 100)] = 20
    """Deepest nesting of a GraphQL query."""

    drain_mebibytes: Annotated[int, whole(0, 1024)] = 64
    """Part of a refused request's body in MiB that is received and discarded, so that the client sees the answer."""

    drain_seconds: Annotated[int, whole(1, 60)] = 10
    """Longest time in seconds for receiving the rest of a refused request's body."""

    filter_clauses: Annotated[int, whole(1, 50)] = 20
    """Largest number of conditions in a search filter. PostgreSQL's memory for a search grows with the square of this
    number."""

    filter_characters: Annotated[int, whole(100, 100_000)] = 10_000
    """Longest search filter in characters."""

    sort_keys: Annotated[int, whole(1, 20)] = 5
    """Largest number of keys by which a search is sorted (`order_by`)."""

    queue_seconds: Annotated[int, whole(1, 120)] = 10
    """Longest wait in seconds of a request for its turn; after that the client is told to try again."""

    queued_requests: Annotated[int, whole(20, 10_000)] = 500
    """Largest number of requests that wait for their turn in a worker. Beyond this number, the newest request of the
    team or caller with the most waiting requests is refused."""

    team_percent: Annotated[int, whole(5, 100)] = 50
    """Share in percent that one team may use while others send requests: of a worker's memory for request bodies, of
    its connections, and of the number, memory and threads of its uploads and downloads of artifacts."""

    slots_percent: Annotated[int, whole(1, 100)] = 15
    """Share in percent that one team may use of the requests that a worker handles at once, while other teams send
    requests; at least two requests."""

    team_requests_per_second: Annotated[int, whole(1, 10_000)] = 25
    """Requests per second of one team at each worker while other teams send requests; all workers of all replicas
    together accept a multiple of it. A worker logs 67 to 90 batches per second."""

    caller_requests_per_second: Annotated[int, whole(1, 10_000)] = 25
    """Requests per second of one caller at each worker while other callers of its team send requests."""

    statement_seconds: Annotated[int, whole(1, 3600)] = 30
    """Longest time in seconds of one SQL statement of the server. It does not apply to migrations and backups."""

    header_seconds: Annotated[int, whole(1, 60)] = 10
    """Longest time in seconds for sending a request's headers, and for a connection on which nothing is sent."""

    header_kibibytes: Annotated[int, whole(16, 1024)] = 96
    """Largest request headers in KiB. A browser session of a user in 200 groups has 43 kB of cookies, and ForwardAuth
    adds a token of 12 kB or more."""

    connections: Annotated[int, whole(50, 10_000)] = 500
    """Largest number of connections that a replica accepts at once; further ones wait. HAProxy's memory limit depends
    on this number: 718 MiB with the defaults."""

    review_seconds: Annotated[int, whole(1, 30)] = 5
    """Longest wait in seconds for an access review of Kubernetes."""

    outage_seconds: Annotated[int, whole(0, 3600)] = 300
    """Time in seconds for which the last access reviews stay valid while Kubernetes' API server does not answer. New
    callers are told to try again meanwhile."""

    webhook_seconds: Annotated[int, whole(1, 120)] = 10
    """Longest time in seconds of the delivery of one webhook, all attempts together."""
