"""Rates: ASGI layer that bounds the requests per second of each team and caller while others send requests.

It is the first layer after the authorisation of the caller, so from here on a request in flight counts for its team.

A request beyond the rate is held until its turn, before its body is read: it costs no thread, no slot and no memory for
a body. Only a request that would wait longer than `queueSeconds`, or finds too many others waiting, is refused.
"""

import asyncio

from mlflow_platform_server import entry
from mlflow_platform_server.appointments import asker_of
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.fairness import Fairness, expected, is_transfer
from mlflow_platform_server.pacing import Pacing
from mlflow_platform_server.scope import facts
from mlflow_platform_server.waiting import FullError, ShareUsedUpError, Ticket, turn

# Shorter waits are not worth a line in the log: a page that sends 50 requests at once waits as long.
NOTED_SECONDS = 2


class Rates:
    """ASGI middleware that holds requests beyond the rate of their team or caller, or refuses them."""

    def __init__(self, app: App, fairness: Fairness) -> None:
        self._app = app
        self._fairness = fairness
        self._bounds = fairness.bounds
        self._clock = fairness.clock
        self._turns = fairness.turns
        self._turns.on_leave = self._left
        self._turns.on_wait = self._arm
        self._pacing = Pacing(
            team_rate=fairness.bounds.team_requests_per_second,
            caller_rate=fairness.bounds.caller_requests_per_second,
            wait_seconds=fairness.bounds.queue_seconds,
            room=fairness.bounds.queued_requests,
            demand=fairness.demand,
            idle=fairness.turns.idle,
        )
        self._refusals = fairness.refusals()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass one request on when its turn comes, or refuse it."""
        asker = None if scope["type"] != "http" else asker_of(facts(scope), scope["path"])
        if asker is None:
            await self._app(scope, receive, send)
            return
        team, caller = asker
        if not entry.counted_for_team(scope, team, caller, self._fairness):
            await entry.refuse(scope, send, self._fairness, self._refusals)
            return
        try:
            ticket = self._pacing.ask(team, caller, self._clock())
            if not ticket.granted:
                await self._turn(ticket)
        except (ShareUsedUpError, FullError) as error:
            await self._refusals.refuse(scope, send, error, self._reason(error), self._clock())
            return
        now = self._clock()
        if now - ticket.since >= NOTED_SECONDS:
            self._refusals.tell(facts(scope), f"held for {now - ticket.since:.0f} s by its rate limit", now)
        if is_transfer(scope):
            await self._app(scope, receive, send)
            return
        with expected(scope, self._turns):
            await self._app(scope, receive, send)

    async def _turn(self, ticket: Ticket) -> None:
        """Wait for a turn.

        Raises:
            ShareUsedUpError: the turn did not come in time.
        """
        self._arm()
        try:
            granted = await turn(ticket, self._bounds.queue_seconds)
        finally:
            if not ticket.granted:
                self._pacing.withdraw(ticket)
        if not granted:
            raise ShareUsedUpError(self._pacing.interval(ticket.team))

    def _reason(self, error: ShareUsedUpError | FullError) -> str:
        bounds = self._bounds
        if isinstance(error, FullError):
            return f"{bounds.queued_requests} requests wait, and no more may (server.bounds.queuedRequests). Try again."
        return (
            "Too many requests of your team or of you. While others send requests, each worker accepts at most "
            f"{bounds.team_requests_per_second}/s of a team (server.bounds.teamRequestsPerSecond) and "
            f"{bounds.caller_requests_per_second}/s of a caller (server.bounds.callerRequestsPerSecond); a request "
            f"waits for its turn at most {bounds.queue_seconds} s (server.bounds.queueSeconds)."
        )

    def _arm(self) -> None:
        """Set the timer to the next turn, here or at the slots."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        turns = [due for due in (self._pacing.next_turn(), self._turns.next_turn(now)) if due is not None]
        if turns:
            self._timer = asyncio.get_running_loop().call_later(max(0.001, min(turns) - now), self._tick)

    def _left(self, ticket: Ticket, seconds: float) -> None:
        """Note that a request has returned its slot after `seconds`."""
        self._pacing.charge(ticket, seconds, self._clock())
        self._grant()

    def _tick(self) -> None:
        """Check the waiting requests again, here and at the slots: a team or caller may no longer count as active."""
        self._turns.grant(self._clock())
        self._grant()

    def _grant(self) -> None:
        if self._pacing.waiting:
            self._pacing.grant(self._clock())
        if self._pacing.waiting or self._turns.waiting:
            self._arm()
