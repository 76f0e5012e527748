"""Keeps the packet filter in line with the cluster's NetworkPolicies.

`python3 -m network_policies`, in a pod with `hostNetwork` and the capability NET_ADMIN.
"""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .announcements import Announcements, serve
from .pods import pods
from .ruleset import ruleset
from .watching import KINDS, Copy, EndedError, follow

SOCKET = Path("/run/network-policies/socket")
# The ruleset is loaded again after this time even without a change, in case something else has changed the table.
RENEW_SECONDS = 30.0
# Changes within this time are loaded together.
GATHER_SECONDS = 0.02
RETRY_SECONDS = 1.0

log = logging.getLogger("network-policies")


def load(text: str) -> bool:
    """Load a ruleset; returns True on success. After a failure the previous ruleset stays in force."""
    done = subprocess.run(["nft", "-f", "-"], input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        log.error("nft rejected the ruleset, the previous one stays in force: %s\n%s", done.stderr.strip(), text)
    return done.returncode == 0


@dataclass
class Enforcer:
    """Updates the packet filter from the objects of the cluster."""

    copy: Copy
    announcements: Announcements
    load: Callable[[str], bool]
    _last: str = ""

    def step(self, *, renew: bool) -> bool:
        """Load the ruleset if it has changed and all kinds of objects have been listed; returns False on failure.

        Args:
            renew: load the ruleset even if it has not changed.
        """
        if not self.copy.complete():
            return True
        start = time.monotonic()
        objects = self.copy.objects()
        self.announcements.forget(
            {
                (one["metadata"]["namespace"], one["metadata"]["name"]): one["status"].get("podIP")
                for one in objects
                if one["kind"] == "Pod"
            }
        )
        announced = self.announcements.current()
        text = ruleset(objects, announced)
        changed = text != self._last
        if (changed or renew) and not self.load(text):
            return False
        known = pods(objects, announced)
        self.announcements.loaded(known)
        if changed:
            log.info("ruleset loaded for %d pods in %.0f ms", len(known), 1000 * (time.monotonic() - start))
        self._last = text
        return True

    def run(self) -> None:
        """Apply every change; never returns."""
        while True:
            changed = self.copy.changed.wait(RENEW_SECONDS)
            time.sleep(GATHER_SECONDS)
            self.copy.changed.clear()
            if not self.step(renew=not changed):
                time.sleep(RETRY_SECONDS)
                self.copy.changed.set()


def keep_following(kind: str, copy: Copy) -> None:
    """Watch all objects of one kind, and reconnect after every failure; meanwhile the known objects stay in force."""
    while True:
        try:
            follow(os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]), kind, copy)
        except (EndedError, OSError) as error:
            log.warning("%s: %s", kind, error)
            time.sleep(RETRY_SECONDS)


def main() -> None:
    """Start all threads; if one fails, the program exits and the kubelet restarts it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    copy = Copy()
    announcements = Announcements(copy.changed)

    def run(part: Callable[[], None]) -> None:
        try:
            part()
        except BaseException:
            log.exception("a thread failed; exiting")
        os._exit(1)

    # Left by a process that was killed; the new socket is created after the first ruleset has been loaded.
    SOCKET.unlink(missing_ok=True)
    parts: list[Callable[[], None]] = [lambda: serve(SOCKET, announcements), Enforcer(copy, announcements, load).run]
    parts += [lambda kind=kind: keep_following(kind, copy) for kind in KINDS]
    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
