"""Nodes and PriorityClasses that the section `scheduling` names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tools.doctor.facts import Object, part, parts
from tools.preflight.api import Api, Found, Kind, Missing, each
from tools.preflight.wanted import Wanted

NODES = "/api/v1/nodes"
PRIORITY_CLASS = Kind(
    base="/apis/scheduling.k8s.io/v1", group="scheduling.k8s.io", plural="priorityclasses", namespaced=False
)
# A taint with the third effect, PreferNoSchedule, keeps no pod away.
KEEPS_AWAY = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Nodes on which pods may run."""

    labels: Mapping[str, str]
    tolerations: tuple[Object, ...]

    def has(self, node: Object) -> bool:
        """True if a node has all labels."""
        return self.labels.items() <= part(node, "metadata", "labels").items()

    def untolerated(self, node: Object) -> list[str]:
        """Taints of a node that keep the pods away, as kubectl writes them."""
        return [
            f"{taint['key']}={taint.get('value', '')}:{taint['effect']}".replace("=:", ":")
            for taint in parts(node, "spec", "taints")
            if taint["effect"] in KEEPS_AWAY and not any(tolerates(one, taint) for one in self.tolerations)
        ]


def tolerates(toleration: Object, taint: Object) -> bool:
    """True if a toleration matches a taint, by Kubernetes' rules."""
    return (
        toleration.get("key") in {None, taint["key"]}
        and toleration.get("effect") in {None, taint["effect"]}
        and (toleration.get("operator") == "Exists" or (toleration.get("value") or "") == (taint.get("value") or ""))
    )


def nodes(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Nodes for pods that cannot run on every node."""
    places: list[Place] = []
    for pod in pods(wanted):
        place = Place(labels=pod.get("nodeSelector") or {}, tolerations=tuple(parts(pod, "tolerations")))
        if (place.labels or place.tolerations) and place not in places:
            places.append(place)
    existing: Sequence[Object] = api.every(NODES, "nodes") if places else ()
    for place in places:
        yield from _nodes(place, [one for one in existing if place.has(one)])


def _nodes(place: Place, nodes: list[Object]) -> Iterator[Found]:
    labels = ",".join(f"{key}={value}" for key, value in sorted(place.labels.items()))
    if not nodes:
        yield Missing(
            subject=f"node with the labels {labels}" if labels else "node",
            what="the cluster has none: pods would stay Pending, unless an autoscaler adds such a node",
            remedy=f"kubectl label node NAME {labels.replace(',', ' ')}, or change scheduling.nodeSelector",
        )
        return
    taints = [place.untolerated(one) for one in nodes]
    if all(taints):
        yield Missing(
            subject=f"node with the labels {labels} and no other taint" if labels else "node without another taint",
            what=f"each has a taint that the pods do not tolerate, for example {taints[0][0]}: they would stay Pending",
            remedy="add the taint to scheduling.tolerations, or remove it from a node",
        )


def priority_classes(wanted: Wanted, api: Api) -> Iterator[Found]:
    """PriorityClasses that pods name."""

    def judge(name: str) -> Iterator[Found]:
        if api.exists(PRIORITY_CLASS, name) is None:
            keys = [one for one in wanted.keys_of(name) if one.endswith("priorityClass")]
            yield Missing(
                subject=f"PriorityClass {name}",
                what="it does not exist: Kubernetes would refuse every pod that names it",
                remedy=f"create it, or change {' and '.join(keys)}",
            )

    yield from each(sorted({name for pod in pods(wanted) if (name := pod.get("priorityClassName"))}), judge)


def pods(wanted: Wanted) -> Iterator[Object]:
    """Every pod spec in the registered objects, whatever their kind."""
    for one in wanted.objects:
        yield from _pods(one)


def _pods(value: Any) -> Iterator[Object]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        section = cast("Object", value)
        if "containers" in section:
            yield section
        for inner in section.values():
            yield from _pods(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _pods(inner)
