"""An event loop whose clock moves only while every task waits: time-outs pass at once, in the right order."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Skips the time for which the loop would sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("every task waits for something that never happens")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; its clock begins at 0 seconds."""

    def __init__(self) -> None:
        self._skipping = _Selector()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds since the loop was made, as far as anything waited for them."""
        return self._skipping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
