"""Entry: ASGI layer that counts requests in flight by caller, before they are authorised and before a body is read.

Until it is authorised, a request counts for the caller that its headers name; then for the team and the caller in the
team (`counted_for_team`). A request that exceeds a share is refused at once, which soon frees its connection.
"""

from dataclasses import dataclass

from mlflow_platform_server import draining
from mlflow_platform_server.appointments import Refusals
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.body_rules import has_body
from mlflow_platform_server.demand import Demand
from mlflow_platform_server.fairness import Fairness
from mlflow_platform_server.in_flight import InFlight, Seat
from mlflow_platform_server.reviews import digest
from mlflow_platform_server.scope import facts
from mlflow_platform_server.waiting import ShareUsedUpError

# Entry of an ASGI scope: what the request counts for.
_COUNTED = "mlflow_platform.counted"


@dataclass(slots=True)
class _Counted:
    """The seat of a request: its place among the requests in flight."""

    in_flight: InFlight
    seat: Seat | None

    def end(self) -> None:
        seat, self.seat = self.seat, None
        if seat is not None:
            self.in_flight.leave(seat)


class Entry:
    """ASGI middleware that counts requests in flight, and refuses those of callers who have too many."""

    def __init__(self, app: App, fairness: Fairness) -> None:
        self._app = app
        self._fairness = fairness
        # Of callers; the one of `Fairness` is of teams.
        self._demand = Demand()
        self._refusals = fairness.refusals()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass one request on and count it until its end, or refuse it."""
        found = facts(scope) if scope["type"] == "http" else None
        if found is None or (found.caller is None and not has_body(scope["headers"])):
            # Nobody's requests are probes, which have no body to keep them here.
            await self._app(scope, receive, send)
            return
        caller = digest(found.caller) if found.caller else ""
        seat = self._fairness.in_flight.enter(f"caller {caller}", caller, self._demand, self._fairness.clock())
        if seat is None:
            await refuse(scope, send, self._fairness, self._refusals)
            return
        counted = scope[_COUNTED] = _Counted(self._fairness.in_flight, seat)
        draining.stands(scope, counted=True)
        try:
            await self._app(scope, receive, send)
        finally:
            counted.end()
            # A failure is answered by a layer further out.
            draining.stands(scope, counted=False)


def counted_for_team(scope: Message, team: str, caller: str, fairness: Fairness) -> bool:
    """Count a request for the team, after its authorisation; False if the team or the caller has too many in flight."""
    counted: _Counted | None = scope.get(_COUNTED)
    if counted is None:
        return True
    counted.end()
    counted.seat = fairness.in_flight.enter(team, caller, fairness.demand, fairness.clock())
    draining.stands(scope, counted=counted.seat is not None)
    return counted.seat is not None


async def refuse(scope: Message, send: Send, fairness: Fairness, refusals: Refusals) -> None:
    """Refuse a request because its team or caller has too many in flight."""
    bounds = fairness.bounds
    reason = (
        f"Too many requests of your team or of you are in flight: while others send requests, a team may have "
        f"{bounds.team_percent} % (server.bounds.teamPercent) of the {fairness.in_flight.capacity} connections of a "
        f"worker (server.bounds.connections), and a caller the same part of the team's share. The last connections are "
        "kept for teams and callers with few requests."
    )
    error = ShareUsedUpError(1 / bounds.team_requests_per_second)
    await refusals.refuse(scope, send, error, reason, fairness.clock())
