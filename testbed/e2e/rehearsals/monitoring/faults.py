"""Faults that are made on purpose, and the alerts that fire with each."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from benchmarks.usage import Usage
from testbed.e2e import kube
from testbed.e2e.web import Site
from tools.stack import Platform, service_account_token

NAMESPACE = "mlflow"
SPACE = f"--namespace={NAMESPACE}"
ROLLOUT_SECONDS = 180
STOP_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A fault and its alerts."""

    what: str
    """A sentence about the fault."""

    alerts: tuple[str, ...]
    make: Callable[[Platform], AbstractContextManager[None]]


@contextmanager
def scaled_to_zero(workload_name: str) -> Generator[None]:
    """Scale a Deployment or StatefulSet to no pods during the block."""
    kube.kubectl("scale", workload_name, SPACE, "--replicas=0")
    try:
        yield
    finally:
        kube.kubectl("scale", workload_name, SPACE, "--replicas=1")
        timeout = f"--timeout={ROLLOUT_SECONDS}s"
        kube.kubectl("rollout", "status", workload_name, SPACE, timeout, seconds=ROLLOUT_SECONDS + 10)


@contextmanager
def running(*inside: str, begin: str = "") -> Generator[None]:
    """Run a program in a container during the block: it gets `begin`, says it is ready, and ends with its input."""
    with subprocess.Popen(
        ["kubectl", "exec", "--stdin", SPACE, *inside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            program.stdin.write(begin)
            program.stdin.flush()
            assert program.stdout.readline() == "ready\n"
            yield
        finally:
            program.stdin.close()
            program.wait(STOP_SECONDS)


def in_server(script: str) -> AbstractContextManager[None]:
    """A Python program in the server's container; `connect` opens a connection with the server's role."""
    whole = f"""
import sys, psycopg
def connect():
    return psycopg.connect("host=postgres dbname=mlflow user=mlflow_server")
{script}
print("ready", flush=True)
sys.stdin.read()
"""
    return running("deployment/mlflow", "--container=mlflow", "--", "python3", "-c", whole)


def locked(table: str) -> AbstractContextManager[None]:
    """A session in `psql` holds an exclusive lock on a table, as a migration does."""
    psql = ("psql", "--username=postgres", "--dbname=mlflow", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
    return running("postgres-0", "--", *psql, begin=f"BEGIN; LOCK TABLE {table};\n\\echo ready\n")


@contextmanager
def repeated(action: Callable[[], object], *, threads: int, pause: float) -> Generator[None]:
    """Repeat an action during the block in several threads, each with a pause in seconds after the action."""
    ended = threading.Event()

    def again() -> None:
        while not ended.is_set():
            action()
            ended.wait(pause)

    with ThreadPoolExecutor(threads) as pool:
        working = [pool.submit(again) for _ in range(threads)]
        try:
            yield
        finally:
            ended.set()
    for one in working:
        one.result()


@contextmanager
def searches_of_a_locked_table(platform: Platform) -> Generator[None]:
    """Searches wait for a table until the server gives up, after 10 s."""
    account, site = platform.teams["team-a"], Site.of(platform)
    token = service_account_token(account.namespace, account.service_account, platform.audience)

    def search() -> None:
        site.ask(
            "POST",
            "/api/2.0/mlflow/experiments/search",
            token=token,
            workspace=account.workspace or "",
            document={"max_results": 1},
        )

    # The lock ends first, so that nobody has to wait for it at the end.
    with repeated(search, threads=12, pause=1), locked("experiments"):
        yield


def forgotten_callers(platform: Platform) -> AbstractContextManager[None]:
    """Send requests of a program without a token, and of a browser whose sign-in dex has forgotten."""
    site = Site.of(platform)
    dex = replace(site, host=f"dex.{site.host}")

    def call() -> None:
        site.ask("GET", "/api/2.0/mlflow/experiments/search?max_results=1")
        dex.ask("GET", "/approval?req=forgotten&hmac=AA")

    return repeated(call, threads=2, pause=0.2)


@contextmanager
def login_killed(_: Platform) -> Generator[None]:
    """OAuth2-Proxy is killed whenever it runs; from the second time on, the kubelet delays the restart."""
    with repeated(_kill_login, threads=1, pause=0.5):
        yield
    kube.wait_until_ready("mlflow", NAMESPACE, seconds=ROLLOUT_SECONDS)


def _kill_login() -> None:
    states = kube.pod_of("mlflow", NAMESPACE)["status"]["initContainerStatuses"]
    (login,) = [one for one in states if one["name"] == "oauth2-proxy"]
    # It may have ended since.
    with contextlib.suppress(LookupError, OSError):
        if "running" in login["state"]:
            os.kill(Usage.of(login["containerID"]).process(), signal.SIGKILL)


# As many as the role may have: a tenth of the connections is for administration.
FILL = """
held = []
while True:
    try:
        held.append(connect())
    except psycopg.OperationalError:
        break
"""
IDLE = """
held = connect()
held.execute("SELECT 1")
"""
# Two of each pair wait for what the other one holds; after a second PostgreSQL ends one of them.
DEADLOCKS = """
import threading
PAIRS = 6
def wait(first, second, both):
    with connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (first,))
        both.wait()
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (second,))
        except psycopg.errors.DeadlockDetected:
            connection.rollback()
for pair in range(PAIRS):
    both = threading.Barrier(2)
    for ends in ((2 * pair, 2 * pair + 1), (2 * pair + 1, 2 * pair)):
        threading.Thread(target=wait, args=(*ends, both), daemon=True).start()
"""
# Each of four addresses has a share of HAProxy's connections that it cannot exceed. HAProxy ends one after 10 s.
HALF_SENT = """
import itertools, select, socket, threading, time
def attack():
    held, watched = {}, select.poll()
    for number in itertools.count():
        time.sleep(0.005)
        one = socket.socket()
        one.bind((f"127.0.0.{number % 4 + 1}", 0))
        try:
            one.connect(("127.0.0.1", 4180))
            one.send(b"GET /health HTTP/1.1\\r\\nHost: x\\r\\nX-Half: ")
        except OSError:
            one.close()
            continue
        held[one.fileno()] = one
        watched.register(one, select.POLLIN)
        for ended, _ in watched.poll(0):
            watched.unregister(ended)
            held.pop(ended).close()
threading.Thread(target=attack, daemon=True).start()
"""
FAULTS = (
    Cause(
        what="the development identity provider has no pod",
        alerts=("MlflowIdentityProviderDown",),
        make=lambda _: scaled_to_zero("deployment/dex"),
    ),
    Cause(
        what="callers go on without a token, and with sign-ins that the development identity provider has forgotten",
        alerts=("MlflowLoginRefuses", "MlflowIdentityProviderErrors"),
        make=forgotten_callers,
    ),
    Cause(
        what="OAuth2-Proxy is killed whenever it runs",
        alerts=("MlflowLoginDown", "MlflowNotAnswering"),
        make=login_killed,
    ),
    Cause(
        what="a client opens connections and sends half of a header on each",
        alerts=("MlflowConnectionsAlmostFull", "MlflowConnectionsRefused"),
        make=lambda _: in_server(HALF_SENT),
    ),
    Cause(
        what="PostgreSQL's exporter has no pod",
        alerts=("MlflowMetricsMissing",),
        make=lambda _: scaled_to_zero("deployment/postgres-exporter"),
    ),
    Cause(
        what="the artifact store has no pod",
        alerts=("MlflowStoreDown",),
        make=lambda _: scaled_to_zero("statefulset/object-store"),
    ),
    Cause(
        what="a program holds all connections of the database that the server may have",
        alerts=("MlflowDatabaseConnections",),
        make=lambda _: in_server(FILL),
    ),
    Cause(
        what="a program begins a transaction and does not end it",
        alerts=("MlflowDatabaseLongTransaction",),
        make=lambda _: in_server(IDLE),
    ),
    Cause(
        what="six pairs of transactions wait for each other",
        alerts=("MlflowDatabaseDeadlocks",),
        make=lambda _: in_server(DEADLOCKS),
    ),
    Cause(
        what="twelve clients search a table that another session has locked, as a migration does",
        alerts=("MlflowDatabaseLockWaits", "MlflowErrors", "MlflowSlow"),
        make=searches_of_a_locked_table,
    ),
    Cause(
        what="the database has no pod",
        alerts=("MlflowDatabaseDown",),
        make=lambda _: scaled_to_zero("statefulset/postgres"),
    ),
    Cause(
        what="the server has no pod",
        alerts=("MlflowServerDown",),
        make=lambda _: scaled_to_zero("deployment/mlflow"),
    ),
)
