"""Rules of the section `workspaces`: teams' quotas and the default requests and limits of their containers."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from settings.faults import Fault, either, setting
from settings.modes import AnySettings
from settings.partial import key, known
from settings.schema.external import ExternalTeam, ExternalWorkspaces
from settings.schema.stack import Settings
from settings.schema.teams import Team, Workspaces
from settings.sizing.quotas import RESOURCES, Resource, total
from settings.types.quantities import cpu_in_cores, size_in_bytes

Section = Team | Workspaces | ExternalTeam | ExternalWorkspaces
Field = Callable[[Section], str | None]

REJECTED = "Kubernetes rejects a request above its limit"
UNLIMITED = "the quota would reject every pod without its own limit"


@dataclass(frozen=True, slots=True)
class Order:
    """Two settings for a team's containers; the second value must be at least as large as the first."""

    small: Field
    large: Field
    number: Callable[[str], float]
    otherwise: str
    """Consequence if the second value is smaller."""

    def faults(self, small: Section, large: Section) -> Iterator[Fault]:
        """The mistake if the value in the section `small` is more than the one in the section `large`."""
        least, most = self.small(small), self.large(large)
        if least is None or most is None or self.number(least) <= self.number(most):
            return
        less, more = key(small, self.small), key(large, self.large)
        # Report the key that the file sets, not a default that cannot be found there.
        if more.written and not less.written:
            yield Fault(
                more, f'"{most}" is less than {less} {less.shown}; {self.otherwise}', f"lower {less} or raise {more}"
            )
        else:
            yield Fault(
                less, f'"{least}" is more than {more} {more.shown}; {self.otherwise}', f"lower {less} or raise {more}"
            )


ORDERS = (
    Order(lambda one: one.limits.cpu_request, lambda one: one.limits.cpu, cpu_in_cores, REJECTED),
    Order(lambda one: one.limits.memory_request, lambda one: one.limits.memory, size_in_bytes, REJECTED),
    Order(lambda one: one.limits.cpu, lambda one: one.quota.cpu, cpu_in_cores, UNLIMITED),
    Order(lambda one: one.limits.memory, lambda one: one.quota.memory, size_in_bytes, UNLIMITED),
)


def container_defaults(settings: AnySettings) -> Iterator[Fault]:
    """Check that containers without requests and limits of their own can start in every team."""
    for order in ORDERS:
        yield from known(order.faults(settings.workspaces, settings.workspaces))
    for name, order in itertools.product(settings.teams, ORDERS):
        yield from known(_in_team(settings, name, order))


def _in_team(settings: AnySettings, name: str, order: Order) -> Iterator[Fault]:
    team = settings.team(name)
    small, large = team.source(order.small), team.source(order.large)
    # Mistakes in the defaults of all teams are reported once.
    if team.own in (small, large):
        yield from order.faults(small, large)


def overcommitted(settings: Settings) -> Iterator[Fault]:
    """Check that memory and storage are not overcommitted: pods would be OOM-killed, or their volumes stay Pending."""
    for resource in RESOURCES:
        if not resource.overcommitted:
            yield from known(_overcommitted(settings, resource))


def crowded(settings: Settings) -> Iterator[Fault]:
    """Warn about overcommitted resources if pods would only become slow or stay Pending."""
    for resource in RESOURCES:
        if resource.overcommitted:
            yield from known(_overcommitted(settings, resource))


def _overcommitted(settings: Settings, resource: Resource) -> Iterator[Fault]:
    found = total(settings, resource)
    if found is None or found.needed <= found.capacity:
        return
    ways: list[str] = []
    default = resource.default(settings.workspaces.limits)
    if found.fitting >= 1 and found.fitting * resource.unit >= (resource.value(default) if default else 0):
        quota = key(settings.workspaces.quota, resource.amount)
        ways.append(setting({quota: resource.written(found.fitting)}))
    ways.append("lower the quotas of individual teams" if found.own else "use a larger cluster")
    problem = f"{found}: {resource.overcommitted}" if resource.overcommitted else str(found)
    yield Fault(key(settings.cluster.capacity, resource.amount), problem, either(ways))


RULES = (container_defaults, overcommitted)
RULES_WITHOUT_A_SERVER = (container_defaults,)
WARNINGS = (crowded,)
