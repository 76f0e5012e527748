"""Clients that log batches for a while: `python -m benchmarks.load`, with a `Plan` as JSON on its standard input.

Prints one latency in seconds for each request that was answered with 200, as JSON. It is a process of its own so that
it can run in the network of a pod, whose loopback nobody else reaches.
"""

import http.client
import json
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

METRICS = 20
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to the server."""

    address: tuple[str, int]
    host: str
    """The host name to ask for."""

    headers: dict[str, str]
    authority: str | None = None
    """PEM of the authority to believe; None means plain HTTP."""

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is opened with the first request, and again whenever the server has closed it."""
        if self.authority is None:
            return http.client.HTTPConnection(*self.address, timeout=TIMEOUT_SECONDS)
        return _Known(self)


class _Known(http.client.HTTPSConnection):
    """HTTPS to a host name that is not looked up: where it leads is known."""

    def __init__(self, way: Way) -> None:
        trust = ssl.create_default_context(cadata=way.authority)
        super().__init__(way.host, timeout=TIMEOUT_SECONDS, context=trust)
        self._way, self._trust = way, trust

    def connect(self) -> None:
        """Open the connection."""
        plain = socket.create_connection(self._way.address, TIMEOUT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self._way.host)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to do."""

    way: Way
    run_id: str
    clients: int
    seconds: float
    fresh_groups: bool = False
    """Whether each request comes with a group that was never seen, which no cache knows."""

    log: bool = True
    """Whether to log a batch; else the run is read."""


def load(plan: Plan) -> list[float]:
    """Latencies of all clients."""
    end = time.monotonic() + plan.seconds
    with ThreadPoolExecutor(plan.clients) as pool:
        done = [pool.submit(_client, plan, number, end) for number in range(plan.clients)]
    return [latency for client in done for latency in client.result()]


def _client(plan: Plan, number: int, end: float) -> list[float]:
    connection = plan.way.connect()
    latencies: list[float] = []
    count = 0
    while (start := time.monotonic()) < end:
        count += 1
        headers = {"Host": plan.way.host, "Content-Type": "application/json", **plan.way.headers}
        if plan.fresh_groups:
            headers["X-Forwarded-Groups"] += f",{number}-{count}-{time.time_ns()}"
        if plan.log:
            connection.request("POST", "/api/2.0/mlflow/runs/log-batch", _batch(plan.run_id, number, count), headers)
        else:
            connection.request("GET", f"/api/2.0/mlflow/runs/get?run_id={plan.run_id}", headers=headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != http.client.OK:
            sys.exit(f"a request was answered with {answer.status}: {said[:500]!r}")
        latencies.append(time.monotonic() - start)
    connection.close()
    return latencies


def _batch(run_id: str, number: int, count: int) -> str:
    now = int(time.time() * 1000)
    metrics = [
        {"key": f"metric-{number}-{index}", "value": index / 7, "timestamp": now, "step": count}
        for index in range(METRICS)
    ]
    return json.dumps({"run_id": run_id, "metrics": metrics})


def as_json(plan: Plan) -> str:
    """The plan for another process."""
    return json.dumps(asdict(plan))


def main() -> None:
    """Run the plan of standard input."""
    document = json.load(sys.stdin)
    way = document.pop("way")
    way["address"] = tuple(way["address"])
    print(json.dumps(load(Plan(way=Way(**way), **document))))


if __name__ == "__main__":
    main()
