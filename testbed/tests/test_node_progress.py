"""Waiting with a time limit and progress messages."""

import sys
from pathlib import Path

import pytest

from testbed.errors import EmbeddedError
from testbed.node.progress import last_lines, run_logged, wait_until


def test_after_the_time_limit_the_error_has_the_reason_and_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "kubelet.log"
    log.write_text("first\nlast words\n")
    with pytest.raises(EmbeddedError) as failure:
        wait_until("cluster", lambda: "node: NotReady", seconds=0, say=print, log=log)
    text = str(failure.value)
    assert text.startswith("cluster: not ready after 0 s: node: NotReady")
    assert f"The end of {log}:" in text
    assert text.endswith("    last words")


def test_waiting_ends_at_once_when_nothing_is_missing(tmp_path: Path) -> None:
    said: list[str] = []
    wait_until("cluster", lambda: None, seconds=0, say=said.append, log=tmp_path / "log")
    assert said == []


def test_the_error_of_a_failed_command_has_its_exit_code_and_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", "print('no such image'); raise SystemExit(3)"]
    with pytest.raises(EmbeddedError) as failure:
        run_logged(command, "import", seconds=60, say=print, log=log)
    assert "import: failed with exit code 3." in str(failure.value)
    assert "    no such image" in str(failure.value)


def test_only_the_end_of_a_long_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{number}\n" for number in range(100)))
    assert last_lines(log, 2) == "    98\n    99"


def test_a_missing_log_is_reported_as_missing(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "log") == f"({tmp_path / 'log'} does not exist)"
