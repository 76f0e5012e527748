"""The first of two judges: whether a caller has any right in a workspace, by an access review of Kubernetes.

The review is for the verb `get` on `experiments`, which every role of a team has (components/team/permissions.py). What
a caller may do inside of the workspace is left to the authorization plugin, the second judge. Nothing here uses the
plugin, so that a fault of the plugin is not a fault of both.
"""

import asyncio
import contextvars
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mlflow_platform_server.scope import Caller

GROUP, RESOURCE, VERB = "mlflow.kubeflow.org", "experiments", "get"
TIMEOUT_SECONDS = 5
# Decisions of as many pairs of a caller and a workspace are remembered.
ENTRIES = 10_000
# Reviews that run at once. They have threads of their own: those of asyncio may all be waiting for the artifact store.
THREADS = 8

# Asks Kubernetes once, blocking: caller, namespace -> allowed.
Asker = Callable[[Caller, str], bool]
_Key = tuple[str, str]


class ReviewFailedError(Exception):
    """Kubernetes gave no decision."""


class TokenRefusedError(Exception):
    """Kubernetes does not accept the caller's token."""


class Decisions:
    """Decisions of the last seconds; the least recently used ones are forgotten first."""

    def __init__(self, ttl_seconds: float, entries: int = ENTRIES, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_seconds = ttl_seconds
        self._entries = entries
        self._clock = clock
        self._known: OrderedDict[_Key, tuple[bool, float]] = OrderedDict()

    def get(self, key: _Key) -> bool | None:
        """The decision; None if there is none, or if it has expired."""
        entry = self._known.get(key)
        if entry is None:
            return None
        allowed, expires = entry
        if self._clock() >= expires:
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return allowed

    def put(self, key: _Key, *, allowed: bool) -> None:
        """Remember a decision."""
        self._known[key] = (allowed, self._clock() + self._ttl_seconds)
        self._known.move_to_end(key)
        while len(self._known) > self._entries:
            self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)


class AccessReviews:
    """Access reviews of one worker process: one at a time for each caller and namespace, remembered for a while."""

    def __init__(self, ask: Asker, decisions: Decisions, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._ask = ask
        self._decisions = decisions
        self._timeout_seconds = timeout_seconds
        self._running: dict[_Key, asyncio.Task[bool]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="access-review")

    async def allows(self, caller: Caller, namespace: str) -> bool:
        """True if the caller has a right in the namespace.

        Raises:
            ReviewFailedError: Kubernetes gave no decision in time. Failures are not remembered.
            TokenRefusedError: Kubernetes does not accept the caller's token.
        """
        key = (digest(caller), namespace)
        if (known := self._decisions.get(key)) is not None:
            return known
        running = self._running.get(key)
        if running is None:
            # In a context of its own, because other requests wait for it too.
            running = asyncio.get_running_loop().create_task(
                self._review(key, caller, namespace), context=contextvars.Context()
            )
            self._running[key] = running
            running.add_done_callback(lambda done: self._finished(key, done))
        # A client that disconnects must not end the review of the others.
        return await asyncio.shield(running)

    async def _review(self, key: _Key, caller: Caller, namespace: str) -> bool:
        asking = asyncio.get_running_loop().run_in_executor(self._threads, self._ask, caller, namespace)
        try:
            allowed = await asyncio.wait_for(asking, self._timeout_seconds)
        except TimeoutError as error:
            message = f"Kubernetes gave no decision within {self._timeout_seconds} s."
            raise ReviewFailedError(message) from error
        self._decisions.put(key, allowed=allowed)
        return allowed

    def _finished(self, key: _Key, done: asyncio.Task[bool]) -> None:
        del self._running[key]
        # Read, or asyncio complains about an error that nobody has seen when all clients have gone.
        if not done.cancelled():
            done.exception()


def digest(caller: Caller) -> str:
    """A caller's key: two callers have the same only if Kubernetes decides the same for them."""
    document = json.dumps([caller.user, sorted(caller.groups), caller.token])
    return hashlib.sha256(document.encode()).hexdigest()
