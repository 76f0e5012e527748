"""The watchdog tells a loop that is stuck from a machine that is slow."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

from mlflow_platform_server import watchdog
from mlflow_platform_server.watchdog import Vigil, Watchdog

SERVER = Path(watchdog.__file__).parents[1]
PATIENCE = 60
ON_TIME, LATE = 1.01, 20.0


def vigil() -> Vigil:
    """A vigil that has seen the loop turn five times."""
    seen = Vigil(PATIENCE, 1.0)
    seen.is_stuck(5, ON_TIME)
    return seen


def test_a_loop_that_does_not_turn_is_stuck_after_as_many_punctual_wake_ups_as_there_is_patience() -> None:
    seen = vigil()
    assert [seen.is_stuck(5, ON_TIME) for _ in range(PATIENCE)] == [False] * (PATIENCE - 1) + [True]


def test_one_turn_begins_the_count_anew() -> None:
    seen = vigil()
    for _ in range(PATIENCE - 1):
        assert not seen.is_stuck(5, ON_TIME)
    assert not seen.is_stuck(6, ON_TIME)
    assert [seen.is_stuck(6, ON_TIME) for _ in range(PATIENCE)].index(True) == PATIENCE - 1


def test_a_process_that_was_stopped_or_starved_is_not_stuck() -> None:
    seen = vigil()
    # SIGSTOP for an hour, and a machine on which the watchdog's own thread is late as well.
    assert not any(seen.is_stuck(5, slept) for slept in (3600.0, *(LATE for _ in range(10 * PATIENCE))))


def test_late_wake_ups_do_not_excuse_a_loop_that_is_stuck() -> None:
    seen = vigil()
    slept = [ON_TIME, LATE] * PATIENCE
    assert [seen.is_stuck(5, one) for one in slept].index(True) == 2 * (PATIENCE - 1)


def test_the_thread_ends_a_worker_whose_loop_is_stuck() -> None:
    ended = threading.Event()

    async def block() -> bool:
        Watchdog(lambda: 1, ended.set, patience=3, check_seconds=0.001).start()
        # In the loop, as a driver does that waits for its database.
        return ended.wait(60)

    assert asyncio.run(block())


def test_a_worker_whose_loop_turns_goes_on() -> None:
    turns, ended = 0, threading.Event()
    checked = threading.Event()

    def turn() -> int:
        nonlocal turns
        turns += 1
        if turns > 100:
            checked.set()
        return turns

    dog = Watchdog(turn, ended.set, patience=3, check_seconds=0.001)
    dog.start()
    assert checked.wait(60)
    dog.stop()
    assert not ended.is_set()


def test_a_stuck_worker_logs_all_stacks_and_ends_with_a_status_after_which_it_is_restarted() -> None:
    program = """
import threading
from mlflow_platform_server.watchdog import Watchdog

stuck = threading.Event()

def stuck_in_here():
    stuck.set()
    threading.Event().wait()

def turns():
    stuck.wait()
    return 1

Watchdog(turns, patience=2, check_seconds=0.001).start()
stuck_in_here()
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=SERVER, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own
    assert ended.returncode == watchdog.STATUS
    # After 3, uvicorn's supervisor ends all workers.
    assert watchdog.STATUS not in {0, 3}
    assert "stuck_in_here" in ended.stderr
