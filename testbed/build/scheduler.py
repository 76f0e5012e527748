"""Builds missing artifacts in two parallel lanes.

Only one process at a time builds in a cache. An artifact appears in the cache only when it is complete.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed.build.artifact import Artifact, Bench, Lane, missing
from testbed.build.commands import BuildError, Commands

Progress = Callable[[str], None]
"""Function that prints one line of progress."""

_HEARTBEAT_SECONDS = 60
_LOCK_POLL_SECONDS = 1
# Longer than a whole cold build on a slow machine.
_LOCK_WAIT_SECONDS = 3600
_SHORT_BUILD_SECONDS = 2


@contextmanager
def _only_one(cache: Path, progress: Progress) -> Generator[None]:
    """Hold the cache's build lock; the kernel releases the lock however this process ends."""
    path = cache / "build.lock"
    with path.open("a+") as lock:
        deadline = time.monotonic() + _LOCK_WAIT_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pass
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            if not told:
                progress(f"waiting for another build in {cache} (process {owner})")
                told = True
            if time.monotonic() > deadline:
                message = (
                    f"Process {owner} has been building in {cache} for an hour."
                    " If it hangs, end it and run the same command again; finished parts are kept."
                )
                raise BuildError(message)
            time.sleep(_LOCK_POLL_SECONDS)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _make(artifact: Artifact, work: Path, commands: Commands) -> float:
    """Build one artifact under a temporary name and rename it; return the seconds it took."""
    started = time.monotonic()
    log = artifact.cache / "log" / f"{artifact.name}.log"
    log.write_text("")
    bench = work / artifact.name
    scratch = bench / "scratch"
    scratch.mkdir(parents=True)
    result = bench / "result"
    try:
        artifact.make(result, Bench(scratch=scratch, log=log, commands=commands))
    except BuildError as error:
        message = f"{artifact.label} could not be built: {error}\nWhole log: {log}"
        raise BuildError(message) from error
    except OSError as error:
        message = f"{artifact.label} could not be built: {error}. Whole log: {log}"
        raise BuildError(message) from error
    # An artifact that exists under its final name has to be complete, even after a power failure.
    os.sync()
    result.rename(artifact.path)
    shutil.rmtree(bench)
    return time.monotonic() - started


def _usual(seconds: int) -> str:
    minute = 60
    return f"{seconds} s" if seconds < 2 * minute else f"{round(seconds / minute)} min"


@dataclass
class _Run:
    """State of one build run."""

    plan: list[Artifact]
    progress: Progress
    work: Path
    commands: Commands = field(default_factory=Commands)
    waiting: list[Artifact] = field(init=False)
    running: dict[Future[float], Artifact] = field(default_factory=dict[Future[float], Artifact])
    started: dict[Artifact, float] = field(default_factory=dict[Artifact, float])

    def __post_init__(self) -> None:
        self.waiting = list(self.plan)

    def _start_what_can(self, pool: ThreadPoolExecutor) -> None:
        """In each idle lane, start the first artifact whose dependencies exist."""
        for lane in Lane:
            if any(artifact.lane is lane for artifact in self.running.values()):
                continue
            for artifact in self.waiting:
                if artifact.lane is lane and all(source.exists for source in (*artifact.needs, *artifact.tools)):
                    self.waiting.remove(artifact)
                    self.started[artifact] = time.monotonic()
                    if artifact.usual_seconds > _SHORT_BUILD_SECONDS:
                        self.progress(f"{artifact.label}: building (usually {_usual(artifact.usual_seconds)})")
                    self.running[pool.submit(_make, artifact, self.work, self.commands)] = artifact
                    break

    def _report(self, done: set[Future[float]]) -> None:
        for future in done:
            artifact = self.running.pop(future)
            seconds = future.result()
            count = len(self.plan) - len(self.waiting) - len(self.running)
            self.progress(f"{artifact.label}: built in {seconds:.0f} s [{count}/{len(self.plan)}]")
        if not done:
            now = time.monotonic()
            busy = ", ".join(f"{each.label} ({now - self.started[each]:.0f} s)" for each in self.running.values())
            self.progress(f"still building {busy}")

    def run(self) -> None:
        with ThreadPoolExecutor(max_workers=len(Lane)) as pool:
            try:
                while self.waiting or self.running:
                    self._start_what_can(pool)
                    done, _ = wait(self.running, timeout=_HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
                    self._report(done)
            except BaseException:
                # An interrupted or failed run must not leave a compiler behind.
                self.commands.stop()
                raise


def build(
    wanted: Sequence[Artifact],
    cache: Path,
    progress: Progress,
    *,
    prepare: Callable[[Sequence[Artifact]], None],
    scrap: Path,
) -> None:
    """Build the artifacts of `wanted` that do not exist yet.

    `prepare` is called with the artifacts to build; it raises if the machine cannot build them. `scrap` is a directory
    with intermediate results, which is removed after a complete build.
    """
    if not missing(wanted):
        return
    for directory in (cache / "log", cache / "tmp"):
        directory.mkdir(parents=True, exist_ok=True)
    with _only_one(cache, progress):
        # Checked again, because another process that held the lock may have built everything.
        plan = missing(wanted)
        if not plan:
            return
        prepare(plan)
        there = sum(artifact.exists for artifact in wanted)
        if there:
            progress(f"{there} of {len(wanted)} artifacts are already in {cache}")
        for leftover in (cache / "tmp").iterdir():
            # A leftover may disappear meanwhile, because `_discard` removes in the background.
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache / "tmp") as work:
            _Run(plan=plan, progress=progress, work=Path(work)).run()
        if scrap.exists():
            _discard(scrap, cache / "tmp")


def _discard(scrap: Path, where: Path) -> None:
    """Remove the directory `scrap` in the background: deleting gigabytes of small files takes minutes."""
    doomed = Path(tempfile.mkdtemp(dir=where)) / scrap.name
    scrap.rename(doomed)
    # The shell returns at once. What is left after a power failure is removed by the next build.
    command = ["sh", "-c", 'nice rm -rf "$1" >/dev/null 2>&1 &', "sh", str(doomed.parent)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
