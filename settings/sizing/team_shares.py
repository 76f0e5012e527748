"""Shares of one team while others ask: its requests per second, and its part of the requests at work."""

from dataclasses import dataclass

from components.sizes import threads
from settings.schema.server import Server
from settings.schema.stack import Settings
from settings.sizing.server import Pods, pods

# Least share of a team (images/mlflow/server/mlflow_platform_server/turns.py).
LEAST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Requests per second of one team on all replicas together. Each worker has its own rate, so it grows with them."""

    pods: Pods
    workers: int
    requests_per_second: int

    def __str__(self) -> str:
        """The calculation of the rate, as text for messages."""
        of_one = self.workers * self.requests_per_second
        text = (
            f"replicas {self.pods.replicas} x workers {self.workers} x bounds.teamRequestsPerSecond "
            f"{self.requests_per_second} = {self.pods.replicas * of_one}/s while others ask"
        )
        if self.pods.scaled:
            text += f"; up to {self.pods.most * of_one}/s with autoscaling.maxReplicas {self.pods.most}"
        return text


@dataclass(frozen=True, kw_only=True, slots=True)
class AtWork:
    """Requests that one worker handles at once, and one team's share of them."""

    size: int
    overflow: int
    percent: int

    @property
    def all(self) -> int:
        """Requests of all teams."""
        return threads(self.size, self.overflow)

    @property
    def team(self) -> int:
        """Requests of one team while others ask."""
        return max(min(LEAST, self.all), self.all * self.percent // 100)

    def __str__(self) -> str:
        """The calculation of both, as text for messages."""
        return (
            f"(poolSize {self.size} + poolOverflow {self.overflow} - 1) / 2 = {self.all}; of one team while "
            f"others ask: bounds.slotsPercent {self.percent} % = {self.team}"
        )


def rate(settings: Settings) -> Rate:
    """Requests per second of one team."""
    server = settings.server
    return Rate(pods=pods(settings), workers=server.workers, requests_per_second=server.bounds.team_requests_per_second)


def at_work(server: Server) -> AtWork:
    """Requests at work in one worker."""
    return AtWork(size=server.pool_size, overflow=server.pool_overflow, percent=server.bounds.slots_percent)
