"""Cost and capacity in words: what a plan reserves, what it may use at most, and what that costs."""

import re
from collections.abc import Iterator

from settings.types.quantities import MEBIBYTE, size_in_bytes
from tools.plan.plan import Plan, Sum
from tools.plan.totals import Totals

# Amounts by what they mean. A label is shown once, with the amounts of it that change.
LABELS: dict[str, dict[str, str]] = {
    "Reserved for all pods (requests)": {"cpu": "cores of CPU", "memory": "GiB of memory", "pods": "pods"},
    "At most for all pods (limits)": {"limit_cpu": "cores of CPU", "limit_memory": "GiB of memory"},
    "Ceiling for all teams together (quotas; nothing is reserved)": {
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
            f"GiB of storage: {before} stay: {after} in use, and {one.kept_storage:g} kept in volume claims until"
            " somebody deletes them"
        )
    elif before != after:
        yield f"GiB of storage: {before} → {after}"


def _instances(before: Totals, after: Totals) -> Iterator[str]:
    if before.instances != after.instances:
        old, new = (", ".join(each.instances) or "none" for each in (before, after))
        yield f"database instances: {old} → {new}"


def _money(one: Plan) -> Iterator[str]:
    if one.cost is None:
        if any(getattr(one.before, amount) != getattr(one.after, amount) for amount in PAID):
            yield "Money: unknown, because no price list was given (docs/pull-requests.md)"
    elif one.cost[0] != one.cost[1]:
        yield f"money a month, by the price list: {one.cost[0]:.2f} → {one.cost[1]:.2f}"
    for risk in one.risks:
        if risk.moved:
            yield "What the new place of the data costs is not known to this plan"


def _sum(found: Sum) -> str:
    """A sum of `make configuration`; of one that compares a need with a limit, both numbers."""
    before, after = (NEED.fullmatch(text) for text in (found.before, found.after))
    if after is None:
        was = f" (before: {found.before})" if found.before else ""
        return f"{found.name}: {found.after}{was}"
    need = size_in_bytes(after["need"] + after["unit"].removesuffix("B"))
    limit = size_in_bytes(after["limit"])
    was = f" (before: {size_in_bytes(before['limit']) / MEBIBYTE:g})" if before else ""
    judged = "enough" if limit >= need else "too little"
    return f"{found.name}: needs {need / MEBIBYTE:g} MiB, gets {limit / MEBIBYTE:g}{was}: {judged}"
