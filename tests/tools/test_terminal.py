"""Colours and progress of commands."""

import threading

import pytest

from tools import terminal


@pytest.mark.parametrize(
    ("variable", "value", "shows"),
    [("NO_COLOR", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)],
)
def test_colours_are_for_terminals_and_for_people_who_want_them(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, *, shows: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert terminal.shows_colours() is shows


def test_output_that_is_no_terminal_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert not terminal.shows_colours()


def test_a_step_that_lasts_is_announced_on_standard_error_and_a_short_one_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = terminal.Progress()
    progress.say("short")
    monkeypatch.setattr(terminal, "ANNOUNCE_SECONDS", 0)
    progress.say("asking the cluster")
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    progress.end()
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "asking the cluster ...\n")
