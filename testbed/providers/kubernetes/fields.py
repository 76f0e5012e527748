"""Who owns which field: what has to be put right before a server-side apply."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.client import CREATOR
from testbed.providers.kubernetes.kinds import annotation
from testbed.providers.values import Json, Object, dig, mapping, objects, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.providers.kubernetes.settings import Settings

_TAKEN_OVER: Final = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
)
"""Beginning of the manager's name, and operation: their fields become the resource's."""


def take_over(live: Object, manager: str) -> list[Json] | None:
    """Return the JSON patch that gives a resource's manager what the create and kubectl own.

    Nothing if there is nothing to take.
    """
    ours: Object | None = None
    for entry in objects(live, "metadata", "managedFields"):
        if text(entry, "manager") == manager and text(entry, "operation") == "Apply":
            ours = deepcopy(entry)
    others: list[Json] = []
    taken = False
    for entry in objects(live, "metadata", "managedFields"):
        if text(entry, "manager") == manager and text(entry, "operation") == "Apply":
            continue
        if not _is_taken_over(entry):
            others.append(entry)
            continue
        taken = True
        if ours is None:
            ours = {**deepcopy(entry), "manager": manager, "operation": "Apply"}
        else:
            ours["fieldsV1"] = _merged(mapping(ours, "fieldsV1"), mapping(entry, "fieldsV1"))
    if ours is None or not taken:
        return None
    version = text(live, "metadata", "resourceVersion")
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*others, ours]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _is_taken_over(entry: Object) -> bool:
    manager, operation = text(entry, "manager"), text(entry, "operation")
    return not text(entry, "subresource") and any(
        manager.startswith(beginning) and operation == wanted for beginning, wanted in _TAKEN_OVER
    )


def _merged(left: Object, right: Object) -> Object:
    merged: Object = dict(left)
    for key, value in right.items():
        mine = merged.get(key)
        both = isinstance(mine, dict) and isinstance(value, dict)
        merged[key] = _merged(mapping(mine), mapping(value)) if both else value
    return merged


def forced(inputs: Object, live: Object | None, settings: Settings, *, preview: bool) -> bool:
    """Say whether fields of other managers are overwritten.

    A preview cannot rewrite who owns what; it forces where `up` will have done so before.
    """
    if annotation(inputs, "patchForce") == "true" or settings.patch_force:
        return True
    if not preview:
        return False
    return live is None or any(
        text(entry, "operation") == "Update" and text(entry, "manager") == CREATOR
        for entry in objects(live, "metadata", "managedFields")
    )


def without_ignored(inputs: Object, live: Object, ignored: Sequence[str], manager: str) -> Object:
    """Return the inputs with each ignored field left out or as it is in the cluster.

    It is left out when another manager alone owns it. Paths through lists do nothing, as in the
    real provider.
    """
    result = deepcopy(inputs)
    for path in ignored:
        keys = re.split(r"\.", path)
        theirs = _owns(live, keys, manager, by_manager=False)
        if theirs and not _owns(live, keys, manager, by_manager=True):
            _set(result, keys, None)
        elif (value := dig(live, *keys)) is not None:
            _set(result, keys, deepcopy(value))
    return result


def _owns(live: Object, keys: Sequence[str], manager: str, *, by_manager: bool) -> bool:
    steps = [f"f:{key}" for key in keys]
    return any(
        dig(entry, "fieldsV1", *steps) is not None
        for entry in objects(live, "metadata", "managedFields")
        if (text(entry, "manager") == manager) is by_manager
    )


def _set(obj: Object, keys: Sequence[str], value: Json) -> None:
    parent: Json = obj
    for key in keys[:-1]:
        if not isinstance(parent, dict):
            return
        parent = parent.get(key) if value is None else parent.setdefault(key, {})
    if not isinstance(parent, dict):
        return
    if value is None:
        parent.pop(keys[-1], None)
    else:
        parent[keys[-1]] = value


def relinquishing(obj: Object) -> Object:
    """Return the object that, applied, gives up every field its manager owns."""
    metadata: Object = {key: value for key, value in mapping(obj, "metadata").items() if key in {"name", "namespace"}}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
