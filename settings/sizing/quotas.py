"""Sums of what the platform and all teams' quotas use of the cluster's CPU, memory and storage."""

from collections.abc import Callable
from dataclasses import dataclass

from components.sizes import BACKUP_MEMORY, STORE_MEMORY
from settings.schema.artifacts import InClusterArtifacts, VolumeArtifacts
from settings.schema.cluster import Capacity
from settings.schema.database import InClusterDatabase, SqliteDatabase
from settings.schema.stack import Settings
from settings.schema.teams import Limits, Quota, TeamQuota
from settings.sizing.server import pods
from settings.types.quantities import GIBIBYTE, cpu_in_cores, size_in_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A resource that quotas limit, such as CPU: its field in the sections, and its unit."""

    name: str
    amount: Callable[[Capacity | Quota | TeamQuota], str | int | None]
    default: Callable[[Limits], str | None]
    """Limit of containers that set none; None if there is no such limit."""

    platform: Callable[[Settings], float]
    """Maximum use by the platform."""

    number: Callable[[str], float] = size_in_bytes
    unit: int = GIBIBYTE
    suffix: str = "Gi"
    whole: bool = False
    """True if the setting is a whole number and not a quantity."""

    overcommitted: str = ""
    """Consequence of overcommitting, if that is only a warning; empty if it is an error."""

    def value(self, amount: str | int) -> float:
        """An amount as a number."""
        return amount if isinstance(amount, int) else self.number(amount)

    def written(self, units: int) -> str | int:
        """A number of whole units, in the form that a stack file has."""
        return units if self.whole else f"{units}{self.suffix}"

    def shown(self, amount: float) -> str:
        """An amount as text for messages."""
        return f"{amount / self.unit:.4g} GiB" if self.suffix else f"{amount:g}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """Maximum use of a resource by the platform and all teams, and the cluster's capacity."""

    resource: Resource
    capacity: float
    platform: float
    default: float
    """Quota of a team without a quota of its own."""

    own: float
    """Sum of the quotas of teams with a quota of their own."""

    others: int
    """Number of teams that use the default quota."""

    @property
    def teams(self) -> float:
        """Sum of all teams' quotas."""
        return self.own + self.others * self.default

    @property
    def needed(self) -> float:
        """Maximum use by the platform and all teams."""
        return self.platform + self.teams

    @property
    def fitting(self) -> int:
        """The default quota that fits into the cluster, in whole units; 0 if no team uses the default."""
        left = self.capacity - self.platform - self.own
        return int(left / self.others / self.resource.unit) if self.others else 0

    def __str__(self) -> str:
        """The calculation of the total and the cluster's capacity, as text for messages."""
        show = self.resource.shown
        return (
            f"platform {show(self.platform)} + teams' quotas {show(self.teams)} = {show(self.needed)}, "
            f"cluster.capacity.{self.resource.name} is {show(self.capacity)}"
        )


def total(settings: Settings, resource: Resource) -> Total | None:
    """Maximum use of a resource; None if the cluster's capacity is not set, or some teams have no limit."""
    capacity, default = resource.amount(settings.cluster.capacity), resource.amount(settings.workspaces.quota)
    # An archived team runs no pods, but its volumes stay.
    counted = [team for team in settings.teams.values() if resource is STORAGE or not team.archived]
    quotas = [resource.amount(team.quota) for team in counted]
    own = [resource.value(quota) for quota in quotas if quota is not None]
    others = len(quotas) - len(own)
    if capacity is None or (default is None and others):
        return None
    return Total(
        resource=resource,
        capacity=resource.value(capacity),
        platform=resource.platform(settings),
        default=resource.value(default or 0),
        own=sum(own),
        others=others,
    )


def _cpu(settings: Settings) -> float:
    """Sum of the CPU requests of the server's pods."""
    return pods(settings).total * cpu_in_cores(settings.server.cpu)


def _memory(settings: Settings) -> float:
    """Sum of the memory limits of the server's pods, and of PostgreSQL and the artifact store if in the cluster."""
    limits = [settings.server.memory_limit] * pods(settings).total
    if isinstance(settings.database, InClusterDatabase):
        limits.append(settings.database.memory_limit)
    if settings.backed_up:
        limits.append(BACKUP_MEMORY)
    if isinstance(settings.artifacts, InClusterArtifacts):
        limits.append(STORE_MEMORY)
    return sum(map(size_in_bytes, limits))


def _storage(settings: Settings) -> float:
    """Sum of the sizes of the platform's volumes in the cluster."""
    volumes: list[str] = []
    if isinstance(settings.database, InClusterDatabase | SqliteDatabase):
        volumes.append(settings.database.storage)
    if isinstance(settings.artifacts, InClusterArtifacts | VolumeArtifacts):
        volumes.append(settings.artifacts.storage)
    return sum(map(size_in_bytes, volumes))


CPU = Resource(
    name="cpu",
    amount=lambda section: section.cpu,
    default=lambda limits: limits.cpu,
    platform=_cpu,
    number=cpu_in_cores,
    unit=1,
    suffix="",
    overcommitted="pods become slow but keep running",
)
MEMORY = Resource(
    name="memory", amount=lambda section: section.memory, default=lambda limits: limits.memory, platform=_memory
)
STORAGE = Resource(name="storage", amount=lambda section: section.storage, default=lambda _: None, platform=_storage)
GPUS = Resource(
    name="gpus",
    amount=lambda section: section.gpus,
    default=lambda _: None,
    platform=lambda _: 0,
    unit=1,
    suffix="",
    whole=True,
    overcommitted="pods stay Pending until others have ended",
)
RESOURCES = (CPU, MEMORY, STORAGE, GPUS)
