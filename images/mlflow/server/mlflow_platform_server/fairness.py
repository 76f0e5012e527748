"""Fairness between teams in a worker process: the state that the layers `Entry`, `Rates` and `Slots` share."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from mlflow_platform_server import webhook_tests
from mlflow_platform_server.appointments import Appointments, Notices, Refusals
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.demand import Demand
from mlflow_platform_server.in_flight import InFlight
from mlflow_platform_server.scope import facts
from mlflow_platform_server.turns import Turns

# Entry of an ASGI scope: called when the request has arrived at the slots.
_ARRIVED = "mlflow_platform.arrived"
# Artifacts stream for hours, in threads of their own and without the database.
_TRANSFERS = frozenset(
    f"{method} {api}/2.0/mlflow-artifacts/artifacts/<path:artifact_path>"
    for method in ("GET", "PUT")
    for api in ("/api", "/ajax-api")
)


class Fairness:
    """Demand, requests in flight and slots of a worker, and the notices in the log."""

    def __init__(
        self, bounds: Bounds, slots: int, clock: Callable[[], float] = time.monotonic, *, workers: int = 1
    ) -> None:
        """`slots` requests are handled by this worker at once; `workers` share the connections of the replica."""
        self.bounds = bounds
        self.clock = clock
        self.demand = Demand()
        self.in_flight = InFlight(capacity=max(1, bounds.connections // workers), percent=bounds.team_percent)
        self.turns = Turns(
            slots=slots,
            percent=bounds.slots_percent,
            wait_seconds=bounds.queue_seconds,
            room=bounds.queued_requests,
            demand=self.demand,
        )
        self._notices = Notices()

    def refusals(self) -> Refusals:
        """The refusals of one layer."""
        return Refusals(Appointments(), self._notices)


def is_transfer(scope: Message) -> bool:
    """True for the upload or download of an artifact, and for the test of a webhook, which waits for its receiver."""
    route = facts(scope).route or ""
    return route in _TRANSFERS or route.endswith(webhook_tests.ROUTE)


@contextmanager
def expected(scope: Message, turns: Turns) -> Generator[None]:
    """Count a request as expected until it reaches the slots or ends."""
    outstanding = True

    def arrive() -> None:
        nonlocal outstanding
        if outstanding:
            outstanding = False
            turns.expect(-1)

    turns.expect(1)
    scope[_ARRIVED] = arrive
    try:
        yield
    finally:
        arrive()


def arrived(scope: Message) -> None:
    """Note that a request has arrived at the slots."""
    if arrive := scope.get(_ARRIVED):
        arrive()
