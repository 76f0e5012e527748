"""Totals of what the workloads of a stack reserve, before and after, and what that costs by a price list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from settings.types.quantities import GIBIBYTE, cpu_in_cores, size_in_bytes
from tools.plan.data import storage
from tools.plan.preview import Json, Step, part, parts

WORKLOADS = frozenset({"Deployment", "StatefulSet"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Resources that all pods of Deployments and StatefulSets, volume claims and databases reserve."""

    cpu: float = 0.0
    """CPU in cores."""

    memory: float = 0.0
    """Memory in GiB."""

    storage: float = 0.0
    """Storage in GiB."""

    pods: float = 0.0
    limit_cpu: float = 0.0
    """Cores that the pods may use at most; a container without a limit counts as 0."""

    limit_memory: float = 0.0
    """GiB of memory that the pods may use at most; a container without a limit counts as 0."""

    granted_cpu: float = 0.0
    """Cores that teams may use at most, by their quotas."""

    granted_memory: float = 0.0
    """GiB of memory that teams may use at most, by their quotas."""

    instances: tuple[str, ...] = ()
    """Classes of the database instances at AWS, one for each instance."""

    def __add__(self, other: "Totals") -> "Totals":
        """The sum of two totals."""
        sums = {amount: getattr(self, amount) + getattr(other, amount) for amount in AMOUNTS}
        return Totals(**sums, instances=(*self.instances, *other.instances))


AMOUNTS = tuple(one.name for one in fields(Totals) if one.name != "instances")


def before_and_after(steps: Sequence[Step]) -> tuple[Totals, Totals]:
    """The totals of a stack as it is, and as the plan makes it."""
    return (
        sum((_of(step.type, step.old) for step in steps if step.old), Totals()),
        sum((_of(step.type, step.new) for step in steps if step.new), Totals()),
    )


def _of(kind: str, inputs: Json) -> Totals:
    last = kind.rsplit(":", 1)[-1]
    if kind.startswith("aws:rds") and last == "Instance":
        allocated = inputs.get("allocatedStorage", 0)
        twice = 2 if inputs.get("multiAz") is True else 1
        return Totals(
            storage=twice * float(allocated) if isinstance(allocated, int | float) else 0.0,
            instances=(str(inputs.get("instanceClass", "")),) * twice,
        )
    if not kind.startswith("kubernetes:"):
        return Totals()
    if last == "ResourceQuota":
        hard = part(inputs, "spec", "hard")
        return Totals(
            granted_cpu=_amount(hard.get("limits.cpu"), cpu_in_cores),
            granted_memory=_amount(hard.get("limits.memory"), size_in_bytes) / GIBIBYTE,
        )
    claims = sum(storage(inputs).values()) / GIBIBYTE
    if last not in WORKLOADS:
        return Totals(storage=claims)
    wanted = part(inputs, "spec").get("replicas", 1)
    count = float(wanted) if isinstance(wanted, int | float) else 1.0
    spec = part(inputs, "spec", "template", "spec")
    # Sidecars are init containers that go on.
    running = [
        *parts(spec, "containers"),
        *(one for one in parts(spec, "initContainers") if one.get("restartPolicy") == "Always"),
    ]
    cpu, memory = _of_containers(running, "requests")
    limit_cpu, limit_memory = _of_containers(running, "limits")
    return Totals(
        cpu=count * cpu,
        memory=count * memory,
        storage=count * claims,
        pods=count,
        limit_cpu=count * limit_cpu,
        limit_memory=count * limit_memory,
    )


def _of_containers(containers: Sequence[Json], kind: str) -> tuple[float, float]:
    """Cores and GiB of their requests or limits."""
    found = [part(one, "resources", kind) for one in containers]
    return (
        sum(_amount(one.get("cpu"), cpu_in_cores) for one in found),
        sum(_amount(one.get("memory"), size_in_bytes) for one in found) / GIBIBYTE,
    )


def _amount(text: object, number: Callable[[str], float]) -> float:
    return number(text) if isinstance(text, str) else 0.0


def monthly(totals: Totals, prices: Mapping[str, float]) -> float:
    """Money for a month; a class of instances that the list lacks raises KeyError with its name."""
    return sum(getattr(totals, amount) * prices.get(amount, 0.0) for amount in AMOUNTS) + sum(
        prices[one] for one in totals.instances
    )


def growth(before: Totals, after: Totals) -> float:
    """The largest growth among CPU, memory and storage, in percent; 0 for a new stack."""
    shares = [
        100 * (getattr(after, amount) / getattr(before, amount) - 1)
        for amount in ("cpu", "memory", "storage")
        if getattr(before, amount)
    ]
    return max([0.0, *shares])


def kept_storage(steps: Sequence[Step]) -> float:
    """GiB in the volume claims of StatefulSets that are deleted: Kubernetes keeps the claims."""
    gone = [step for step in steps if step.op == "delete" and step.kind == "StatefulSet"]
    return sum(_of(step.type, step.old).storage for step in gone)
