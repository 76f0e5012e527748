"""Work in separate threads, and coroutines that need no event loop."""

import asyncio
import threading
from contextvars import ContextVar

import pytest
from mlflow_platform_server.off_loop import Threads, finished

WORKSPACE: ContextVar[str] = ContextVar("workspace")


def test_the_loop_turns_while_a_function_runs_in_a_thread() -> None:
    async def run() -> bool:
        turned = threading.Event()
        asyncio.get_running_loop().call_soon(turned.set)
        return await Threads(1, "test").run(lambda: turned.wait(60))

    assert asyncio.run(run())


def test_the_loop_starts_no_thread() -> None:
    async def run() -> tuple[int, int]:
        threads = Threads(3, "test")
        before = threading.active_count()
        together = threading.Barrier(3)
        await asyncio.gather(*(threads.run(lambda: together.wait(60)) for _ in range(3)))
        return before, threading.active_count()

    before, after = asyncio.run(run())
    assert before == after


def test_a_function_sees_the_context_of_its_request_and_changes_only_a_copy() -> None:
    def function() -> str:
        before = WORKSPACE.get()
        WORKSPACE.set("team-b")
        return before

    async def request() -> tuple[str, str]:
        WORKSPACE.set("team-a")
        return await Threads(1, "test").run(function), WORKSPACE.get()

    assert asyncio.run(request()) == ("team-a", "team-a")


def test_an_error_of_a_function_reaches_the_request() -> None:
    def function() -> None:
        raise KeyError("run")

    with pytest.raises(KeyError, match="run"):
        asyncio.run(Threads(1, "test").run(function))


def test_no_more_functions_run_at_once_than_there_are_threads() -> None:
    running: list[str] = []
    peaks: list[int] = []
    both = threading.Barrier(2)

    def function() -> None:
        running.append("x")
        peaks.append(len(running))
        both.wait(60)
        running.pop()

    async def run() -> None:
        threads = Threads(2, "test")
        await asyncio.gather(*(threads.run(function) for _ in range(8)))

    asyncio.run(run())
    assert max(peaks) == 2


def test_a_function_that_waits_for_a_thread_is_dropped_with_its_request() -> None:
    begun: list[str] = []
    first_runs, go_on = threading.Event(), threading.Event()

    def first() -> None:
        first_runs.set()
        go_on.wait(60)

    async def run() -> None:
        threads = Threads(1, "test")
        one = asyncio.create_task(threads.run(first))
        await asyncio.to_thread(first_runs.wait, 60)
        two = asyncio.create_task(threads.run(lambda: begun.append("second")))
        await asyncio.sleep(0)
        two.cancel()
        await asyncio.gather(two, return_exceptions=True)
        go_on.set()
        await one
        await threads.run(lambda: begun.append("third"))

    asyncio.run(run())
    assert begun == ["third"]


def test_a_coroutine_that_never_waits_is_computed_without_a_loop() -> None:
    async def inner() -> int:
        return 20

    async def outer() -> int:
        return await inner() + 1

    assert finished(outer()) == 21


def test_a_coroutine_that_waits_is_an_error_and_is_closed() -> None:
    closed: list[bool] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append(True)

    with pytest.raises(RuntimeError, match="waits for the event loop"):
        finished(waits())
    assert closed == [True]
