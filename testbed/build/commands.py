"""Runs build commands: output goes to a log, a failure raises an error that quotes the log, no process stays behind."""

import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.errors import EmbeddedError

_TAIL_LINES = 12
_LOG_END_BYTES = 16_384
_COMMAND_MARK = "$ "

_REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"checksum mismatch|do not match the hashes|hash mismatch|SECURITY ERROR|Hash Sum", re.IGNORECASE),
        (
            "The download does not match the recorded checksum. Do not use it: check which proxy or mirror is between"
            " this machine and the registry."
        ),
    ),
    (
        re.compile(r"NO_PUBKEY|Release signed by unknown key|BADSIG|EXPKEYSIG|invalid signature", re.IGNORECASE),
        (
            "The signature of the Debian archive is invalid: update the package debian-archive-keyring, and check"
            " which mirror is used."
        ),
    ),
    (
        re.compile(r"no space left on device", re.IGNORECASE),
        "The disk is full: free space on it, or set XDG_CACHE_HOME to a larger disk, and run the same command again.",
    ),
    (
        re.compile(r"signal: killed|cannot allocate memory|out of memory", re.IGNORECASE),
        "The machine ran out of memory: the builds need 6 GiB. Free some memory and run the same command again.",
    ),
    (
        re.compile(
            r"could not resolve|no such host|temporary failure|connection (refused|timed out|reset)|i/o timeout"
            r"|network is unreachable|proxyconnect|TLS handshake|certificate verify failed|unknown authority"
            r"|Failed to fetch|Max retries exceeded|\b50[234] ",
            re.IGNORECASE,
        ),
        (
            "A package registry could not be reached: check the network, and HTTPS_PROXY, GOPROXY and PIP_INDEX_URL if"
            " this machine needs them; then run the same command again."
        ),
    ),
)
_DEFAULT_REMEDY = "Finished parts are kept: run the same command again, and report the log if it fails the same way."


class BuildError(EmbeddedError):
    """A part of the embedded cluster could not be built."""


def _tail(log: Path) -> list[str]:
    """Return the last lines of a log; for a progress line redrawn with carriage returns, only its last text."""
    with log.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _LOG_END_BYTES))
        text = stream.read().decode(errors="replace")
    lines = [line.rstrip().rsplit("\r", 1)[-1] for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(_COMMAND_MARK)][-_TAIL_LINES:]


def _remedy(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    return next((remedy for pattern, remedy in _REMEDIES if pattern.search(text)), _DEFAULT_REMEDY)


@dataclass(frozen=True)
class Commands:
    """The build commands that are running; all of them can be killed at once."""

    _running: set[subprocess.Popen[bytes]] = field(default_factory=set[subprocess.Popen[bytes]])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run one command to its end; raise a BuildError that quotes the log if it fails."""
        words = [str(word) for word in argv]
        with log.open("ab") as output:
            output.write(f"{_COMMAND_MARK}{' '.join(words)}\n".encode())
            output.flush()
            with self._lock:
                if self._stopped.is_set():
                    message = f"{words[0]} was not started: the build is being stopped."
                    raise BuildError(message)
                # The command is killed with this process: otherwise it could write into directories that the next run
                # has cleared.
                process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", "--", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=env,
                )
                self._running.add(process)
            try:
                code = process.wait()
            finally:
                with self._lock:
                    self._running.discard(process)
        if code != 0:
            lines = _tail(log)
            quoted = "\n".join(f"    {line}" for line in lines)
            ended = f"{Path(words[0]).name} ended with exit code {code}; the end of its output:"
            message = f"{ended}\n{quoted}\n{_remedy(lines)}"
            raise BuildError(message)

    def stop(self) -> None:
        """Kill all running commands; later calls of `run` raise a BuildError."""
        with self._lock:
            self._stopped.set()
            for process in self._running:
                process.kill()
