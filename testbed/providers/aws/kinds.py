"""The base class of resource types, and helpers for tags and policy documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from testbed.providers.values import Json, Object, has_unknown, parse_json

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

Answer = Mapping[str, Any]
Failure = tuple[str, str]
"""The name of an invalid property, and the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoName:
    """Rule by which the name of a resource is generated if the program sets none."""

    property: str = "name"
    longest: int = 255
    separator: str = "-"
    prefix: str = ""
    lower: bool = False


class Kind:
    """A resource type. Subclasses list its properties and implement the calls to AWS."""

    token: ClassVar[str]
    label: ClassVar[str]
    """Name of the type in error messages."""

    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Json]] = {}
    chosen: ClassVar[tuple[str, ...]] = ()
    """Inputs for which AWS chooses a value if the program sets none; Diff then ignores that value."""

    kept: ClassVar[tuple[str, ...]] = ()
    """Inputs that exist in the state only: AWS, or moto, does not return them."""

    computed: ClassVar[tuple[str, ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()
    replaces: ClassVar[frozenset[str]] = frozenset()
    name: ClassVar[AutoName | None] = None
    tagged: ClassVar[bool] = False
    regional: ClassVar[bool] = True
    delete_first: ClassVar[bool] = False
    """True if a replacement always deletes the old resource first."""

    gone: ClassVar[frozenset[str]] = frozenset()
    """Error codes of AWS for a resource that does not exist."""

    policies: ClassVar[tuple[str, ...]] = ()
    """Properties that hold policy documents, which are compared by meaning."""

    sets: ClassVar[tuple[str, ...]] = ()
    """Properties that hold lists whose order does not matter."""

    @property
    def inputs(self) -> frozenset[str]:
        """Names of all inputs."""
        tags = ("tags", "tagsAll") if self.tagged else ()
        named = (self.name.property,) if self.name else ()
        return frozenset({*self.required, *self.optional, *self.defaults, *self.chosen, *self.kept, *tags, *named})

    def normal(self, name: str, value: Json) -> Json:
        """Normalize a property's value for comparison."""
        if value is None or value in ("", {}, []) or has_unknown(value):
            return value if has_unknown(value) else None
        if name in self.policies and isinstance(value, str):
            return canonical(parse_json(json.loads(value)))
        if name in self.sets and isinstance(value, list):
            return sorted(value, key=json.dumps)
        return value

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Return failures that the real provider or AWS would report and moto would not.

        Called only with inputs that are all known: in a preview, outputs of new resources are still unknown.
        """
        return ()

    def create(self, clients: Clients, inputs: Object) -> str:
        """Create the resource; returns the id."""
        raise NotImplementedError

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the current properties except `kept`.

        If the resource does not exist, return None, or raise an error with a code in `gone`.
        """
        raise NotImplementedError

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Change the resource in place; the base class does nothing."""

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the resource."""
        raise NotImplementedError

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags of the resource by `tags`."""
        raise NotImplementedError

    def stable_id(self, resource_id: str, new: Object) -> str:
        """Return the id after an update to the inputs `new`; in the base class it stays the same."""
        return resource_id


def canonical(value: Json) -> Json:
    """Normalize a policy document: a list of one item equals the item, and order does not matter."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        found = sorted((canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return found[0] if len(found) == 1 else found
    return value


def answer(value: object) -> Answer:
    """Cast a boto3 response to a plain mapping, because in boto3's type stubs any field may be missing."""
    return cast("Answer", value)


def tag_list(tags: Mapping[str, str]) -> Any:  # noqa: ANN401 - each service has a type of its own for it
    """Convert tags to a list of `Key` and `Value`, as most AWS APIs expect them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def removed_tags(state: Object, tags: Mapping[str, str]) -> list[str]:
    """Return the keys of tags in the state that are not in `tags`."""
    return [key for key in tags_of(state) if key not in tags]


def tag_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Convert AWS's list of `Key` and `Value` to a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def tags_of(inputs: Object) -> dict[str, str]:
    """Return the tags in the input `tagsAll`: the resource's own and the provider's default tags."""
    found = inputs.get("tagsAll")
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}
