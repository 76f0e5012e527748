"""Managers of fields: who wrote a field of an object, from its `metadata.managedFields`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from tools.heal import PROVIDER
from tools.plan.preview import Json, part, parts

# Their writes belong to the normal life of an object: replicas that an autoscaler sets, annotations of a roll-out. The
# last are names under which distributions run them in one process, and OpenShift's controller of namespaces.
CONTROLLERS = frozenset(
    {"cloud-controller-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"}
    | {"k3s", "kubelite", "cluster-policy-controller"}
)
Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manager:
    """A writer of a field."""

    name: str
    operation: str
    """Apply or Update."""

    time: str
    """Time at which the manager last wrote any of its fields."""

    @property
    def is_pulumi(self) -> bool:
        """True if the manager is Pulumi."""
        return self.name.startswith(PROVIDER)

    @property
    def is_controller(self) -> bool:
        """True if the manager is a part of Kubernetes."""
        return self.name in CONTROLLERS


def managers(live: Json, path: Path) -> list[Manager]:
    """Managers that wrote the field at a path of a live object."""
    return [
        Manager(name=entry["manager"], operation=entry["operation"], time=entry.get("time", ""))
        for entry in parts(live, "metadata", "managedFields")
        if entry.get("subresource") != "status" and _holds(part(entry, "fieldsV1"), live, path)
    ]


def _holds(fields: Json, value: Any, path: Sequence[str | int]) -> bool:  # noqa: ANN401 - any JSON
    """True if the set of fields has the path. A set without members is a field that is written as a whole."""
    if not path:
        return True
    step, *rest = path
    if isinstance(step, str):
        inner = fields.get(f"f:{step}")
        below = part(value).get(step)
    else:
        below = cast("list[Any]", value)[step] if isinstance(value, list) else None
        inner = next((found for name, found in fields.items() if is_member(name, below)), None)
    return isinstance(inner, dict) and (not inner or _holds(cast("Json", inner), below, rest))


def is_member(name: str, item: Any) -> bool:  # noqa: ANN401 - any JSON
    """True if a member of a set, such as `k:{"name":"main"}` or `v:"value"`, is this item of a list."""
    sort, _, text = name.partition(":")
    if sort == "v":
        return json.loads(text) == item
    return sort == "k" and all(part(item).get(key) == value for key, value in json.loads(text).items())
