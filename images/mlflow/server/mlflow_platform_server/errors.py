"""Bodies of errors: clients learn what is wrong with their request; the rest is in the server's log, by request ID.

Every answer passes through here, even one that a framework or a library writes. `driver_errors` has already translated
the errors that the database reports to MLflow.
"""

import json
import logging
import re
from typing import Any, cast

from mlflow_platform_server import driver_text
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.scope import RequestFacts, facts

CLIENT_ERROR, SERVER_ERROR, UNAVAILABLE = 400, 500, 503
# No error of MLflow is that long; one that is gets replaced, whatever it says.
LONGEST_BODY = 256 * 1024
# The server's log has at most this much of an error's text.
LONGEST_LOGGED = 64 * 1024
RETRY_SECONDS = 5
CODES = {500: "INTERNAL_ERROR", 501: "NOT_IMPLEMENTED", 503: "TEMPORARILY_UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
MESSAGES = {
    501: "The server does not support this request.",
    503: "The server cannot answer at the moment. Try again.",
    504: "The server could not answer in time. Try again.",
}
INTERNAL = "The server failed to carry out the request."
UNSAID = "The server refused a value of the request. The server's log has the reason under the request ID."

_logger = logging.getLogger(__name__)


class ErrorBodies:
    """ASGI middleware that replaces error texts which describe the inside of the platform."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, facts(scope), head=scope["method"] == "HEAD")
        try:
            await self._app(scope, receive, answer.pass_on)
        except Exception:
            # Frameworks raise again what they have answered already.
            _logger.exception("Request %s failed", answer.request)
            if not await answer.ends():
                raise


class _Answer:
    """An answer, held back while it may be an error that has to be replaced."""

    def __init__(self, send: Send, found: RequestFacts, *, head: bool) -> None:
        self.request = found.id
        self._found = found
        self._send = send
        self._head = head
        self._held: Message | None = None
        self._body = bytearray()
        self._begun = False
        self._complete = False

    async def pass_on(self, message: Message) -> None:
        if self._complete:
            return
        if message["type"] == "http.response.start" and message["status"] >= CLIENT_ERROR:
            self._held = message
        elif self._held is None or message["type"] != "http.response.body":
            self._begun = True
            self._complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False) or len(self._body) > LONGEST_BODY:
                await self._finish(self._held)

    async def ends(self) -> bool:
        """After a failure of the application, send an error if nothing was sent; False if the answer is incomplete."""
        if not self._begun and not self._complete:
            await self._replace({"status": SERVER_ERROR, "headers": []}, "INTERNAL_ERROR", INTERNAL)
        return self._complete

    async def _finish(self, start: Message) -> None:
        body = bytes(self._body)
        # A refusal of one of our layers says what the client needs, and nothing about the inside.
        ours = self._found.refused_by == "limits"
        replacement = None if ours else replaced(start["status"], dict(start["headers"]), body)
        if replacement is None:
            self._complete = True
            await self._send(start)
            await self._send({"type": "http.response.body", "body": body})
            return
        text = body[:LONGEST_LOGGED].decode("utf-8", "replace")
        _logger.error("Request %s was answered with status %d: %r", self.request, start["status"], text)
        await self._replace(start, *replacement)

    async def _replace(self, start: Message, code: str, message: str) -> None:
        self._complete = True
        content = json.dumps({"error_code": code, "message": f"{message} Request ID: {self.request}"}).encode()
        kept = [
            (name, value)
            for name, value in start["headers"]
            if not name.lower().startswith(b"content-") and name.lower() != b"transfer-encoding"
        ]
        headers = [
            *kept,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if start["status"] == UNAVAILABLE and not any(name.lower() == b"retry-after" for name, _ in kept):
            headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
        await self._send({"type": "http.response.start", "status": start["status"], "headers": headers})
        await self._send({"type": "http.response.body", "body": b"" if self._head else content})


def replaced(status: int, headers: dict[bytes, bytes], body: bytes) -> tuple[str, str] | None:
    """Error code and message that replace an error's body; None if the body may be sent as it is."""
    if status < SERVER_ERROR and len(body) <= LONGEST_BODY and b"content-encoding" not in headers:
        text = body.decode("utf-8", "replace")
        document = _document(text)
        # Of JSON the values too: escapes in the text could hide what they say.
        if not any(map(driver_text.describes_inside, (text, *_texts(document)))):
            return None
        said = document.get("message")
        message = driver_text.outside(said) if isinstance(said, str) else ""
        return _code(document, "BAD_REQUEST"), message or UNSAID
    document = _document(body.decode("utf-8", "replace"))
    if status < SERVER_ERROR:
        return "BAD_REQUEST", UNSAID
    message = MESSAGES.get(status, INTERNAL)
    if document.get("message") in driver_text.RETRIED:
        message = str(document["message"])
    return _code(document, CODES.get(status, "INTERNAL_ERROR")), message


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _texts(document: dict[str, Any]) -> list[str]:
    """All texts of a document, at any depth."""
    found: list[str] = []
    waiting: list[object] = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            waiting += cast("dict[str, object]", item).values()
        elif isinstance(item, list):
            waiting += cast("list[object]", item)
    return found


def _code(document: dict[str, Any], default: str) -> str:
    code = document.get("error_code")
    return code if isinstance(code, str) and re.fullmatch(r"[A-Z][A-Z_]{2,60}", code) else default
