"""Threads for work that would block the event loop: parsing, looking up names in the database, asking Kubernetes.

They are not the threads of MLflow's handlers (anyio's) nor those of artifact transfers (`store_calls.py`), so that none
of the three waits for another.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """A fixed number of threads that run functions for the event loop."""

    def __init__(self, count: int, name: str) -> None:
        """Start the threads; `name` begins their names, which a dump of all stacks shows.

        All threads are started here. Starting a thread waits until it runs: under load, that would block the event loop
        for long.
        """
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        all_run = threading.Barrier(count)
        for start in [self._pool.submit(all_run.wait) for _ in range(count)]:
            start.result()

    async def run(self, function: Callable[[], T]) -> T:
        """Result of a function that runs in one of the threads, in a copy of the current context.

        If the request is cancelled meanwhile, the function runs to its end, and its result is dropped. The request does
        not see what the function sets in the context.
        """
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, function)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Result of a coroutine that never waits, computed without an event loop.

    Raises:
        RuntimeError: the coroutine waits for something.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    message = f"{coroutine.__qualname__} waits for the event loop, and runs in a thread."
    raise RuntimeError(message)
