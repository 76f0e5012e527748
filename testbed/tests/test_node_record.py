"""Records that identify exactly one process."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.node.record import ProcessRecord, write_own_record

STAT = "4711 (a (b) c) S 1 " + " ".join(str(number) for number in range(5, 53))


@pytest.fixture
def own(tmp_path: Path) -> ProcessRecord:
    path = tmp_path / "record"
    write_own_record(path)
    record = ProcessRecord.load(path)
    assert record is not None
    return record


@pytest.fixture
def sleeper(own: ProcessRecord) -> Iterator[tuple[subprocess.Popen[bytes], ProcessRecord]]:
    with subprocess.Popen(["sleep", "infinity"]) as process:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        record = ProcessRecord.parse(f"{own.boot_id}\n{stat}")
        assert record is not None
        yield process, record
        process.kill()


def test_a_command_name_may_hold_spaces_and_brackets() -> None:
    assert ProcessRecord.parse(f"boot\n{STAT}") == ProcessRecord(boot_id="boot", pid=4711, started="22")


@pytest.mark.parametrize("text", ["", "boot\n", "boot\n4711 (sh) S 1", f"boot\n{STAT}\nmore"])
def test_an_incomplete_record_is_none(text: str) -> None:
    assert ProcessRecord.parse(text) is None


def test_no_file_is_no_record(tmp_path: Path) -> None:
    assert ProcessRecord.load(tmp_path / "record") is None


def test_a_running_process_is_alive(own: ProcessRecord) -> None:
    assert own.pid == os.getpid()
    assert own.alive()


def test_another_process_with_the_same_pid_does_not_match(own: ProcessRecord) -> None:
    assert not replace(own, started="1").alive()


def test_a_process_of_an_earlier_boot_is_not_alive(own: ProcessRecord) -> None:
    assert not replace(own, boot_id="earlier").alive()


def test_a_pid_that_is_not_used_is_not_alive(own: ProcessRecord) -> None:
    unused = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    assert not replace(own, pid=unused).alive()


def test_a_signal_reaches_the_process(sleeper: tuple[subprocess.Popen[bytes], ProcessRecord]) -> None:
    process, record = sleeper
    record.signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    assert record.ended_within(0)


def test_a_signal_spares_a_process_that_has_taken_over_the_pid(
    sleeper: tuple[subprocess.Popen[bytes], ProcessRecord],
) -> None:
    process, record = sleeper
    replace(record, started="1").signal(signal.SIGTERM)
    record.signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_running_process_has_not_ended(sleeper: tuple[subprocess.Popen[bytes], ProcessRecord]) -> None:
    assert not sleeper[1].ended_within(0)


def test_a_process_that_nobody_has_waited_for_counts_as_ended(
    sleeper: tuple[subprocess.Popen[bytes], ProcessRecord],
) -> None:
    process, record = sleeper
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not record.alive()
