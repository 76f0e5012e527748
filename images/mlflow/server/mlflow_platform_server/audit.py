"""The audit log: one line of JSON on standard output for every request that may change something or was refused.

Every request other than GET and HEAD may change something. Searches, which MLflow takes by POST, are recorded too: a
list of harmless routes would be wrong one day, and nobody would notice.

GET and HEAD are recorded if they were refused, found nothing or failed. A request that found nothing may have tried to
reach another team: an object of that team is answered like one that does not exist. A request that failed may have run
code in the wrong workspace, which an error stops (`scope.ScopeError`).

The line is written before the first byte of the answer is sent. So whoever has an answer is on record, even if the
server is killed right after it. If the line cannot be written, the answer is an error.
"""

import hashlib
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from mlflow_platform_server import answers, named_objects
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.scope import KEY, WORKSPACE_HEADER, Caller, RequestFacts

REQUEST_ID = b"x-request-id"
HARMLESS = frozenset({"GET", "HEAD"})
# Of GET and HEAD, these answers are recorded, and those from `FAILED` on.
REFUSALS = frozenset({401, 403, 404, 405, 413, 429})
# Judged by the authorization plugin, unless a layer in front of it says that it has refused.
DENIED = frozenset({401, 403})
FAILED = 500
# A longer line could be interleaved with one of another worker: all write to the same pipe (PIPE_BUF on Linux).
LONGEST_LINE = 4096
MOST_GROUPS = 200
# Number of groups, and bytes of each value, with which a line that is too long is shortened, step by step. The last one
# leaves IDs whole, and is enough for any request.
STEPS = ((MOST_GROUPS, named_objects.LONGEST_VALUE), (20, 100), (10, 36))
# Texts of the client. All others are whole always: a record with a part of its pod's UID counts as forged, and a part
# of a user's name may be another user's.
CLIENTS = frozenset({"method", "path", "requested_workspace"})
# More than the name of a service account may have. A longer one is told from others by its digest.
LONGEST_USER = 512
BEGINNING_OF_USER = 240

_logger = logging.getLogger(__name__)

# Finds the caller in a request's headers.
Identify = Callable[[Iterable[tuple[bytes, bytes]]], Caller | None]


class AuditLog:
    """ASGI middleware that gives each request its `RequestFacts`, and writes the audit log."""

    def __init__(
        self,
        app: App,
        write: Callable[[bytes], None] | None = None,
        *,
        pod: str,
        identify: Identify = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`write` writes one line, by default to standard output, and raises OSError if it cannot.

        `pod` is the UID of the server's pod, which no client knows: it distinguishes records from texts of clients that
        imitate a record and get into the container's log by an error message. `identify` finds the caller of a request
        that is answered before the request guard has found the caller.
        """
        self._app = app
        self._pod = pod
        self._identify = identify
        self._write = write or to_standard_output
        self._now = now
        self._clock = clock

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(
            scope,
            send,
            pod=self._pod,
            identify=self._identify,
            write=self._write,
            begun=self._now(),
            clock=self._clock,
        )
        await exchange.run(self._app, receive)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        scope: Message,
        send: Send,
        *,
        pod: str,
        identify: Identify,
        write: Callable[[bytes], None],
        begun: datetime,
        clock: Callable[[], float],
    ) -> None:
        self._facts = RequestFacts(id=secrets.token_hex(16))
        self._scope: Message = {**scope, KEY: self._facts}
        self._send = send
        self._pod = pod
        self._identify = identify
        self._write = write
        self._begun = begun
        self._clock = clock
        self._start = clock()
        self._answered = False
        self._unrecorded = False

    async def run(self, app: App, receive: Receive) -> None:
        try:
            await app(self._scope, receive, self._answer)
        finally:
            # Without an answer: the client has disconnected, the server is being stopped, or the application failed.
            # What it has done until then is not known.
            if not self._answered and self._scope["method"] not in HARMLESS:
                self._record(None)

    async def _answer(self, message: Message) -> None:
        if self._unrecorded:
            return
        if message["type"] == "http.response.start":
            self._answered = True
            if self._is_recorded(message["status"]) and not self._record(message["status"]):
                self._unrecorded = True
                await self._fail()
                return
            headers = [(name, value) for name, value in message.get("headers", ()) if name.lower() != REQUEST_ID]
            message = {**message, "headers": [*headers, (REQUEST_ID, self._facts.id.encode())]}
        await self._send(message)

    def _is_recorded(self, status: int) -> bool:
        refused = status in REFUSALS or status >= FAILED or self._facts.refused_by is not None
        return refused or self._scope["method"] not in HARMLESS

    def _record(self, status: int | None) -> bool:
        """Write the line; False if that is not possible."""
        duration = round((self._clock() - self._start) * 1000)
        try:
            facts = self._facts
            caller = facts.caller or self._identify(self._scope["headers"])
            fields = record(
                self._scope, facts, status, caller=caller, pod=self._pod, begun=self._begun, milliseconds=duration
            )
            self._write(line(fields))
        except (OSError, ValueError):
            _logger.exception("The audit log cannot be written; request %s", self._facts.id)
            return False
        return True

    async def _fail(self) -> None:
        message = (
            "The request may have been carried out, but the audit log cannot be written."
            f" Tell the platform's operators the request ID {self._facts.id}."
        )
        await answers.refuse(self._send, FAILED, "INTERNAL_ERROR", message, [(REQUEST_ID, self._facts.id.encode())])


def record(
    scope: Message,
    facts: RequestFacts,
    status: int | None,
    *,
    caller: Caller | None,
    pod: str,
    begun: datetime,
    milliseconds: int,
) -> dict[str, Any]:
    """The fields of a request's line. No body, token, cookie or query is among them."""
    query = named_objects.in_query(scope.get("query_string", b""))
    path = named_objects.in_path(facts.route, scope["path"])
    headers = named_objects.in_headers(scope["headers"])
    return {
        "log": "audit",
        "time": begun.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "pod": pod,
        "request": facts.id,
        "user": _user(caller.user) if caller else None,
        "groups": list(caller.groups) if caller else [],
        **_workspace(scope, facts),
        "method": scope["method"],
        "route": facts.route,
        # A template says more, and less of what the caller has put into the path.
        **({"path": scope["path"]} if facts.route is None else {}),
        "objects": named_objects.merged(path, headers, facts.objects, query),
        "status": status,
        "refused_by": facts.refused_by or ("rbac" if status in DENIED else None),
        "ms": milliseconds,
    }


def _workspace(scope: Message, facts: RequestFacts) -> dict[str, str | None]:
    if facts.workspace is None:
        for name, value in scope["headers"]:
            if name.lower() == WORKSPACE_HEADER:
                # Asked for; the request has been refused before it was admitted to any workspace.
                return {"workspace": None, "requested_workspace": value.decode("utf-8", "replace")}
    return {"workspace": facts.workspace}


def line(fields: dict[str, Any]) -> bytes:
    """A record as one line of ASCII, no longer than a pipe takes at once.

    JSON escapes line breaks and control characters, so no value can end the line or begin another one.

    Raises:
        ValueError: even the shortened record is too long.
    """
    for count, length in STEPS:
        encoded = f"{json.dumps(_shortened(fields, count, length))}\n".encode("ascii")
        if len(encoded) <= LONGEST_LINE:
            return encoded
    message = "The record is too long."
    raise ValueError(message)


def _shortened(fields: dict[str, Any], count: int, length: int) -> dict[str, Any]:
    short = {key: _cut(value, length) if key in CLIENTS else value for key, value in fields.items()}
    short["groups"] = [_cut(group, length) for group in fields["groups"][:count]]
    if omitted := len(fields["groups"]) - len(short["groups"]):
        short["groups_omitted"] = omitted
    short["objects"] = {key: [_cut(value, length) for value in values] for key, values in fields["objects"].items()}
    return short


def _cut(text: str, length: int) -> str:
    """The longest beginning of a text that takes at most `length` bytes in JSON."""
    size = 0
    for end, character in enumerate(text):
        size += len(json.dumps(character)) - 2
        if size > length:
            return text[:end]
    return text


def _user(name: str) -> str:
    if _cut(name, LONGEST_USER) == name:
        return name
    return f"{_cut(name, BEGINNING_OF_USER)}... sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def to_standard_output(encoded: bytes) -> None:
    """Write a line at once, past all buffers.

    Raises:
        OSError: it was not written, or only in part.
    """
    if os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, encoded) != len(encoded):
        message = "The line was written in part only."
        raise OSError(message)
