"""Peaks of memory and of database connections, from the counters of the kernel and of PostgreSQL."""

import contextlib
import re
import subprocess
import threading
from collections.abc import Generator
from dataclasses import dataclass

from benchmarks.usage import Usage

SAMPLE_SECONDS = 0.5
# By address, so that connections of other pods do not count; `\watch` repeats the query.
ASK = (
    "select host(client_addr), count(*) from pg_stat_activity where usename = 'mlflow_server' group by 1 \\watch 0.5\n"
)


@dataclass(slots=True)
class Peaks:
    """The highest measured values: memory of the server, its database connections, and memory of the database."""

    memory: float = 0.0
    """Memory of the server in MiB, without the page cache."""

    connections: int = 0
    database_before: float = 0.0
    database: float = 0.0
    """Memory of PostgreSQL in MiB, without shared buffers."""

    @property
    def database_growth(self) -> float:
        """Increase of PostgreSQL's memory in MiB."""
        return self.database - self.database_before


@contextlib.contextmanager
def watched(namespace: str, address: str, server: Usage, database: Usage) -> Generator[Peaks]:
    """Measure the peaks of the server at `address`, and of the database, while the `with` block runs."""
    peaks = Peaks(database_before=database.anonymous_mib(), memory=server.anonymous_mib())
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            peaks.memory = max(peaks.memory, server.anonymous_mib())
            peaks.database = max(peaks.database, database.anonymous_mib())

    sampler = threading.Thread(target=sample)
    sampler.start()
    inside = ["kubectl", "exec", "--stdin", f"--namespace={namespace}", "postgres-0", "--container=postgres", "--"]
    psql = ["psql", "--username=postgres", "--dbname=mlflow", "--host=/var/run/postgresql", "--no-psqlrc"]
    counting = subprocess.Popen(
        [*inside, *psql, "--tuples-only", "--no-align", "--field-separator= "],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    reader = threading.Thread(target=_read, args=(counting, address, peaks))
    reader.start()
    try:
        yield peaks
    finally:
        over.set()
        counting.kill()
        sampler.join()
        reader.join()
        counting.communicate()


def _read(counting: subprocess.Popen[str], address: str, peaks: Peaks) -> None:
    if counting.stdin is None or counting.stdout is None:
        return
    counting.stdin.write(ASK)
    counting.stdin.flush()
    for line in counting.stdout:
        found = re.fullmatch(rf"{re.escape(address)} (\d+)\n", line)
        if found:
            peaks.connections = max(peaks.connections, int(found[1]))
