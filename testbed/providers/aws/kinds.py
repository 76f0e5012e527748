"""What a resource type is."""

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
"""A property, and what is wrong with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoName:
    """How a name is chosen that the program leaves out."""

    property: str = "name"
    longest: int = 255
    separator: str = "-"
    prefix: str = ""
    lower: bool = False


class Kind:
    """A resource type. Subclasses are small: tables of properties, and calls."""

    token: ClassVar[str]
    label: ClassVar[str]
    """What error messages call it."""

    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Json]] = {}
    chosen: ClassVar[tuple[str, ...]] = ()
    """Inputs that AWS chooses where the program does not; then they never differ."""

    kept: ClassVar[tuple[str, ...]] = ()
    """Inputs that stay in the state and are not at AWS, or not in moto's."""

    computed: ClassVar[tuple[str, ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()
    replaces: ClassVar[frozenset[str]] = frozenset()
    name: ClassVar[AutoName | None] = None
    tagged: ClassVar[bool] = False
    regional: ClassVar[bool] = True
    delete_first: ClassVar[bool] = False
    """Whether a replacement always deletes first."""

    gone: ClassVar[frozenset[str]] = frozenset()
    """AWS's codes for: there is no such thing."""

    policies: ClassVar[tuple[str, ...]] = ()
    """Properties that hold JSON, which is compared by its meaning."""

    sets: ClassVar[tuple[str, ...]] = ()

    @property
    def inputs(self) -> frozenset[str]:
        """Every input that exists."""
        tags = ("tags", "tagsAll") if self.tagged else ()
        named = (self.name.property,) if self.name else ()
        return frozenset({*self.required, *self.optional, *self.defaults, *self.chosen, *self.kept, *tags, *named})

    def normal(self, name: str, value: Json) -> Json:
        """Return a form of a property in which equal things are equal."""
        if value is None or value in ("", {}, []) or has_unknown(value):
            return value if has_unknown(value) else None
        if name in self.policies and isinstance(value, str):
            return canonical(parse_json(json.loads(value)))
        if name in self.sets and isinstance(value, list):
            return sorted(value, key=json.dumps)
        return value

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Find what the real provider, or AWS, refuses and moto takes. Called when everything is known."""
        del inputs
        return ()

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make one; returns the id."""
        raise NotImplementedError

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return what it is now, without what stays in the state; None when it is gone."""
        raise NotImplementedError

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Change it in place."""
        raise NotImplementedError

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it."""
        raise NotImplementedError

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace the tags, which is the same for every change."""
        raise NotImplementedError

    def stable_id(self, resource_id: str, new: Object) -> str:
        """Return the id after an update."""
        del new
        return resource_id


def canonical(value: Json) -> Json:
    """Return a policy document in which one text and a list of one text are the same, and order says nothing."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        found = sorted((canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return found[0] if len(found) == 1 else found
    return value


def answer(value: object) -> Answer:
    """Take an answer of boto3 for what AWS documents: the types of its stubs hold every field for missing."""
    return cast("Answer", value)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the interfaces of AWS take them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def tags_of(inputs: Object) -> dict[str, str]:
    """Return the tags that a resource is to have, the provider's among them."""
    found = inputs.get("tagsAll")
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}
