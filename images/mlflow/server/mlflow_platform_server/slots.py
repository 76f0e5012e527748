"""Slots: ASGI layer that lets requests take turns for the work itself, after their bodies were read.

A worker has as many slots as its database connections can serve. anyio would let requests wait for its threads in the
order of their arrival, whoever sends them: 64 clients of one team delayed every other team. Transfers of artifacts take
no slot: they stream for hours, and need no database. A request returns its slot when its answer begins and has its own
memory (`delivery.py`), because sending takes as long as the slowest client needs.
"""

from mlflow_platform_server import delivery
from mlflow_platform_server.appointments import asker_of
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.fairness import Fairness, arrived, is_transfer
from mlflow_platform_server.scope import facts
from mlflow_platform_server.waiting import FullError, ShareUsedUpError, Ticket, turn

# Threads besides those of the slots, for requests without a slot: probes, static files and pieces of files. Answers
# that have begun may also still need their thread for a moment.
SPARE_THREADS = 4


class Slots:
    """ASGI middleware that lets as many requests work at once as there are slots; the others wait, by turns."""

    def __init__(self, app: App, fairness: Fairness) -> None:
        self._app = app
        self._bounds = fairness.bounds
        self._clock = fairness.clock
        self._turns = fairness.turns
        self._refusals = fairness.refusals()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request when it has a slot, or refuse it."""
        asker = None if scope["type"] != "http" else asker_of(facts(scope), scope["path"])
        if asker is None or is_transfer(scope):
            await self._app(scope, receive, send)
            return
        team, caller = asker
        arrived(scope)
        try:
            ticket = self._turns.ask(team, caller, self._clock())
            if not ticket.granted:
                await self._turn(ticket)
        except (ShareUsedUpError, FullError) as error:
            await self._refusals.refuse(scope, send, error, self._reason(error), self._clock())
            return
        await self._serve(ticket, scope, receive, send)

    async def _serve(self, ticket: Ticket, scope: Message, receive: Receive, send: Send) -> None:
        working = True

        def done() -> None:
            nonlocal working
            if working:
                working = False
                self._turns.leave(ticket, self._clock())

        delivery.when_counted(done)
        try:
            await self._app(scope, receive, send)
        finally:
            done()

    async def _turn(self, ticket: Ticket) -> None:
        """Wait for a slot.

        Raises:
            ShareUsedUpError: no slot was free in time for this team or caller.
            FullError: no slot was free in time for anybody.
        """
        try:
            granted = await turn(ticket, self._bounds.queue_seconds)
        except BaseException:
            if ticket.granted:
                self._turns.leave(ticket, self._clock())
            else:
                self._turns.withdraw(ticket)
            raise
        if not granted:
            self._turns.withdraw(ticket)
            kind = FullError if self._turns.is_full() and not ticket.pushed_out else ShareUsedUpError
            raise kind(self._turns.interval(ticket.team))

    def _reason(self, error: ShareUsedUpError | FullError) -> str:
        bounds = self._bounds
        if isinstance(error, FullError):
            return (
                f"The server is busy: no slot was free in {bounds.queue_seconds} s (server.bounds.queueSeconds), or "
                f"{bounds.queued_requests} requests are waiting (server.bounds.queuedRequests). Try again."
            )
        return (
            "Too many requests of your team or of you are being handled or wait: while others send requests, a team "
            f"may use {bounds.slots_percent} % of a worker's slots for requests (server.bounds.slotsPercent), and no "
            f"request waits for a slot longer than {bounds.queue_seconds} s (server.bounds.queueSeconds)."
        )
