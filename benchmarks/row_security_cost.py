"""Cost of row-level security: batches logged with and without the policies of the database.

Run by `make bench`, on the deployed `dev` stack. The policies are switched off and on again in turn, so that other load
on the machine affects both. Meanwhile the database does not keep teams apart; the other layers do.
"""

import statistics
import subprocess
from dataclasses import replace

from benchmarks import clients
from benchmarks.load import Plan
from benchmarks.login_cost import DIRECT, LONGEST, TEAM, percentile, run_plan, ways
from tools.stack import Platform, read_platform, service_account_token

ROUNDS = 8
ROUND_SECONDS = 6
WARM_UP_SECONDS = 4
# One at a time: the time of a request, and not of waiting for a processor.
CLIENTS = 1
# Maximum time of logging a batch with the policies, relative to that without.
GOAL = 1.10
SWITCH = """
DO $$ DECLARE one record; BEGIN
  FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE public.%I {} ROW LEVEL SECURITY', one.relname);
  END LOOP;
END $$
"""


def switch(platform: Platform, *, on: bool) -> None:
    """Switch the policies of all tables on or off, as PostgreSQL's superuser."""
    psql = ("psql", "--quiet", "--username=postgres", "--dbname=mlflow", "--set=ON_ERROR_STOP=1")
    command = ["kubectl", "exec", "--stdin", f"--namespace={platform.namespace}", "statefulset/postgres", "--", *psql]
    subprocess.run(command, input=SWITCH.format("ENABLE" if on else "DISABLE"), text=True, check=True)


def main() -> None:
    """Measure logging with the policies and without them, and print the results."""
    platform = read_platform()
    (server,) = clients.pods(platform.namespace, "mlflow")
    account = platform.teams[TEAM]
    token = service_account_token(account.namespace, account.service_account, platform.audience)
    choices = ways(platform, token)
    run_id = clients.make_run(replace(choices[LONGEST], address=("127.0.0.1", 443)), "row-security-cost")
    plan = Plan(way=choices[DIRECT], run_id=run_id, clients=CLIENTS, seconds=ROUND_SECONDS)
    latencies: dict[bool, list[float]] = {True: [], False: []}
    try:
        for number in range(ROUNDS):
            # The order changes, so that neither is always the first one after a switch.
            for on in (True, False) if number % 2 else (False, True):
                switch(platform, on=on)
                run_plan(replace(plan, seconds=WARM_UP_SECONDS / ROUNDS), server["mlflow"])
                latencies[on] += run_plan(plan, server["mlflow"])
    finally:
        switch(platform, on=True)
    print(f"{CLIENTS} client that logs batches of 20 metrics; {ROUNDS} rounds with {ROUND_SECONDS} s each")
    for on, measured in latencies.items():
        name = "with policies" if on else "without"
        print(f"{name:<15}p50 {percentile(measured, 50):5.1f} ms  p99 {percentile(measured, 99):5.1f} ms")
    ratio = statistics.median(latencies[True]) / statistics.median(latencies[False])
    print(f"policies cost {100 * (ratio - 1):+.1f} % (goal: at most {100 * (GOAL - 1):.0f} %)")


if __name__ == "__main__":
    main()
