"""What teams may take together with the platform itself, against what the cluster has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stackfile.budget import replicas
from stackfile.budget.remedies import either, gibibytes, setting
from stackfile.draft import Draft, mapping
from stackfile.faults import Fault
from stackfile.quantities import cpu_in_cores, size_in_bytes

GIBIBYTE = 2**30
# The store's limit (components/artifacts/object_store.py).
STORE_BYTES = 1 * GIBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """One resource of the cluster, and who may take how much of it."""

    resource: str
    capacity: float
    platform: float
    teams: float
    own: float
    """The part of `teams` of those that have a quota of their own."""

    others: int
    """Teams that have not."""

    @property
    def total(self) -> float:
        """What is taken at most."""
        return self.platform + self.teams

    @property
    def left(self) -> float:
        """What is there for each of the others."""
        return (self.capacity - self.platform - self.own) / self.others if self.others else 0

    def __str__(self) -> str:
        """The sum, written out."""
        show = _cores if self.resource == "cpu" else _gib
        return (
            f"platform {show(self.platform)} + teams' quotas {show(self.teams)} = {show(self.total)} of "
            f"{self.resource}, cluster.capacity.{self.resource} is {show(self.capacity)}"
        )


def summed(draft: Draft, resource: str) -> Sum | None:
    """The sum of one resource; None where the stack file does not say what the cluster has."""
    number: Callable[[str], float | None] = cpu_in_cores if resource == "cpu" else size_in_bytes
    capacity = number(draft.text(f"cluster.capacity.{resource}") or "")
    usual = number(draft.text(f"workspaces.quota.{resource}") or "")
    platform = _PLATFORM[resource](draft)
    if capacity is None or usual is None or platform is None:
        return None
    teams = [mapping(team) for team in draft.section("teams").values()]
    # In an archived team nothing runs, and its volumes stay.
    counted = [team for team in teams if resource == "storage" or team.get("archived") is not True]
    said = [mapping(team.get("quota")).get(resource) for team in counted]
    own = [number(value) or 0 for value in said if isinstance(value, str)]
    others = len(said) - len(own)
    return Sum(
        resource=resource,
        capacity=capacity,
        platform=platform,
        teams=sum(own) + others * usual,
        own=sum(own),
        others=others,
    )


def incompressible(draft: Draft) -> Iterator[Fault]:
    """Memory and volumes that are promised are there: who gets none is ended, or waits for ever."""
    yield from _above(draft, "memory", size_in_bytes)
    yield from _above(draft, "storage", size_in_bytes)


def compressible(draft: Draft) -> Iterator[Fault]:
    """CPU that is promised twice makes programs slow, and ends none."""
    yield from _above(draft, "cpu", cpu_in_cores)


def _above(draft: Draft, resource: str, number: Callable[[str], float | None]) -> Iterator[Fault]:
    found = summed(draft, resource)
    if found is None or found.total <= found.capacity:
        return
    ways: list[str] = []
    least = number(draft.text(f"workspaces.limits.{resource}") or "") or 0
    fitting = int(found.left) if resource == "cpu" else int(found.left / GIBIBYTE)
    if fitting >= 1 and (fitting if resource == "cpu" else fitting * GIBIBYTE) >= least:
        value = str(fitting) if resource == "cpu" else gibibytes(fitting * GIBIBYTE)
        ways.append(setting({f"workspaces.quota.{resource}": value}))
    ways.append("lower the quotas of single teams" if found.own else "take a larger cluster")
    yield Fault(f"cluster.capacity.{resource}", str(found), either(ways))


def _pods(draft: Draft) -> int | None:
    found = replicas.pods(draft)
    return None if found is None else found.most + found.surge


def _cpu(draft: Draft) -> float | None:
    """What the server's pods are promised."""
    pods, each = _pods(draft), cpu_in_cores(draft.text("server.cpu") or "")
    return None if pods is None or each is None else pods * each


def _memory(draft: Draft) -> float | None:
    """What the server's pods, PostgreSQL and the store may take."""
    pods, each = _pods(draft), size_in_bytes(draft.text("server.memoryLimit") or "")
    if pods is None or each is None:
        return None
    database = size_in_bytes(draft.text("database.memoryLimit") or "") or 0
    return pods * each + database + (STORE_BYTES if draft.text("artifacts.kind") == "in-cluster" else 0)


def _storage(draft: Draft) -> float:
    """The platform's own volumes; those at AWS are not the cluster's."""
    inside = {"database": ("in-cluster", "sqlite"), "artifacts": ("in-cluster", "volume")}
    return sum(
        size_in_bytes(draft.text(f"{section}.storage") or "") or 0
        for section, kinds in inside.items()
        if draft.text(f"{section}.kind") in kinds
    )


_PLATFORM: dict[str, Callable[[Draft], float | None]] = {"cpu": _cpu, "memory": _memory, "storage": _storage}


def _cores(amount: float) -> str:
    return f"{amount:g}"


def _gib(size: float) -> str:
    return f"{size / GIBIBYTE:.4g} GiB"
