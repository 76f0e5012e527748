"""Answers to requests beyond a share: 429 or 503 with Retry-After, and a line in the log.

MLflow's client (3.17) repeats a request up to 7 times after 429 and 503, waits as long as Retry-After says, and then
fails. So refused requests get appointments, one after the other: they return at a fraction of the rate at which their
team is served, and most of them are served at their first return.
"""

import logging
import math
import random
from collections import OrderedDict
from collections.abc import Callable

from mlflow_platform_server import answers, open_paths
from mlflow_platform_server.asgi import Message, Send
from mlflow_platform_server.reviews import digest
from mlflow_platform_server.scope import RequestFacts, Scope, facts
from mlflow_platform_server.waiting import FullError, ShareUsedUpError

_logger = logging.getLogger(__name__)

# Refused requests return at this part of the team's rate.
RETURNING_PART = 0.2
LONGEST_SECONDS = 120
# A team appears in the log at most once in so many seconds.
NOTICE_SECONDS = 60
# Teams that are remembered.
TEAMS = 1000


class Appointments:
    """Times at which refused requests should come again, by team."""

    def __init__(self, jitter: Callable[[], float] = random.random, teams: int = TEAMS) -> None:
        self._jitter = jitter
        self._most_teams = teams
        self._next: OrderedDict[str, float] = OrderedDict()

    def seconds(self, team: str, interval: float, now: float) -> int:
        """Whole seconds from now to the appointment of one refused request, from 1 to `LONGEST_SECONDS`.

        `interval` is the time in seconds between two turns of the team.
        """
        at = max(self._next.get(team, now), now) + interval / RETURNING_PART
        # Beyond the longest time all appointments are as late as possible, evenly spread over the last third.
        if at - now > LONGEST_SECONDS:
            at = now + LONGEST_SECONDS * 2 / 3
        self._next[team] = at
        self._next.move_to_end(team)
        if len(self._next) > self._most_teams:
            self._next.popitem(last=False)
        # Whole seconds would send all clients of one second back together; the jitter moves them to either neighbour.
        return min(LONGEST_SECONDS, max(1, math.floor(at - now + 2 * self._jitter())))


class Notices:
    """Decides whether a line about a team is due in the log."""

    def __init__(self, teams: int = TEAMS) -> None:
        self._most_teams = teams
        self._last: OrderedDict[str, float] = OrderedDict()

    def is_due(self, team: str, now: float) -> bool:
        """True if the team has not appeared for `NOTICE_SECONDS`; it then counts as having appeared now."""
        if now - self._last.get(team, -math.inf) < NOTICE_SECONDS:
            return False
        self._last[team] = now
        self._last.move_to_end(team)
        if len(self._last) > self._most_teams:
            self._last.popitem(last=False)
        return True


class Refusals:
    """Refuses requests of teams beyond their share, and tells the operator."""

    def __init__(self, appointments: Appointments, notices: Notices) -> None:
        self._appointments = appointments
        self._notices = notices

    async def refuse(
        self, scope: Message, send: Send, error: ShareUsedUpError | FullError, reason: str, now: float
    ) -> None:
        """Answer with 429 if the share of a team or caller is used up, with 503 if the server is full."""
        found = facts(scope)
        found.refused_by = "limits"
        status, code = (
            (429, "REQUEST_LIMIT_EXCEEDED") if isinstance(error, ShareUsedUpError) else (503, "TEMPORARILY_UNAVAILABLE")
        )
        team = team_of(found)
        self.tell(found, f"refused with {status}: {reason}", now)
        seconds = self._appointments.seconds(team, error.interval, now)
        await answers.refuse(send, status, code, reason, ((b"retry-after", b"%d" % seconds),))

    def tell(self, found: RequestFacts, what: str, now: float) -> None:
        """Log that requests of a team are limited, at most once in `NOTICE_SECONDS`."""
        if self._notices.is_due(team_of(found), now):
            _logger.warning(
                "Workspace %s is being limited: a request of %r was %s",
                found.workspace or "(none)",
                found.caller.user if found.caller else "",
                what,
            )


def asker_of(found: RequestFacts, path: str) -> tuple[str, str] | None:
    """Team and caller that a request counts for; None if it is limited in no way, such as a probe or a static file."""
    if found.caller is None or open_paths.is_open(path):
        return None
    return team_of(found), digest(found.caller)


def team_of(found: RequestFacts | Scope) -> str:
    """The workspace of a request.

    A request without one, such as that for the list of workspaces, counts for its caller as if it were a team; the name
    has a space in it, which no namespace has.
    """
    if found.workspace is None and found.caller is not None:
        return f"caller {digest(found.caller)}"
    return found.workspace or ""
