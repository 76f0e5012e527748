"""Work of the event loop for bodies that wait for memory."""

import asyncio
import sys

import pytest
import virtual_time
from mlflow_platform_server.room import MEBIBYTE, Room


def work(waiting: int, *, together: bool) -> int:
    """Number of function calls while a request, or each waiting request, arrives and leaves."""

    async def run() -> int:
        shared, calls = Room(32 * MEBIBYTE, percent=50, queue_seconds=10), 0

        async def wait(number: int) -> None:
            with shared.hold("team-a", f"caller-{number % 9}", lambda: None) as hold:
                await shared.grow(hold, MEBIBYTE)

        def note(*_: object) -> None:
            nonlocal calls
            calls += 1

        with shared.hold("team-a", "somebody", lambda: None) as full:
            await shared.grow(full, 32 * MEBIBYTE)
            full.arriving = False
            before = [] if together else [asyncio.create_task(wait(number)) for number in range(waiting)]
            await asyncio.sleep(1)
            sys.setprofile(note)
            coming = [asyncio.create_task(wait(number)) for number in range(waiting if together else 1)]
            await asyncio.sleep(1)
            for one in coming:
                one.cancel()
            await asyncio.sleep(1)
            sys.setprofile(None)
            for one in before:
                one.cancel()
            await asyncio.gather(*before, *coming, return_exceptions=True)
        return calls

    return virtual_time.run(run())


@pytest.mark.parametrize("together", [False, True])
def test_the_work_for_requests_that_come_and_leave_grows_with_their_number_and_not_with_their_pairs(
    *, together: bool
) -> None:
    assert work(200, together=together) < 5 * work(50, together=together)
