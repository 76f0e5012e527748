"""Kinds of request bodies by route, and their maximum sizes."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mlflow_platform_server.asgi import Message
from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.scope import facts

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
# MLflow's own limit of a file that its pages upload (`upload_artifact_handler`).
PAGE_UPLOAD_BYTES = 10 * MEBIBYTE

_UPLOAD = "PUT /api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>"
_STREAMED = frozenset({_UPLOAD, _UPLOAD.replace("/api/", "/ajax-api/")})
_PAGE_UPLOAD = "POST /ajax-api/2.0/mlflow/upload-artifact"
_TRACES = "POST /v1/traces"
_GRAPHQL = "POST /graphql"
# What MLflow takes for a message of traces in protobuf.
_PROTOBUF = "application/x-protobuf"


class Kind(StrEnum):
    """How a body is read."""

    STREAM = "stream"
    """An artifact of any size: passed on as it arrives."""

    FILE = "file"
    """A small file with any content, which is not parsed."""

    PROTOBUF = "protobuf"
    """A message of traces."""

    JSON_TRACES = "json traces"
    """A message of traces as JSON."""

    JSON = "json"
    """Everything else. MLflow parses bodies as JSON whatever their type is, also those of GET."""

    GRAPHQL = "graphql"
    """JSON with a GraphQL query."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Rule for one body."""

    kind: Kind
    most_bytes: int
    """Limit of the body, both as it is sent and decompressed."""

    limit: str
    """The limit, as text for messages."""

    setting: str | None
    """The name of the bound in the stack file; None if it is MLflow's."""

    content_type: bytes | None = None
    """Replaces the header Content-Type, which the plugin and MLflow may interpret differently."""


def rule(scope: Message, bounds: Bounds) -> Rule:
    """The rule for the body of a request whose route is known."""
    route = facts(scope).route
    if route in _STREAMED:
        # Never as JSON: the plugin would read a whole JSON document into memory to inspect it.
        return Rule(kind=Kind.STREAM, most_bytes=0, limit="", setting=None, content_type=b"application/octet-stream")
    if route == _PAGE_UPLOAD:
        return Rule(
            kind=Kind.FILE,
            most_bytes=PAGE_UPLOAD_BYTES,
            limit="10 MiB",
            setting=None,
            content_type=b"application/octet-stream",
        )
    if route == _GRAPHQL:
        return Rule(
            kind=Kind.GRAPHQL,
            most_bytes=bounds.graphql_kibibytes * KIBIBYTE,
            limit=f"{bounds.graphql_kibibytes} KiB",
            setting="graphql_kibibytes",
        )
    protobuf = route == _TRACES and media_type(scope) == _PROTOBUF
    kind = Kind.JSON_TRACES if route == _TRACES else Kind.JSON
    return Rule(
        kind=Kind.PROTOBUF if protobuf else kind,
        most_bytes=bounds.body_mebibytes * MEBIBYTE,
        limit=f"{bounds.body_mebibytes} MiB",
        setting="body_mebibytes",
        content_type=_PROTOBUF.encode() if protobuf else None,
    )


def media_type(scope: Message) -> str:
    """The first media type of a request without its parameters, as MLflow reads it."""
    values = (value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type")
    return next(values, "").split(";")[0].strip()


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True if the headers announce a body: HTTP/1.1 requires Transfer-Encoding or Content-Length for it."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0") for name, value in headers
    )
