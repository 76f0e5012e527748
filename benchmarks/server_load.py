"""Throughput of each profile's server with 64 clients that log batches, compared with MLflow's usual defaults.

Run by `make bench`, on the deployed `dev` stack. Each measured server is a pod from the deployed pod template, with
other workers and pool sizes and the same database. The servers are measured one after the other; the deployed server is
idle meanwhile. The clients run in the network namespace of the pod and send requests to OAuth2-Proxy. The connections
and the memory that `settings/sizing` predicts are compared with the counters of PostgreSQL and the kernel.
"""

import statistics
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from benchmarks import clients
from benchmarks.clones import Clone, Sizes
from benchmarks.load import Outcome, Plan, Way
from benchmarks.peaks import Peaks
from components.sizes import threads
from settings import PROJECT, Settings
from settings.partial import partial
from settings.profiles import PROFILES
from settings.sizing import server as sums
from settings.types.quantities import MEBIBYTE
from tools.stack import Platform, read_platform, service_account_token

CLIENTS = 64
WARM_UP_SECONDS = 8
LOAD_SECONDS = 30
# With the usual defaults a rejected request takes half a minute: time for two requests of each client.
USUAL_SECONDS = 60
TEAM = "team-a"
# `mlflow server` sets neither workers nor pool, nor do the charts of mlflow, community-charts and bitnami:
# uvicorn's 4 workers, SQLAlchemy's pool of 5 + 10 connections, anyio's 40 threads. Measured: 2.9 GiB with these.
USUAL = Sizes(name="usual defaults", workers=4, pool_size=5, pool_overflow=10, threads=40, memory_limit="4Gi")
# Minimum ratio of the p99 latency with the usual defaults to the p99 latency of a profile.
GOAL = 20
# Tolerance of the predictions.
TOLERANCE = 0.15


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Measurements of one server under load."""

    sizes: Sizes
    logged: Outcome
    seconds: float
    peaks: Peaks
    """Highest memory and connections."""

    @property
    def p99(self) -> float:
        """99th percentile of the latency of all requests in seconds, including failed ones."""
        return statistics.quantiles([*self.logged.latencies, *self.logged.waited], n=100, method="inclusive")[98]

    def line(self) -> str:
        """The measurements as a line of text."""
        sizes, logged = self.sizes, self.logged
        p50 = statistics.median([*logged.latencies, *logged.waited])
        return (
            f"{sizes.name:<16}{sizes.workers} workers, pool {sizes.pool_size:2}+{sizes.pool_overflow:<2}  "
            f"{len(logged.latencies) / self.seconds:6.1f} requests/s  p50 {p50:5.2f} s  p99 {self.p99:6.2f} s  "
            f"{logged.failed} of {len(logged.latencies) + logged.failed} failed"
        )


def sizes_of(profile: str) -> tuple[Sizes, int]:
    """Sizes of one replica in a profile, and its expected memory in MiB without uploads."""
    config: dict[str, object] = yaml.safe_load(Path("Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    document = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}
    server = partial(Settings, {**document, "profile": profile}).server
    sizes = Sizes(
        name=profile,
        workers=server.workers,
        pool_size=server.pool_size,
        pool_overflow=server.pool_overflow,
        threads=threads(server.pool_size, server.pool_overflow),
        memory_limit=server.memory_limit,
    )
    return sizes, sums.memory(server).idle // MEBIBYTE


def measure(platform: Platform, sizes: Sizes, run_id: str, seconds: float) -> Result:
    """Start a server with these sizes, run the clients, and delete the server."""
    account = platform.teams[TEAM]
    token = service_account_token(account.namespace, account.service_account, platform.audience)
    public = clients.way(platform, TEAM, token)
    way = Way(address=("127.0.0.1", 4180), host=public.host, headers=public.headers)
    with Clone.of(platform.namespace, sizes) as clone:
        plan = Plan(way=way, run_id=run_id, clients=CLIENTS, seconds=seconds)
        clients.run(replace(plan, seconds=WARM_UP_SECONDS, clients=sizes.workers), clone.network)
        with clone.watched() as peaks:
            print(f"  {sizes.name}: {peaks.memory:.0f} MiB before the clients start", flush=True)
            logged = clients.run(plan, clone.network)
        return Result(sizes=sizes, logged=logged, seconds=seconds, peaks=peaks)


def compared(what: str, predicted: float, measured: float, unit: str = "") -> str:
    """A line of text that compares a predicted value with the measured one."""
    off = measured / predicted - 1
    verdict = "within" if abs(off) <= TOLERANCE else "MORE THAN"
    return f"  {what:<12} predicted {predicted:.0f}{unit}, measured {measured:.0f}{unit}: {off:+.0%}, {verdict} 15 %"


def report(result: Result, usual: Result, expected_memory: int) -> None:
    """Print a profile's result, compared with the usual defaults and with the predictions."""
    sizes, peaks = result.sizes, result.peaks
    print(result.line())
    for said, count in sorted(result.logged.failures.items()):
        print(f"  FAILED {count} x {said[:100]}")
    print(f"  p99 {usual.p99 / result.p99:.0f} times lower than with the usual defaults (goal: {GOAL})")
    print(compared("connections", sizes.workers * (sizes.pool_size + sizes.pool_overflow), peaks.connections))
    print(compared("memory", expected_memory, peaks.memory, " MiB"))
    print(f"  PostgreSQL took {peaks.database_growth / max(peaks.connections, 1):.1f} MiB per connection", flush=True)


def main() -> None:
    """Measure the servers of all profiles and print the results."""
    platform = read_platform()
    account = platform.teams[TEAM]
    token = service_account_token(account.namespace, account.service_account, platform.audience)
    public = clients.way(platform, TEAM, token)
    # From this machine the ingress controller is at the loopback address.
    run_id = clients.make_run(replace(public, address=("127.0.0.1", 443)), "server-load")
    print(f"{CLIENTS} clients that log batches of 20 metrics to one replica, for {LOAD_SECONDS} s", flush=True)
    usual = measure(platform, USUAL, run_id, USUAL_SECONDS)
    print(usual.line())
    for said, count in sorted(usual.logged.failures.items()):
        print(f"  {count} x {said[:100]}", flush=True)
    # Two profiles may have the same server.
    chosen = {replace(sizes, name=""): (sizes, memory) for sizes, memory in map(sizes_of, PROFILES)}
    for sizes, memory in chosen.values():
        report(measure(platform, sizes, run_id, LOAD_SECONDS), usual, memory)


if __name__ == "__main__":
    main()
