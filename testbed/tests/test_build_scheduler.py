"""Building what is missing: whole results only, and nothing left running."""

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.build.artifact import Artifact, Bench, Lane
from testbed.build.commands import BuildError
from testbed.build.scheduler import build


def _artifact(
    cache: Path,
    name: str,
    make: Callable[[Path, Bench], None],
    *,
    lane: Lane = Lane.FETCH,
    needs: tuple[Artifact, ...] = (),
) -> Artifact:
    return Artifact(name=name, version="1", cache=cache, recipe="", make=make, lane=lane, needs=needs, usual_seconds=1)


def _build(cache: Path, *wanted: Artifact) -> list[str]:
    lines: list[str] = []
    build(wanted, cache, lines.append, prepare=lambda _: None, scrap=cache / "scrap")
    return lines


def _write(result: Path, _: Bench) -> None:
    result.write_text("whole")


def test_a_part_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    seen: list[bool] = []

    def make(result: Path, bench: Bench) -> None:
        _write(result, bench)
        seen.append(artifact.exists)

    artifact = _artifact(tmp_path, "part", make)
    lines = _build(tmp_path, artifact)

    assert seen == [False]
    assert artifact.path.read_text() == "whole"
    (line,) = lines
    assert re.fullmatch(r"part 1: built in \d+ s \[1/1\]", line)


def test_a_finished_build_says_and_does_nothing(tmp_path: Path) -> None:
    artifact = _artifact(tmp_path, "part", _write)
    _build(tmp_path, artifact)

    assert _build(tmp_path, artifact) == []


def test_a_failed_part_is_not_there_and_its_message_shows_the_log_and_a_remedy(tmp_path: Path) -> None:
    def make(result: Path, bench: Bench) -> None:
        result.write_text("half")
        bench.run(["sh", "-c", "echo dial tcp: lookup proxy.golang.org: no such host; exit 3"])

    artifact = _artifact(tmp_path, "part", make)
    with pytest.raises(BuildError) as failure:
        _build(tmp_path, artifact)

    assert not artifact.exists
    assert str(failure.value).splitlines() == [
        "part 1 could not be built: sh ended with exit code 3; the end of its output:",
        "    dial tcp: lookup proxy.golang.org: no such host",
        (
            "A package registry could not be reached: check the network, and HTTPS_PROXY, GOPROXY and PIP_INDEX_URL"
            " if this machine needs them; then run the same command again."
        ),
        f"Whole log: {tmp_path / 'log' / 'part.log'}",
    ]


def test_what_was_finished_before_a_failure_is_kept(tmp_path: Path) -> None:
    def fail(_: Path, bench: Bench) -> None:
        bench.run(["false"])

    first = _artifact(tmp_path, "first", _write)
    with pytest.raises(BuildError):
        _build(tmp_path, _artifact(tmp_path, "second", fail, needs=(first,)))

    assert first.exists


def test_what_a_killed_run_left_is_cleared_and_not_used(tmp_path: Path) -> None:
    leftover = tmp_path / "tmp" / "killed" / "part"
    leftover.mkdir(parents=True)
    (leftover / "result").write_text("half")
    artifact = _artifact(tmp_path, "part", _write)
    _build(tmp_path, artifact)

    assert artifact.path.read_text() == "whole"
    assert not leftover.exists()


def test_compiling_and_fetching_run_side_by_side(tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def make(result: Path, bench: Bench) -> None:
        meeting.wait()
        _write(result, bench)

    _build(
        tmp_path,
        _artifact(tmp_path, "compiled", make, lane=Lane.COMPILE),
        _artifact(tmp_path, "fetched", make, lane=Lane.FETCH),
    )

    assert meeting.broken is False


def test_a_failure_ends_the_command_that_runs_beside_it(tmp_path: Path) -> None:
    recorded = tmp_path / "pid"

    def sleep(_: Path, bench: Bench) -> None:
        bench.run(["sh", "-c", f"echo $$ > {recorded}; exec sleep 60"])

    def fail(_: Path, bench: Bench) -> None:
        while not recorded.exists() or not recorded.read_text():
            time.sleep(0.01)
        bench.run(["false"])

    with pytest.raises(BuildError):
        _build(
            tmp_path,
            _artifact(tmp_path, "sleeping", sleep, lane=Lane.COMPILE),
            _artifact(tmp_path, "failing", fail, lane=Lane.FETCH),
        )

    with pytest.raises(ProcessLookupError):
        os.kill(int(recorded.read_text()), 0)


def test_two_runs_at_once_build_one_after_the_other(tmp_path: Path) -> None:
    count: list[int] = []

    def make(result: Path, bench: Bench) -> None:
        count.append(1)
        time.sleep(0.2)
        _write(result, bench)

    artifact = _artifact(tmp_path, "part", make)
    other = threading.Thread(target=_build, args=(tmp_path, artifact))
    other.start()
    _build(tmp_path, artifact)
    other.join()

    assert count == [1]


def test_scrap_goes_when_nothing_is_left_to_build(tmp_path: Path) -> None:
    (tmp_path / "scrap").mkdir()
    _build(tmp_path, _artifact(tmp_path, "part", _write))

    assert not (tmp_path / "scrap").exists()
