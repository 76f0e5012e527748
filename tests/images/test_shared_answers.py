"""Answers that the worker processes of a pod share, for outages of Kubernetes."""

import logging
import multiprocessing
import resource
import tempfile
from pathlib import Path
from random import Random

import pytest
from mlflow_platform_server import kubernetes_access
from mlflow_platform_server.decisions import Decisions
from mlflow_platform_server.review_engine import OutageError, ReviewEngine
from mlflow_platform_server.shared_answers import SharedAnswers, path

FRESH, OUTAGE = 30, 300
KEY = ("alice", "team-a")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def down(_: float) -> object:
    """Fail as Kubernetes does in an outage."""
    raise OutageError("down")


def workers(folder: Path, clock: Clock) -> tuple[ReviewEngine, ReviewEngine]:
    """Two processes of a pod."""
    first, second = (
        ReviewEngine(Decisions(FRESH, OUTAGE, clock=clock, shared=SharedAnswers(folder / "a")), 5, clock=clock)
        for _ in range(2)
    )
    return first, second


def test_in_an_outage_a_worker_goes_on_with_what_another_one_was_told(tmp_path: Path) -> None:
    clock = Clock()
    first, second = workers(tmp_path, clock)
    assert first.decide_blocking(KEY, lambda _: True) is True
    assert second.decide_blocking(KEY, down) is True
    for other in (("alice", "team-b"), ("bob", "team-a")):
        with pytest.raises(OutageError):
            second.decide_blocking(other, down)
    clock.now += OUTAGE
    with pytest.raises(OutageError):
        second.decide_blocking(KEY, down)


def test_without_an_outage_every_worker_asks_for_itself(tmp_path: Path) -> None:
    """Otherwise a revocation would take effect later, and a fault of one worker would affect all."""
    first, second = workers(tmp_path, Clock())
    assert first.decide_blocking(KEY, lambda _: True) is True
    assert second.decide_blocking(KEY, lambda _: False) is False


def test_a_no_that_one_worker_is_told_ends_the_yes_of_all(tmp_path: Path) -> None:
    clock = Clock()
    first, second = workers(tmp_path, clock)
    for worker in (first, second):
        assert worker.decide_blocking(KEY, lambda _: True) is True
    clock.now += FRESH
    assert second.decide_blocking(KEY, lambda _: False) is False
    clock.now += FRESH
    for worker in (first, second):
        with pytest.raises(OutageError):
            worker.decide_blocking(KEY, down)


def test_a_no_takes_no_other_answers_place(tmp_path: Path) -> None:
    answers = SharedAnswers(tmp_path / "a", slots=1)
    answers.put("a", True, 1.0)  # noqa: FBT003 - an answer
    answers.put("b", False, 2.0)  # noqa: FBT003 - an answer
    assert answers.get("a") == (True, 1.0)
    answers.put("a", False, 0.5)  # noqa: FBT003 - an answer
    assert answers.get("a") == (True, 1.0)
    answers.put("b", True, 2.0)  # noqa: FBT003 - an answer
    assert (answers.get("a"), answers.get("b")) == (None, (True, 2.0))


def test_a_record_that_is_half_written_or_damaged_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "a"
    answers = SharedAnswers(file, slots=1)
    answers.put(KEY, True, 1.0)  # noqa: FBT003 - an answer
    whole = file.read_bytes()
    random = Random(1)  # noqa: S311 - no secret
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= random.randrange(1, 256)
        file.write_bytes(damaged)
        assert SharedAnswers(file, slots=1).get(KEY) is None
    file.write_bytes(whole)
    assert SharedAnswers(file, slots=1).get(KEY) == (True, 1.0)


def _write(file: Path) -> None:
    answers = SharedAnswers(file, slots=1)
    for number in range(20_000):
        answers.put(number % 7, True, float(number))  # noqa: FBT003 - an answer


def test_processes_that_write_at_once_never_show_an_answer_that_nobody_wrote(tmp_path: Path) -> None:
    file = tmp_path / "a"
    answers = SharedAnswers(file, slots=1)
    writers = [multiprocessing.get_context("fork").Process(target=_write, args=(file,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    found = set[int]()
    while any(writer.is_alive() for writer in writers):
        for key in range(7):
            if (answer := answers.get(key)) is not None:
                assert answer[0] is True
                assert answer[1] % 7 == key
                found.add(key)
    assert found
    assert [writer.exitcode for writer in writers] == [0, 0]


def test_the_file_is_the_pods_own_and_another_one_after_a_restart_of_the_node(tmp_path: Path) -> None:
    file = path(tmp_path)
    SharedAnswers(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() in file.name


def test_a_link_in_the_files_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    with pytest.raises(OSError, match="symbolic links"):
        SharedAnswers(tmp_path / "a")


def test_the_whole_file_has_its_room_on_the_disk_before_the_first_answer(tmp_path: Path) -> None:
    """A write into a hole of a file on a full disk ends the process."""
    file = path(tmp_path)
    SharedAnswers(file)
    assert file.stat().st_size >= 2**20
    assert file.stat().st_blocks * 512 >= file.stat().st_size


def test_without_room_for_the_file_a_worker_starts_says_so_once_and_shares_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, allowed[1]))
    try:
        assert kubernetes_access.shared_answers() is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    (line,) = caplog.records
    assert (line.levelno >= logging.WARNING, "share" in line.message) == (True, True)
    assert kubernetes_access.shared_answers() is not None
