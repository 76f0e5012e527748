"""Bounds of all uploads and downloads of a worker process: their number, their memory, and their calls of the store.

An upload or download holds one of many places, and memory only for bytes that have arrived and are not passed on yet. A
client that sends or reads nothing holds a place and `SMALL_BYTES`. Places, memory and calls are shared fairly between
teams and callers (`shares.py`).
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mlflow_platform_server import scope
from mlflow_platform_server.appointments import team_of
from mlflow_platform_server.shares import Party, Shares, Terms
from mlflow_platform_server.store_calls import StoreCalls

if TYPE_CHECKING:
    from mlflow_platform_server.bounds import Bounds

T = TypeVar("T")

KIB = 1024
MIB = 1024 * KIB
# Unit of memory.
UNIT_BYTES = 64 * KIB
# Memory of each transfer that is not counted: the piece that is arriving (`bodies.PIECE_BYTES`).
SMALL_BYTES = 64 * KIB
# S3 takes parts of at least 5 MiB, and at most 10,000 of them: the largest object has 78 GiB.
PART_BYTES = 8 * MIB
# Calls of the store at once, each in a thread.
CALLS = 32
# Uploads and downloads that are authorized at once, each in a thread.
AUTHORIZATIONS = 4
# Longest wait in seconds for memory or a thread of a transfer that has begun. The client waits too, and loses nothing.
WAIT_SECONDS = 100
# Longest time in seconds for a client to send a part (27 KiB/s), or to read what is sent at a time (1.7 KiB/s).
PART_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfers:
    """The resources that uploads and downloads of a worker process share."""

    places: Shares
    """Places: one for each upload and download."""

    memory: Shares
    """Memory in units of `UNIT_BYTES`."""

    calls: StoreCalls

    queue_seconds: float
    """Longest wait for a place, and for the first memory."""

    @property
    def pace(self) -> int:
        """Bytes after which a client counts as making progress: half the slowest allowed pace, over `idle_seconds`."""
        return int(PART_BYTES / PART_SECONDS * self.memory.terms.idle_seconds / 2)


def shared(
    *, places: int, memory: int, team_percent: int, queue_seconds: float, idle_seconds: float, calls: int = CALLS
) -> Transfers:
    """Divide `memory` bytes: `SMALL_BYTES` for each place, and the rest for parts."""
    units = (memory - places * SMALL_BYTES) // UNIT_BYTES
    part = PART_BYTES // UNIT_BYTES

    def terms(capacity: int, whole: int | None = None) -> Terms:
        return Terms(
            capacity=capacity,
            team_percent=team_percent,
            # For memory at least two parts, with which one upload is as fast as with more.
            reserve=max(capacity // 8, 2 * (whole or 1)),
            whole=whole,
            idle_seconds=idle_seconds,
            patience_seconds=queue_seconds / 2,
        )

    return Transfers(
        places=Shares(terms(places)),
        memory=Shares(terms(units, part)),
        calls=StoreCalls(Shares(terms(calls))),
        queue_seconds=queue_seconds,
    )


class Authorizations:
    """Threads that authorize requests without a slot, such as transfers; the last one is kept for teams that use none.

    While Kubernetes is slow, the slots' threads would be taken by whoever begins most transfers.
    """

    def __init__(self, threads: int = AUTHORIZATIONS) -> None:
        self._calls = StoreCalls(Shares(Terms(capacity=threads, reserve=1)), "slotless")

    async def run(self, function: Callable[[], T]) -> T:
        """Result of a function that runs in one of the threads, in the scope of the request."""
        return await self._calls.run(party(), math.inf, function)


class _Worker:
    """The transfers of this process."""

    transfers: Transfers | None = None


def install(bounds: "Bounds") -> None:
    """Make the shares of this worker process."""
    _Worker.transfers = shared(
        places=bounds.transfers,
        memory=bounds.transfer_mebibytes * MIB,
        team_percent=bounds.team_percent,
        queue_seconds=bounds.queue_seconds,
        idle_seconds=bounds.idle_seconds,
    )


def of_worker() -> Transfers:
    """The shares of this worker process.

    Raises:
        RuntimeError: `install` was not called yet.
    """
    if _Worker.transfers is None:
        message = "The bounds of uploads and downloads are not installed."
        raise RuntimeError(message)
    return _Worker.transfers


def party() -> Party:
    """The team and caller for which the current request counts, here as everywhere else."""
    bound = scope.current()
    if bound is None:
        return Party(team="", caller="")
    return Party(team=team_of(bound), caller="" if bound.caller is None else bound.caller.user)


def end(deadline: asyncio.Timeout) -> None:
    """Let a deadline expire now, unless it has expired already."""
    with suppress(RuntimeError):
        deadline.reschedule(asyncio.get_running_loop().time())


def extend(deadline: asyncio.Timeout, seconds: float) -> None:
    """Extend a deadline by a time for which the client is not responsible."""
    when = deadline.when()
    if when is not None and not deadline.expired():
        deadline.reschedule(when + seconds)
