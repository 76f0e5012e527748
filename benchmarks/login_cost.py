"""Cost of OAuth2-Proxy: batches logged through ingress and OAuth2-Proxy, through OAuth2-Proxy only, and directly.

Run by `make bench`, on the deployed `dev` stack. The same clients in the network namespace of the server's pod use the
routes in turn, so that other load on the machine affects all routes. Also measured: CPU and memory of the idle
containers, and the time of access reviews that are not cached.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from benchmarks import clients
from benchmarks.load import Plan, Way
from benchmarks.usage import Usage
from tools.stack import Platform, read_platform, service_account_token

CLIENTS = 8
ROUNDS = 5
ROUND_SECONDS = 8
WARM_UP_SECONDS = 4
IDLE_SECONDS = 10
TEAM = "team-a"
# Maximum time of logging a batch through OAuth2-Proxy, relative to direct access.
GOAL = 1.10
DIRECT = "direct"
LONGEST = "ingress and OAuth2-Proxy"


@dataclass(slots=True)
class Measured:
    """Measurements of one route to the server."""

    rates: list[float] = field(default_factory=list[float])
    latencies: list[float] = field(default_factory=list[float])
    cpu: dict[str, float] = field(default_factory=dict[str, float])
    """CPU seconds of each container."""

    def line(self, name: str) -> str:
        """The measurements as a line of text."""
        requests = len(self.latencies)
        cpu = ", ".join(f"{container} {1000 * used / requests:.1f}" for container, used in self.cpu.items())
        return (
            f"{name:<26}{statistics.median(self.rates):6.1f} requests/s  "
            f"p50 {percentile(self.latencies, 50):4.0f} ms  p99 {percentile(self.latencies, 99):4.0f} ms  "
            f"CPU ms/request: {cpu}"
        )


def percentile(latencies: list[float], percent: int) -> float:
    """The percentile `percent` of `latencies` in seconds, converted to milliseconds."""
    return 1000 * statistics.quantiles(latencies, n=100, method="inclusive")[percent - 1]


def run_plan(plan: Plan, pod: Usage) -> list[float]:
    """Run a plan in the network namespace of a pod, and return the latencies.

    Raises:
        SystemExit: a request failed.
    """
    outcome = clients.run(plan, pod)
    if outcome.failed:
        sys.exit(f"requests failed: {outcome.failures}")
    return outcome.latencies


def ways(platform: Platform, token: str) -> dict[str, Way]:
    """The routes to the server, from the longest to the shortest."""
    account = platform.teams[TEAM]
    identity = f"system:serviceaccount:{account.namespace}:{account.service_account}"
    longest = clients.way(platform, TEAM, token)
    direct = {"X-MLFLOW-WORKSPACE": TEAM, "X-Forwarded-User": identity, "X-Forwarded-Email": identity}
    return {
        LONGEST: longest,
        "OAuth2-Proxy": Way(address=("127.0.0.1", 4180), host=longest.host, headers=longest.headers),
        DIRECT: Way(address=("127.0.0.1", 5000), host=longest.host, headers=direct),
    }


def compare(
    choices: dict[str, Way], run: Callable[[Way, float], list[float]], used: dict[str, Usage]
) -> dict[str, Measured]:
    """Measure all routes in turn, several times, and the CPU time that the containers in `used` spend on each route."""
    measured = {name: Measured(cpu=dict.fromkeys(used, 0.0)) for name in choices}
    for way in choices.values():
        run(way, WARM_UP_SECONDS)
    for _ in range(ROUNDS):
        for name, way in choices.items():
            before = {container: usage.cpu_seconds() for container, usage in used.items()}
            latencies = run(way, ROUND_SECONDS)
            measured[name].rates.append(len(latencies) / ROUND_SECONDS)
            measured[name].latencies += latencies
            for container, usage in used.items():
                measured[name].cpu[container] += usage.cpu_seconds() - before[container]
    return measured


def idle(used: dict[str, Usage]) -> None:
    """Print CPU and memory of the idle containers."""
    before = {name: usage.cpu_seconds() for name, usage in used.items()}
    time.sleep(IDLE_SECONDS)
    for name, usage in used.items():
        share = 100 * (usage.cpu_seconds() - before[name]) / IDLE_SECONDS
        print(f"idle {name:<21}{usage.anonymous_mib():6.0f} MiB  {share:.1f} % of a CPU")


def review(way: Way, run_id: str, pod: Usage) -> None:
    """Print how much longer a request takes if the server and its authorization plugin have to ask Kubernetes first.

    One client reads a run, alternately as a person whose access reviews are cached and as new people of the same group.
    """
    person = {
        "X-Forwarded-User": "bench",
        "X-Forwarded-Email": "bench@example.com",
        "X-Forwarded-Groups": f"{TEAM}-mlflow-users",
        "X-MLFLOW-WORKSPACE": TEAM,
    }
    as_person = Way(address=way.address, host=way.host, headers=person)
    latencies: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for fresh in latencies:
            plan = Plan(way=as_person, run_id=run_id, clients=1, seconds=2, fresh_users=fresh, asks="read")
            latencies[fresh] += run_plan(plan, pod)
    known, new = statistics.median(latencies[False]), statistics.median(latencies[True])
    print(
        f"reading a run: {1000 * known:.1f} ms with cached access reviews, {1000 * new:.1f} ms with uncached ones: "
        f"the two reviews cost {1000 * (new - known):.1f} ms"
    )


def main() -> None:
    """Measure all routes and print the results."""
    platform = read_platform()
    (server,) = clients.pods(platform.namespace, "mlflow")
    (traefik,) = clients.pods("traefik", "traefik")
    used = {**traefik, "oauth2-proxy": server["oauth2-proxy"], "mlflow": server["mlflow"]}
    account = platform.teams[TEAM]
    choices = ways(platform, service_account_token(account.namespace, account.service_account, platform.audience))
    # From this machine the ingress controller is at the loopback address.
    run_id = clients.make_run(replace(choices[LONGEST], address=("127.0.0.1", 443)), "login-cost")
    idle(used)

    def run(way: Way, seconds: float) -> list[float]:
        return run_plan(Plan(way=way, run_id=run_id, clients=CLIENTS, seconds=seconds), server["mlflow"])

    print(f"\n{CLIENTS} clients that log batches of 20 metrics; {ROUNDS} rounds with {ROUND_SECONDS} s on every route")
    measured = compare(choices, run, used)
    for name, figures in measured.items():
        print(figures.line(name))
    without = statistics.median(measured[DIRECT].rates)
    for name, figures in measured.items():
        if name != DIRECT:
            ratio = without / statistics.median(figures.rates)
            print(f"{name} costs {100 * (ratio - 1):+.1f} % (goal: at most {100 * (GOAL - 1):.0f} %)")
    print()
    review(choices[DIRECT], run_id, server["mlflow"])


if __name__ == "__main__":
    main()
