"""An event loop whose clock jumps: time passes only when nothing else is left to do, and then at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.grace = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None and not self.grace:
            raise AssertionError("every task waits for something that never happens")
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        # A thread that is at work reports in a moment; only then is there nothing left to do.
        ready = super().select(self.grace)
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which starts at 0."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The virtual time in seconds."""
        return self._virtual.now

    def wait_for_threads(self, seconds: float) -> None:
        """Give threads some real time before time passes."""
        self._virtual.grace = seconds


def run(coroutine: Coroutine[Any, Any, T], *, grace: float = 0) -> T:
    """Run a coroutine in virtual time; threads get `grace` seconds of real time before time passes."""
    loop = VirtualLoop()
    loop.wait_for_threads(grace)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
