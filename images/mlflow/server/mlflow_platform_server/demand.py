"""Teams and callers with recent requests: a share is a limit only while somebody else sends requests.

The memory is bounded: it holds the two latest teams, and the two latest callers of each of the latest teams.
"""

import math
from collections import OrderedDict

# A team or a caller counts as asking for as many seconds after its last request.
ASKING_SECONDS = 5
# Teams whose callers are remembered.
TEAMS = 1000


class Recent:
    """The latest request of all, and the latest one of anybody else than its sender."""

    __slots__ = ("_asker", "_at", "_other_at")

    def __init__(self) -> None:
        self._asker: str | None = None
        self._at = self._other_at = -math.inf

    def note(self, asker: str, now: float) -> None:
        """Remember a request."""
        if asker != self._asker:
            # The latest asker was the last one of all, so it is also the last one besides the new asker.
            self._asker, self._other_at = asker, self._at
        self._at = now

    def others(self, asker: str) -> float:
        """Time of the latest request of anybody but this asker; minus infinity if there was none."""
        return self._other_at if asker == self._asker else self._at


class Demand:
    """The latest requests of teams, and of the callers in each team. Times are in seconds of any clock."""

    def __init__(self, asking_seconds: float = ASKING_SECONDS, teams: int = TEAMS) -> None:
        self._asking_seconds = asking_seconds
        self._most_teams = teams
        self._teams = Recent()
        self._callers: OrderedDict[str, Recent] = OrderedDict()

    def note(self, team: str, caller: str, now: float) -> None:
        """Remember a request."""
        self._teams.note(team, now)
        recent = self._callers.setdefault(team, Recent())
        recent.note(caller, now)
        self._callers.move_to_end(team)
        if len(self._callers) > self._most_teams:
            self._callers.popitem(last=False)

    def teams_until(self, team: str) -> float:
        """Time until which another team than this one counts as asking."""
        return self._teams.others(team) + self._asking_seconds

    def callers_until(self, team: str, caller: str) -> float:
        """Time until which another caller of this team counts as asking."""
        recent = self._callers.get(team)
        return -math.inf if recent is None else recent.others(caller) + self._asking_seconds
