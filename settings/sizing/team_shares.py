"""One team's share of requests per second and of requests handled at once, while other teams send requests."""

from dataclasses import dataclass

from components.sizes import threads
from settings.schema.server import Server
from settings.schema.stack import Settings
from settings.sizing.server import pods

# Least share of a team (images/mlflow/server/mlflow_platform_server/turns.py).
LEAST = 2


@dataclass(frozen=True, slots=True)
class AtWork:
    """Requests that one worker handles at once, and one team's share of them."""

    server: Server

    @property
    def all(self) -> int:
        """Requests of all teams."""
        return threads(self.server.pool_size, self.server.pool_overflow)

    @property
    def team(self) -> int:
        """Requests of one team while other teams send requests."""
        return max(min(LEAST, self.all), self.all * self.server.bounds.slots_percent // 100)

    def __str__(self) -> str:
        """The calculation of both numbers, as text for messages."""
        return (
            f"(poolSize {self.server.pool_size} + poolOverflow {self.server.pool_overflow} - 1) / 2 = {self.all};"
            " one team's share while other teams send requests: bounds.slotsPercent"
            f" {self.server.bounds.slots_percent} % = {self.team}"
        )


def rate(settings: Settings) -> str:
    """The calculation of one team's requests per second on all replicas together.

    Each worker limits a team's rate separately, so the total grows with the number of workers.
    """
    server, most = settings.server, pods(settings).most
    of_one = server.workers * server.bounds.team_requests_per_second
    text = (
        f"replicas {server.replicas} x workers {server.workers} x bounds.teamRequestsPerSecond "
        f"{server.bounds.team_requests_per_second} = {server.replicas * of_one}/s while other teams send requests"
    )
    if server.autoscaling is not None:
        text += f"; up to {most * of_one}/s with autoscaling.maxReplicas {most}"
    return text
