"""Remote method calls between two processes over a pair of pipes; both run with the same packages."""

import pickle
import subprocess
import sys
import threading


class OtherSideError(Exception):
    """A call failed on the other side; the message is the exception's own."""


class GoneError(Exception):
    """The other process has ended."""


class Link:
    """The calling side. Threads take turns."""

    def __init__(self, command, env):
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock = threading.Lock()

    def call(self, method, *arguments):
        """Call a method of the other process; returns what it returns."""
        with self._lock:
            try:
                pickle.dump((method, arguments), self._process.stdin)
                self._process.stdin.flush()
                ok, value = pickle.load(self._process.stdout)  # noqa: S301 - from our own program
            except (EOFError, OSError) as error:
                raise GoneError("the process that reads SOURCE has ended; its error output is above") from error
        if not ok:
            raise OtherSideError(value)
        return value

    def __getattr__(self, method):
        return lambda *arguments: self.call(method, *arguments)

    def close(self):
        """End the other process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)


def serve(target, calls, answers):
    """Answer calls until the calling process has ended."""
    while True:
        try:
            method, arguments = pickle.load(calls)  # noqa: S301 - from our own program
        except EOFError:
            return
        try:
            answer = (True, getattr(target, method)(*arguments))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller decides
            answer = (False, f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


def own_pipes():
    """Pipes to the calling process. Everything else that is printed to standard output goes to standard error."""
    import os

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sys.stdin.buffer, answers
