"""Load clients that log batches of metrics or read a run: `python -m benchmarks.load`, with a JSON `Plan` on stdin.

Prints an `Outcome` as JSON at the end of the plan's time or on SIGTERM. The clients are a separate process, which can
run in the network namespace of a pod and reach the pod's loopback address. Failed requests are counted and not retried.
"""

import http.client
import json
import signal
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Literal

METRICS = 20
TIMEOUT_SECONDS = 60
# Number of characters of an error message that are enough to distinguish it from others.
SAID_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A route to the server: address, headers and CA certificate."""

    address: tuple[str, int]
    host: str
    """Value of the Host header."""

    headers: dict[str, str]
    authority: str | None = None
    """CA certificate in PEM; None means plain HTTP."""

    def connect(self) -> http.client.HTTPConnection:
        """A connection to the server, which the first request opens; a request after a close reopens it."""
        if self.authority is None:
            return http.client.HTTPConnection(*self.address, timeout=TIMEOUT_SECONDS)
        return _Known(self)


class _Known(http.client.HTTPSConnection):
    """An HTTPS connection to a host name at a given address, without DNS."""

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
    """The clients and their requests: route, number, duration and type."""

    way: Way
    run_id: str
    clients: int
    seconds: float
    """Seconds after which no new requests start."""

    pause: float = 0
    """Seconds between a client's requests."""

    keep: bool = True
    """True if a client keeps its connection; false if each request opens a new connection."""

    fresh_users: bool = False
    """Send a new user name with each request, so that no cached access review applies."""

    asks: Literal["log", "read"] = "log"
    """Type of the requests: log a batch of metrics, or read the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Results of the requests."""

    latencies: list[float] = field(default_factory=list[float])
    """Latency in seconds of each request that was answered with 200."""

    failures: dict[str, int] = field(default_factory=dict[str, int])
    """Number of failures by error message."""

    waited: list[float] = field(default_factory=list[float])
    """Latency in seconds of each failed request."""

    @property
    def failed(self) -> int:
        """Number of failed requests."""
        return sum(self.failures.values())


def together(outcomes: list[Outcome]) -> Outcome:
    """The outcomes of several clients as one."""
    failures: Counter[str] = Counter()
    for one in outcomes:
        failures.update(one.failures)
    return Outcome(
        latencies=[latency for one in outcomes for latency in one.latencies],
        failures=dict(failures),
        waited=[latency for one in outcomes for latency in one.waited],
    )


def load(plan: Plan, stop: threading.Event) -> Outcome:
    """Run all clients until the plan's time is over or `stop` is set."""
    end = time.monotonic() + plan.seconds
    with ThreadPoolExecutor(plan.clients) as pool:
        done = [pool.submit(_client, plan, number, end, stop) for number in range(plan.clients)]
    return together([client.result() for client in done])


def _client(plan: Plan, number: int, end: float, stop: threading.Event) -> Outcome:
    connection = plan.way.connect()
    seen = Outcome()
    count = 0
    while (start := time.monotonic()) < end and not stop.is_set():
        count += 1
        failure = _request(connection, plan, number, count)
        (seen.latencies if failure is None else seen.waited).append(time.monotonic() - start)
        if failure is not None:
            seen.failures[failure] = seen.failures.get(failure, 0) + 1
        if failure is not None or not plan.keep:
            connection.close()
        stop.wait(plan.pause)
    connection.close()
    return seen


def _request(connection: http.client.HTTPConnection, plan: Plan, number: int, count: int) -> str | None:
    """Send one request; returns the error, or None."""
    headers = {"Host": plan.way.host, "Content-Type": "application/json", **plan.way.headers}
    if plan.fresh_users:
        headers["X-Forwarded-Email"] = f"{number}-{count}-{time.time_ns()}@example.com"
    try:
        if plan.asks == "log":
            connection.request("POST", "/api/2.0/mlflow/runs/log-batch", _batch(plan.run_id, number, count), headers)
        else:
            connection.request("GET", f"/api/2.0/mlflow/runs/get?run_id={plan.run_id}", headers=headers)
        answer = connection.getresponse()
        said = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    return None if answer.status == http.client.OK else f"{answer.status}: {said[:SAID_CHARACTERS]!r}"


def _batch(run_id: str, number: int, count: int) -> str:
    now = int(time.time() * 1000)
    metrics = [
        {"key": f"metric-{number}-{index}", "value": index / 7, "timestamp": now, "step": count}
        for index in range(METRICS)
    ]
    return json.dumps({"run_id": run_id, "metrics": metrics})


def as_json(plan: Plan) -> str:
    """The plan as JSON for another process."""
    return json.dumps(asdict(plan))


def main() -> None:
    """Read a plan from standard input, run it, and print its outcome."""
    stop = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    document = json.load(sys.stdin)
    way = document.pop("way")
    way["address"] = tuple(way["address"])
    print(json.dumps(asdict(load(Plan(way=Way(**way), **document), stop))))


if __name__ == "__main__":
    main()
