"""`Drift`: everything that differs between the cluster and a stack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.drifted.compared import Change, changes
from tools.drifted.declared import Declared, key_of
from tools.drifted.engine import Found
from tools.drifted.managers import Manager
from tools.plan.preview import Json

VERBS = {
    "create": "creates it again",
    "delete": "deletes it",
    "import": "imports it",
    "replace": "replaces the object",
    "update": "sets it back",
}
LEAVES = "`up` leaves it, even with REFRESH=yes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One field that differs, or an object that is gone."""

    urn: str
    object: str
    """Kind, namespace and name, for example `ConfigMap mlflow/settings`."""

    field: str
    """Path of the field; empty if the object is gone."""

    stack: Any
    cluster: Any
    by: tuple[Manager, ...]
    up: str
    """Effect of an `up` on the difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The differences of one stack."""

    stack: str
    differences: Sequence[Difference]


def drift(
    stack: str,
    resources: Sequence[Declared],
    live: Sequence[Json],
    found: Mapping[str, Found],
    answers: Callable[[], Mapping[str, str]],
) -> Drift:
    """The differences of a stack.

    Args:
        stack: the stack's name.
        resources: the resources in the stack's state.
        live: the stack's objects in the cluster, with their managed fields.
        found: the findings of a refresh, by URN.
        answers: returns the actions of an `up`, by URN; called only if something differs.
    """
    objects = {key_of(one): one for one in live}
    differing = [(one, change) for one in resources for change in _differences(one, objects, found)]
    up: Mapping[str, str] = answers() if differing else {}
    return Drift(
        stack=stack,
        differences=sorted(
            (_told(one, change, up) for one, change in differing), key=lambda each: (each.object, each.field)
        ),
    )


def _differences(
    one: Declared, objects: Mapping[tuple[str, str, str], Json], found: Mapping[str, Found]
) -> Sequence[Change | None]:
    """The fields that differ; only None if the resource does not exist any more."""
    seen = found.get(one.step.urn)
    if seen is not None and seen.gone:
        return [None]
    if not one.is_object:
        return [] if seen is None else seen.changes
    live = objects.get(one.key)
    return [None] if live is None else changes(one, live)


def _told(one: Declared, change: Change | None, up: Mapping[str, str]) -> Difference:
    answer = up.get(one.step.urn) or up.get("")
    if answer is None:
        does = LEAVES
    elif answer in VERBS:
        does = f"`up` leaves it, and with REFRESH=yes {VERBS[answer]}"
    else:
        does = f"`up` leaves it, and with REFRESH=yes fails: {answer}"
    return Difference(
        urn=one.step.urn,
        object=one.step.object,
        field="" if change is None else change.field,
        stack=None if change is None else change.stack,
        cluster=None if change is None else change.cluster,
        by=() if change is None else change.by,
        up=does,
    )
