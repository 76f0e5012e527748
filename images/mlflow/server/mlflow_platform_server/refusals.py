"""Refusals because of a bound: the exceptions that layers raise, and the answers to clients.

The message names the bound with its value and its setting, so that the client knows what to change or whom to ask.
"""

from http import HTTPStatus

from mlflow_platform_server import answers
from mlflow_platform_server.asgi import Send
from mlflow_platform_server.scope import RequestFacts

# MLflow's error codes by status.
CODES = {
    HTTPStatus.BAD_REQUEST: "BAD_REQUEST",
    HTTPStatus.REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "BAD_REQUEST",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "BAD_REQUEST",
    HTTPStatus.TOO_MANY_REQUESTS: "REQUEST_LIMIT_EXCEEDED",
}
# Seconds after which a client shall try again.
RETRY_SECONDS = 2


class BoundError(Exception):
    """A request that reaches a bound."""

    def __init__(self, status: int, message: str) -> None:
        """`message` is for the client; it names the bound and its setting."""
        super().__init__(message)
        self.status = HTTPStatus(status)
        self.message = message


class TooLargeError(BoundError):
    """A body that is too large, or has too many parts."""

    def __init__(self, what: str, most: str, name: str | None = None) -> None:
        """`what` may have at most `most`; `name` is the setting below `server.bounds`, None if MLflow has the bound."""
        origin = setting(name) if name else "MLflow's limit"
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{what} exceeds {most} ({origin}).")


class MalformedError(BoundError):
    """A body that cannot be parsed."""

    def __init__(self, message: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, message)


def setting(name: str) -> str:
    """The name of a bound in the stack file, such as `server.bounds.bodyMebibytes` of `body_mebibytes`."""
    first, *rest = name.split("_")
    return "server.bounds." + first + "".join(word.capitalize() for word in rest)


async def answer(send: Send, facts: RequestFacts, error: BoundError) -> None:
    """Send the answer to a request that reaches a bound."""
    facts.refused_by = "limits"
    headers = [(b"retry-after", str(RETRY_SECONDS).encode())] if error.status == HTTPStatus.TOO_MANY_REQUESTS else []
    await answers.refuse(send, error.status, CODES[error.status], error.message, headers)
