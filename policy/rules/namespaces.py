"""Search for namespaces without an object that every namespace needs."""

from collections.abc import Iterator, Sequence

from .node import Node
from .resource import Resource

# Prefix of the types of the platform's components.
PLATFORM = "mlflow-platform:index:"


def is_namespace(resource: Resource) -> bool:
    """True for a namespace, and for an existing one that a component of the platform labels.

    A patch by other programs may be about anything: it need not contain what the namespace already has.
    """
    if resource.kind == "NamespacePatch":
        return resource.parent_type.startswith(PLATFORM)
    return resource.kind == "Namespace"


def without(objects: Sequence[Resource], namespaces: Sequence[Resource]) -> Iterator[Resource]:
    """Namespaces that have none of these objects.

    An object whose namespace is unknown until the deployment counts for one of the namespaces, not for all.
    """
    places = [one.inputs.at("metadata.namespace") for one in objects]
    names = {_name(one).text for one in namespaces}
    taken = {place.text for place in places if place.known}
    spare = sum(not place.known for place in places)
    lacking = [one for one in namespaces if _name(one).known and _name(one).text not in taken]
    yield from lacking[spare:]
    # One without a name yet may be what any object means that is in no other one.
    if not spare and taken <= names:
        yield from (one for one in namespaces if not _name(one).known)


def shown(namespace: Resource) -> str:
    """Name of a namespace for messages; while it is unknown before the deployment, the name of its Pulumi resource."""
    return _name(namespace).text or namespace.name


def _name(namespace: Resource) -> Node:
    return namespace.inputs.at("metadata.name")
