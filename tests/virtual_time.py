"""An event loop with virtual time: when all tasks wait, the clock jumps to the next timer."""

import asyncio
import selectors
import threading
import time
from collections.abc import Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")
# Real time that a thread at work gets before virtual time passes: a test may hold one until the end.
THREAD_SECONDS = 1
LOOK_SECONDS = 0.002


class _Work:
    """The calls of pools of threads whose ends have not been reported to everybody who waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = set[Any]()
        self._ended = set[Any]()

    @contextmanager
    def noted(self) -> Generator[None]:
        """Note all calls inside the block."""
        submit, report = ThreadPoolExecutor.submit, Future._invoke_callbacks  # type: ignore[attr-defined]  # noqa: SLF001

        def submitting(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of any call
            future = submit(*arguments, **named)
            with self._lock:
                if future not in self._ended:
                    self._calls.add(future)
            return future

        def reporting(future: Any) -> None:  # noqa: ANN401 - of any call
            # A call counts until its end has been reported: a moment after its future has the result.
            report(future)
            with self._lock:
                self._ended.add(future)
                self._calls.discard(future)

        with (
            mock.patch.object(ThreadPoolExecutor, "submit", submitting),
            mock.patch.object(Future, "_invoke_callbacks", reporting),
        ):
            yield

    def left(self) -> bool:
        """True if a thread is still working."""
        with self._lock:
            return bool(self._calls)


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.work = _Work()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        # A thread that is at work reports in a moment.
        end = time.monotonic() + THREAD_SECONDS
        ready = super().select(0)
        while not ready and self.work.left() and time.monotonic() < end:
            ready = super().select(LOOK_SECONDS)
        # The last one may have reported since.
        ready = ready or super().select(0)
        if not ready and timeout is None:
            raise AssertionError("every task waits for something that never happens")
        self.now += 0 if ready else timeout or 0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which starts at 0."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The virtual time in seconds."""
        return self._virtual.now

    @contextmanager
    def waiting_for_threads(self) -> Generator[None]:
        """Wait until working threads have reported their results, before the clock jumps."""
        with self._virtual.work.noted():
            yield


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    loop = VirtualLoop()
    try:
        with loop.waiting_for_threads():
            return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
