"""Watches the event loop of a worker: measures its delay (`loop_delay.py`), ends it if it is stuck (`watchdog.py`)."""

import asyncio
import json
import logging
from typing import Any

from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.loop_delay import Delays, InFlight, Probe
from mlflow_platform_server.scope import facts
from mlflow_platform_server.watchdog import Watchdog

_logger = logging.getLogger(__name__)


def to_log(report: dict[str, Any]) -> None:
    """Write a report as one line of JSON."""
    _logger.warning("%s", json.dumps(report))


class LoopWatch:
    """ASGI middleware that watches the loop from the start of the server to its end, and knows the requests in flight.

    It belongs inside of `audit.AuditLog`, which gives requests their IDs.
    """

    def __init__(self, app: App, delays: Delays | None = None, watchdog: Watchdog | None = None) -> None:
        self._app = app
        self.delays = delays or Delays()
        """The delays of this worker."""
        self._watchdog = watchdog or Watchdog(lambda: self.delays.turns)
        self.in_flight = InFlight()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the start and the end of the server."""
        if scope["type"] == "http":
            request = facts(scope).id
            self.in_flight.begin(request)
            try:
                await self._app(scope, receive, send)
            finally:
                self.in_flight.end(request)
        elif scope["type"] == "lifespan":
            await self._watched(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _watched(self, scope: Message, receive: Receive, send: Send) -> None:
        probe = asyncio.create_task(Probe(self.delays, self.in_flight, to_log).run(), name="loop probe")
        self._watchdog.start()
        try:
            await self._app(scope, receive, send)
        finally:
            self._watchdog.stop()
            probe.cancel()
