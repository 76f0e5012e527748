"""Cost and capacity in words: what a plan reserves, what it may use at most, and what that costs."""

import re
from collections.abc import Iterator

from settings.types.quantities import GIBIBYTE, size_in_bytes
from tools.plan.plan import Plan, Sum
from tools.plan.totals import Totals

# Amounts by what they mean. A label is shown once, with the amounts of it that change.
LABELS: dict[str, dict[str, str]] = {
    "Reserved for all pods (requests)": {"cpu": "cores of CPU", "memory": "GiB of memory", "pods": "pods"},
    "At most for all pods (limits)": {"limit_cpu": "cores of CPU", "limit_memory": "GiB of memory"},
    "Ceiling for all teams together (quotas; nothing is reserved, and what the cluster has is not checked)": {
        "granted_cpu": "cores of CPU",
        "granted_memory": "GiB of memory",
    },
}
# A sum whose end is what is needed and what there is.
NEED = re.compile(r'.*= (?P<need>\d+) ?(?P<unit>\w+); limit "(?P<limit>\w+)".*')
# Amounts that cost money.
PAID = ("cpu", "memory", "storage", "instances")


def cost(one: Plan) -> list[str]:
    """Sentences about cost and capacity; empty if neither changes."""
    found = [*_amounts(one.before, one.after), *_storage(one), *_instances(one.before, one.after)]
    return [*found, *_money(one), *(_sum(each) for each in one.sums)]


def _amounts(before: Totals, after: Totals) -> Iterator[str]:
    for label, units in LABELS.items():
        changed = [
            f"{_number(before, amount)} → {_number(after, amount)} {unit}"
            for amount, unit in units.items()
            if _number(before, amount) != _number(after, amount)
        ]
        if changed:
            yield f"{label}: {', '.join(changed)}"


def _number(totals: Totals, amount: str) -> str:
    return f"{round(getattr(totals, amount), 2):g}"


def _storage(one: Plan) -> Iterator[str]:
    before, after = (_number(totals, "storage") for totals in (one.before, one.after))
    if one.kept_storage:
        yield (
            f"Volumes: {before} GiB before, {after} GiB in use afterwards; {one.kept_storage:g} GiB stay in volume"
            " claims that nothing uses, until somebody deletes them"
        )
    elif before != after:
        yield f"Volumes: {before} → {after} GiB"


def _instances(before: Totals, after: Totals) -> Iterator[str]:
    if before.instances != after.instances:
        old, new = (", ".join(each.instances) or "none" for each in (before, after))
        yield f"Database instances: {old} → {new}"


def _money(one: Plan) -> Iterator[str]:
    moved = any(risk.moved for risk in one.risks)
    elsewhere = "; what the new place of the data costs is not known to this plan" if moved else ""
    if one.cost is None:
        if moved or any(getattr(one.before, amount) != getattr(one.after, amount) for amount in PAID):
            yield f"Money: unknown, because no price list was given (docs/pull-requests.md){elsewhere}"
        elif one.before != one.after:
            yield "Money: unchanged"
    elif one.cost[0] != one.cost[1] or moved:
        yield f"Money a month, by the price list: {one.cost[0]:.2f} → {one.cost[1]:.2f}{elsewhere}"
    elif one.before != one.after:
        yield "Money: unchanged"


def _sum(found: Sum) -> str:
    """A sum of `make configuration`; a sum that compares a need with a limit is shown with both numbers."""
    before, after = (NEED.fullmatch(text) for text in (found.before, found.after))
    if after is None:
        was = f" (before: {found.before})" if found.before else ""
        return f"{found.name}: {found.after}{was}"
    need, gets = _gibibytes(after["need"] + after["unit"].removesuffix("B")), _gibibytes(after["limit"])
    judged = "enough" if gets >= need else "too little"
    name = f"{found.name[:1].upper()}{found.name[1:]}"
    if before is None:
        return f"{name}: needs {need:g} GiB, gets {gets:g} GiB: {judged}"
    had, gave = _gibibytes(before["need"] + before["unit"].removesuffix("B")), _gibibytes(before["limit"])
    if had == need and gave >= had and gets >= need:
        return f"{name}: {gave:g} → {gets:g} GiB; it needs {need:g} GiB, so both are enough"
    earlier = "enough" if gave >= had else "too little"
    return f"{name}: {gave:g} GiB for {had:g} GiB needed ({earlier}) → {gets:g} GiB for {need:g} GiB needed ({judged})"


def _gibibytes(text: str) -> float:
    return round(size_in_bytes(text) / GIBIBYTE, 2)
