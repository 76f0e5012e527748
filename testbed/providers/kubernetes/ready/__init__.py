"""When an object is ready, kind by kind, as the real provider judges it.

A rule is pure: it is shown what the cluster has and what time it is, and keeps what it has to
remember between two looks. `waiting.py` looks and keeps the time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from testbed.providers.kubernetes.kinds import kind_of
from testbed.providers.kubernetes.ready.annotated import Annotated
from testbed.providers.kubernetes.ready.claims import (
    PersistentVolume,
    PersistentVolumeClaim,
    ResourceQuota,
    TokenSecret,
)
from testbed.providers.kubernetes.ready.job import Job
from testbed.providers.kubernetes.ready.network import Ingress, Service
from testbed.providers.kubernetes.ready.pod import Pod
from testbed.providers.kubernetes.ready.workloads import DaemonSet, Deployment, StatefulSet
from testbed.providers.values import mapping, parse_json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from testbed.providers.kubernetes.ready.rule import Rule
    from testbed.providers.values import Object

__all__ = ["rule_for"]

_RULES: Final[Mapping[str, Callable[[Object, Object | None], Rule]]] = {
    "apps/v1/DaemonSet": DaemonSet,
    "apps/v1/Deployment": Deployment,
    "apps/v1/StatefulSet": StatefulSet,
    "batch/v1/Job": Job,
    "networking.k8s.io/v1/Ingress": Ingress,
    "v1/PersistentVolume": PersistentVolume,
    "v1/PersistentVolumeClaim": PersistentVolumeClaim,
    "v1/Pod": Pod,
    "v1/ResourceQuota": ResourceQuota,
    "v1/Service": Service,
}
_JUDGED_ON_READ: Final = frozenset(
    {
        "apps/v1/DaemonSet",
        "apps/v1/Deployment",
        "apps/v1/StatefulSet",
        "batch/v1/Job",
        "networking.k8s.io/v1/Ingress",
        "v1/Pod",
        "v1/Service",
    }
)


def rule_for(live: Object, previous: Object | None) -> Rule | None:
    """Return when an object that was just written is ready; nothing if it is at once.

    `previous` is the object as it was before an update.
    """
    expressions = text(mapping(live, "metadata", "annotations"), "pulumi.com/waitFor")
    if expressions:
        return Annotated(live, _list_of(expressions))
    key = kind_of(live).key
    if key == "v1/Secret" and text(live, "type") == TokenSecret.TYPE:
        return TokenSecret(live, previous)
    make = _RULES.get(key)
    return make(live, previous) if make else None


def rule_for_read(live: Object) -> Rule | None:
    """Return how an object is judged that was only read; it is judged as it is now."""
    key = kind_of(live).key
    return _RULES[key](live, None) if key in _JUDGED_ON_READ else None


def _list_of(expressions: str) -> list[str]:
    try:
        values = parse_json(json.loads(expressions))
    except ValueError:
        return [expressions]
    return [str(value) for value in values] if isinstance(values, list) else [expressions]
