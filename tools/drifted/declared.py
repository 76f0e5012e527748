"""`Declared`: a resource as the state of the stack has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tools.plan.preview import SECRET_KEY, Json, Step, part, parts

KUBERNETES = "kubernetes:"
HIDDEN: Json = {SECRET_KEY: ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """A resource of the state."""

    step: Step
    """Names and inputs of the resource; a Secret's inputs without their values."""

    id: str
    ignored: tuple[str, ...]
    """Fields that the program leaves to others."""

    @property
    def is_object(self) -> bool:
        """True if the resource is a Kubernetes object."""
        return self.step.type.startswith(KUBERNETES) and "kind" in self.step.old

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name of the object in the cluster."""
        space, _, name = self.id.rpartition("/")
        return self.step.old["kind"], space, name

    @property
    def reference(self) -> Json:
        """API version, kind, name and namespace, by which kubectl finds the object."""
        kind, space, name = self.key
        metadata = {"name": name} | ({"namespace": space} if space else {})
        return {"apiVersion": self.step.old["apiVersion"], "kind": kind, "metadata": metadata}


def key_of(live: Mapping[str, Any]) -> tuple[str, str, str]:
    """The same as `Declared.key`, for an object in the cluster."""
    return live["kind"], live["metadata"].get("namespace", ""), live["metadata"]["name"]


def declared(exported: Json) -> list[Declared]:
    """The resources of an exported state, without components, providers and resources to be deleted."""
    return [
        _one(resource)
        for resource in parts(exported, "deployment", "resources")
        if resource.get("custom")
        and resource.get("id")
        and not resource.get("delete")
        and not resource.get("external")
        and not resource["type"].startswith("pulumi:")
    ]


def _one(resource: Json) -> Declared:
    inputs = part(resource, "inputs")
    if inputs.get("kind") == "Secret":
        inputs = _without_values(inputs)
    return Declared(
        step=Step(op="same", urn=resource["urn"], type=resource["type"], old=inputs),
        id=resource["id"],
        ignored=tuple(cast("list[str]", resource.get("ignoreChanges") or [])),
    )


def _without_values(inputs: Json) -> Json:
    """A Secret as the cluster has it, where `stringData` is a part of `data`; the values are secret."""
    keys = [*part(inputs, "data"), *part(inputs, "stringData")]
    # The whole of `data` may be one secret value.
    data = HIDDEN if SECRET_KEY in keys else dict.fromkeys(keys, HIDDEN)
    return {**{key: value for key, value in inputs.items() if key != "stringData"}, "data": data}
