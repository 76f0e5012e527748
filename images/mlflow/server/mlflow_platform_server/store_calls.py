"""Calls of the artifact store, in threads of their own that teams share.

A store that hangs holds one thread for each call until the call's time-out. In asyncio's common pool, which has six
threads on two CPUs, one team's calls would stop everything else that runs there.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from mlflow_platform_server.shares import Lease, Party, Shares

P = ParamSpec("P")
T = TypeVar("T")


class StoreCalls:
    """A thread pool with one thread for each unit of `shares`."""

    def __init__(self, shares: Shares, name: str = "store") -> None:
        """`name` begins the names of the threads."""
        self.shares = shares
        self._threads = ThreadPoolExecutor(shares.terms.capacity, thread_name_prefix=name)

    async def run(self, party: Party, seconds: float, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call in the scope of the request; waits at most `seconds` for a thread.

        If the task is cancelled, the call continues, so its thread counts as used until the call ends.

        Raises:
            BusyError: no thread became free in time.
        """
        lease = await self.shares.take(party, seconds=seconds)
        try:
            future = self._threads.submit(copy_context().run, partial(call, *args, **kwargs))
        except BaseException:
            lease.release()
            raise
        future.add_done_callback(partial(_give_back, asyncio.get_running_loop(), lease))
        return await asyncio.wrap_future(future)


def _give_back(loop: asyncio.AbstractEventLoop, lease: Lease, _: "Future[T]") -> None:
    # The loop is closed if the process ends during the call.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(lease.release)
