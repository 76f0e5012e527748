"""Sums that have to come out: database connections, memory and CPU of the server."""

from collections.abc import Iterator

from components.postgres import MAX_CONNECTIONS
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.quantities import cpu_in_cores, size_in_bytes

# PostgreSQL keeps 3 for superusers; 7 are for the migration, backups and people.
RESERVED_CONNECTIONS = 10
# The tracking and the registry store make an engine each, in every worker, and each engine has a pool.
ENGINES_PER_WORKER = 2
# A rolling update starts one new pod before it ends an old one.
SURGE = 1
# Measured with the authorisation plugin: 300 MiB for the parent process and 300 for each worker.
BASE_MEBIBYTES = 300
WORKER_MEBIBYTES = 300
MEBIBYTE = 2**20


def connections(draft: Draft) -> Iterator[Fault]:
    """All pools together fit into what the database admits."""
    kind = draft.text("database.kind")
    most = MAX_CONNECTIONS if kind == "in-cluster" else draft.number("database.maxConnections")
    replicas, workers = draft.number("server.replicas"), draft.number("server.workers")
    size, overflow = draft.number("server.poolSize"), draft.number("server.poolOverflow")
    if most is None or replicas is None or workers is None or size is None or overflow is None:
        return
    admitted = most - RESERVED_CONNECTIONS
    engines = (replicas + SURGE) * workers * ENGINES_PER_WORKER
    wanted = engines * (size + overflow)
    if wanted <= admitted:
        return
    fitting_pool = admitted // engines
    remedies: list[str] = []
    if fitting_pool >= 1:
        kept = min(size, fitting_pool)
        remedies.append(f"set server.poolSize {kept} and server.poolOverflow {fitting_pool - kept}")
    fitting_replicas = admitted // (wanted // (replicas + SURGE)) - SURGE
    if fitting_replicas >= 1:
        remedies.append(f"set server.replicas {fitting_replicas}")
    remedies.append(
        "take a larger database.kind `external`" if kind == "in-cluster" else "raise the database's own limit"
    )
    yield Fault(
        "server.poolSize",
        f"(replicas {replicas} + {SURGE} while rolling) x workers {workers} x {ENGINES_PER_WORKER} engines x "
        f"(poolSize {size} + poolOverflow {overflow}) = {wanted} connections; "
        f"expected at most {most} - {RESERVED_CONNECTIONS} in reserve = {admitted}",
        ", or ".join(remedies),
    )


def memory(draft: Draft) -> Iterator[Fault]:
    """The limit admits the request, and what the workers were measured to need."""
    request, limit, workers = (
        draft.text("server.memory"),
        draft.text("server.memoryLimit"),
        draft.number("server.workers"),
    )
    most = size_in_bytes(limit) if limit else None
    least = size_in_bytes(request) if request else None
    if most is not None and least is not None and least > most:
        yield Fault(
            "server.memory",
            f"{draft.said('server.memory')} is more than server.memoryLimit {draft.said('server.memoryLimit')}",
            "lower the one or raise the other",
        )
    if most is None or workers is None:
        return
    needed = BASE_MEBIBYTES + workers * WORKER_MEBIBYTES
    if most < needed * MEBIBYTE:
        fitting = int(most / MEBIBYTE - BASE_MEBIBYTES) // WORKER_MEBIBYTES
        fewer = f", or set server.workers {fitting}" if fitting >= 1 else ""
        yield Fault(
            "server.memoryLimit",
            f"expected at least {BASE_MEBIBYTES} MiB + workers {workers} x {WORKER_MEBIBYTES} MiB = {needed} MiB, "
            f"found {draft.said('server.memoryLimit')}",
            f'set "{needed}Mi" or more{fewer}',
        )


def cpu(draft: Draft) -> Iterator[Fault]:
    """The limit admits the request."""
    request, limit = draft.text("server.cpu"), draft.text("server.cpuLimit")
    least, most = cpu_in_cores(request or ""), cpu_in_cores(limit or "")
    if least is not None and most is not None and least > most:
        yield Fault(
            "server.cpu",
            f"{draft.said('server.cpu')} is more than server.cpuLimit {draft.said('server.cpuLimit')}",
            "lower the one or raise the other",
        )

