"""Check that the platform and all teams' quotas together fit into the cluster."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.artifacts.object_store import RESOURCES as STORE
from settings.draft import Draft, mapping
from settings.faults import Fault
from settings.sizing import replicas
from settings.sizing.remedies import GIBIBYTE, either, gibibytes, setting
from settings.types.quantities import cpu_in_cores, size_in_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """Maximum use of `cpu`, `memory` or `storage` by the platform and all teams, and the cluster's capacity."""

    resource: str
    capacity: float
    platform: float
    teams: float
    own: float
    """The part of `teams` that comes from teams with a quota of their own."""

    others: int
    """Number of teams that use the default quota."""

    @property
    def total(self) -> float:
        """Maximum use by the platform and all teams."""
        return self.platform + self.teams

    @property
    def left(self) -> float:
        """The default quota at which `total` equals `capacity`; 0 if no team uses the default."""
        return (self.capacity - self.platform - self.own) / self.others if self.others else 0

    def __str__(self) -> str:
        """The calculation of the total and the cluster's capacity, as text for messages."""
        show = _cores if self.resource == "cpu" else _gib
        return (
            f"platform {show(self.platform)} + teams' quotas {show(self.teams)} = {show(self.total)}, "
            f"cluster.capacity.{self.resource} is {show(self.capacity)}"
        )


def summed(draft: Draft, resource: str) -> Sum | None:
    """Maximum use of the resource `cpu`, `memory` or `storage`; None if its capacity is not set or a value is wrong."""
    number: Callable[[str], float | None] = cpu_in_cores if resource == "cpu" else size_in_bytes
    capacity = number(draft.text(f"cluster.capacity.{resource}") or "")
    usual = number(draft.text(f"workspaces.quota.{resource}") or "")
    platform = _PLATFORM[resource](draft)
    if capacity is None or usual is None or platform is None:
        return None
    teams = [mapping(team) for team in draft.section("teams").values()]
    # An archived team runs no pods, but its volumes stay.
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
    """Check that memory and storage are not overcommitted: pods would be OOM-killed or stay Pending."""
    yield from _above(draft, "memory", size_in_bytes)
    yield from _above(draft, "storage", size_in_bytes)


def compressible(draft: Draft) -> Iterator[Fault]:
    """Warn about overcommitted CPU: pods become slow but keep running."""
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
    ways.append("lower the quotas of individual teams" if found.own else "use a larger cluster")
    yield Fault(f"cluster.capacity.{resource}", str(found), either(ways))


def _pods(draft: Draft) -> int | None:
    found = replicas.pods(draft)
    return None if found is None else found.most + found.surge


def _cpu(draft: Draft) -> float | None:
    """Sum of the CPU requests of the server's pods."""
    pods, each = _pods(draft), cpu_in_cores(draft.text("server.cpu") or "")
    return None if pods is None or each is None else pods * each


def _memory(draft: Draft) -> float | None:
    """Sum of the memory limits of the server's pods, and of PostgreSQL and the artifact store if in the cluster."""
    pods, each = _pods(draft), size_in_bytes(draft.text("server.memoryLimit") or "")
    if pods is None or each is None:
        return None
    database = size_in_bytes(draft.text("database.memoryLimit") or "") or 0
    return pods * each + database + (_store() if draft.text("artifacts.kind") == "in-cluster" else 0)


def _store() -> float:
    return size_in_bytes(STORE.memory_limit) or 0


def _storage(draft: Draft) -> float:
    """Sum of the sizes of the platform's volumes in the cluster."""
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
