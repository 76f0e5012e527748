"""Objects that a test has deleted or changed, restored under the field manager that wrote them before.

Fields that kubectl writes under its own name belong to kubectl afterwards: the API server refuses Pulumi's next change
of them ("conflict"), and `make drift` names them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from testbed.e2e import kube
from testbed.e2e.kube import Object
from tools.drifted.managers import CONTROLLERS, is_member
from tools.heal import PROVIDER

# Set by the API server, whoever has written them.
WRITTEN = frozenset(
    {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "ownerReferences", "selfLink"}
)
SHOWN = "--show-managed-fields"

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Restoration:
    """A manifest, and the field manager that has to write it."""

    manager: str
    """Name of the field manager; empty if nobody but Kubernetes is recorded."""

    applies: bool
    """True if the manager writes by server-side apply; False if it creates and updates."""

    manifest: Object

    @property
    def command(self) -> tuple[str, ...]:
        """Arguments of kubectl that write the manifest, which it reads from standard input."""
        verb = ("apply", "--server-side", "--force-conflicts") if self.applies else ("create",)
        return (*verb, *self.by, "--filename=-")

    @property
    def by(self) -> tuple[str, ...]:
        """Option of kubectl for the field manager."""
        return (f"--field-manager={self.manager}",) if self.manager else ()

    def write(self) -> None:
        """Create the object, or set its fields back if the manager writes by server-side apply."""
        kube.kubectl(*self.command, stdin=json.dumps(self.manifest))


def restoration(before: Object) -> Restoration:
    """The restoration of an object that was read with its managed fields (`SHOWN`).

    The manifest has the fields of all managers except Kubernetes' own controllers, so fields that tests have patched
    belong to the field manager again.
    """
    entries = [
        one
        for one in before["metadata"].get("managedFields") or ()
        if one.get("subresource") != "status" and one["manager"] not in CONTROLLERS
    ]
    # Pulumi first, and of its entries that of its last apply: before its first one it creates, under another name.
    ordered = sorted(
        (one for one in entries if not one.get("subresource")),
        key=lambda one: (one["manager"].startswith(PROVIDER), one["operation"] == "Apply", one.get("time") or ""),
    )
    if not ordered:
        return Restoration(manager="", applies=False, manifest=_identified(before, _writable(before)))
    fields: Fields = {}
    for entry in entries:
        fields = _united(fields, entry["fieldsV1"]) if fields else entry["fieldsV1"]
    return Restoration(
        manager=ordered[-1]["manager"],
        applies=ordered[-1]["operation"] == "Apply",
        manifest=_identified(before, _kept(_writable(before), _without_string_data(fields))),
    )


def _writable(one: Object) -> Object:
    metadata = {key: value for key, value in one["metadata"].items() if key not in WRITTEN}
    return {key: value for key, value in one.items() if key != "status"} | {"metadata": metadata}


def _identified(before: Object, manifest: Object) -> Object:
    """The manifest with the names that no field manager owns."""
    names = {key: before["metadata"][key] for key in ("name", "namespace") if key in before["metadata"]}
    identity = {"apiVersion": before["apiVersion"], "kind": before["kind"]}
    return {**manifest, **identity, "metadata": {**manifest.get("metadata", {}), **names}}


def _without_string_data(fields: Fields) -> Fields:
    """The manifest with the Secret's `stringData`, which is write-only, converted to `data`."""
    if "f:stringData" not in fields:
        return fields
    rest = {name: inner for name, inner in fields.items() if name != "f:stringData"}
    return _united(rest, {"f:data": fields["f:stringData"]})


def _united(one: Fields, other: Fields) -> Fields:
    """Fields of both sets. An empty set is a field that is owned as a whole."""
    if not one or not other:
        return {}
    both = {name: _united(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **both}


def _kept(value: Any, fields: Fields) -> Any:  # noqa: ANN401 - any JSON
    """The part of a value that is in a set of fields."""
    if not fields:
        return value
    if isinstance(value, dict):
        members = cast("Object", value)
        return {key: _kept(inner, fields[f"f:{key}"]) for key, inner in members.items() if f"f:{key}" in fields}
    if isinstance(value, list):
        found = ((one, _member(one, fields)) for one in cast("list[Any]", value))
        return [_kept(one, inner) for one, inner in found if inner is not None]
    return value


def _member(item: Any, fields: Fields) -> Fields | None:  # noqa: ANN401 - any JSON
    return next((inner for name, inner in fields.items() if is_member(name, item)), None)
