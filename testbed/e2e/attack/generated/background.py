"""Requests that run beside the attacks: an upload and a search of either team, over and over."""

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from testbed.e2e.attack.generated.run import Sender
from testbed.e2e.attack.table import JSON_HEADERS, Request
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.attack.world import World

# Large enough to be streamed in pieces.
UPLOAD = b"0123456789abcdef" * (256 * 1024)
PAUSE_SECONDS = 0.2


@dataclass(slots=True)
class Actors:
    """Threads that send requests until they are stopped."""

    ended: threading.Event = field(default_factory=threading.Event)
    busy: threading.Event = field(default_factory=threading.Event)
    """An event that is unset while the threads pause."""

    resting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    sent: int = 0
    refused: list[str] = field(default_factory=list[str])
    """Requests that failed although they should have succeeded."""

    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    @contextmanager
    def rest(self) -> Generator[None]:
        """Pause all threads during a block."""
        self.busy.clear()
        for _ in self.threads:
            self.resting.acquire()
        try:
            yield
        finally:
            self.busy.set()


def requests(owner: World) -> list[Request]:
    """An upload, always of the same content so that nothing changes, and a search."""
    search = json.dumps({"experiment_ids": [owner.values["experiment"]], "run_view_type": "ALL"}).encode()
    path = f"/api/2.0/mlflow-artifacts/artifacts/{owner.values['artifacts']}/large.bin"
    return [
        Request(method="PUT", path=path, body=UPLOAD),
        Request(method="POST", path="/api/2.0/mlflow/runs/search", headers=JSON_HEADERS, body=search),
        Request(method="GET", path=path),
    ]


@contextmanager
def acting(connect: Callable[[], Sender], owners: Sequence[tuple[Caller, World]]) -> Generator[Actors]:
    """Two threads for each team: one uploads, one searches and downloads."""
    actors = Actors()
    actors.busy.set()
    for caller, owner in owners:
        upload, *reads = requests(owner)
        # The object is there before anybody looks at the state.
        _send(actors, connect(), caller, upload)
        for work in ([upload], reads):
            thread = threading.Thread(target=_act, args=(actors, connect, caller, work), daemon=True)
            actors.threads.append(thread)
    for thread in actors.threads:
        thread.start()
    try:
        yield actors
    finally:
        actors.ended.set()
        actors.busy.set()
        for thread in actors.threads:
            thread.join()


def _act(actors: Actors, connect: Callable[[], Sender], caller: Caller, work: Sequence[Request]) -> None:
    sender = connect()
    while not actors.ended.is_set():
        if not actors.busy.is_set():
            actors.resting.release()
            actors.busy.wait()
        for request in work:
            _send(actors, sender, caller, request)
        actors.ended.wait(PAUSE_SECONDS)
    sender.close()


def _send(actors: Actors, sender: Sender, caller: Caller, request: Request) -> None:
    answer = sender.send(request, token=caller.token, workspace=caller.workspace)
    actors.sent += 1
    if answer.status >= 400:
        actors.refused.append(f"{request.method} {request.path} of {caller.name}: {answer.status} {answer.body[:200]}")
