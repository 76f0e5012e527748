"""Answers to uploads and downloads that a bound stops; they name the bound, its value and its setting."""

from mlflow_platform_server import answers, transfers
from mlflow_platform_server.asgi import Message, Send
from mlflow_platform_server.scope import facts
from mlflow_platform_server.shares import BusyError, Party
from mlflow_platform_server.transfers import Transfers
from mlflow_platform_server.uploads import GaveWayError, TooSlowError

RETRY_SECONDS = 5


def answer(error: Exception, shared: Transfers, party: Party) -> tuple[int, str, str]:
    """Status, error code and message for a transfer that ended with `BusyError` or `TooSlowError`."""
    if isinstance(error, GaveWayError):
        message = (
            "Others waited for the memory of this upload, which held more than its team's share and made too little"
            f" progress for {shared.memory.terms.idle_seconds:g} s (server.bounds.idleSeconds,"
            " server.bounds.teamPercent). Nothing was stored. Try again."
        )
        return 408, "ABORTED", message
    if isinstance(error, TooSlowError):
        message = (
            f"The upload is too slow: fewer than {transfers.PART_BYTES} bytes arrived in {transfers.PART_SECONDS} s."
            " Nothing was stored."
        )
        return 408, "ABORTED", message
    text = (
        f"No place, memory or thread for this upload or download became free in {shared.queue_seconds:g} s"
        " (server.bounds.queueSeconds). Try again."
    )
    used = (shared.places, shared.memory, shared.calls.shares)
    if any(one.held(party.team) >= one.share() for one in used):
        return 429, "RESOURCE_EXHAUSTED", f"Your team uses its whole share of the capacity for artifacts. {text}"
    return 503, "TEMPORARILY_UNAVAILABLE", text


async def refuse(scope: Message, send: Send, error: BusyError | TooSlowError) -> None:
    """Answer a request that a bound stops."""
    status, code, message = answer(error, transfers.of_worker(), transfers.party())
    facts(scope).refused_by = "limits"
    await answers.refuse(send, status, code, message, ((b"retry-after", str(RETRY_SECONDS).encode()),))
