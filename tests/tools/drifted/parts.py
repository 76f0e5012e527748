"""A small stack: its state, and its objects as the API server returns them."""

import json
from typing import Any, cast

from tests.tools.plan.parts import stream
from tools.drifted.declared import Declared, declared

Object = dict[str, Any]
PULUMI = "pulumi-kubernetes-1a2b3c4d"
TIME = "2026-11-02T10:00:00Z"


def resource(kind: str, name: str, api: str = "v1", **fields: Any) -> Object:  # noqa: ANN401 - fields of an object
    """An object in the namespace `mlflow`, as the state has it."""
    group = "core/v1" if api == "v1" else api
    return {
        "urn": f"urn:pulumi:dev::p::kubernetes:{group}:{kind}::{name}",
        "type": f"kubernetes:{group}:{kind}",
        "custom": True,
        "id": f"mlflow/{name}",
        "inputs": {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "mlflow"}, **fields},
    }


def state(*resources: Object) -> Object:
    """An exported state, with a component and a provider, which have no object in the cluster."""
    component = {"urn": "urn:pulumi:dev::p::mlflow-platform:index:Part::a", "type": "mlflow-platform:index:Part"}
    provider = {"urn": "urn:p::cluster", "type": "pulumi:providers:kubernetes", "custom": True, "id": "1"}
    return {"version": 3, "deployment": {"resources": [component, provider, *resources]}}


def known(one: Object) -> Declared:
    """A resource of the state."""
    (found,) = declared(state(one))
    return found


def fields_of(value: Any) -> Object:  # noqa: ANN401 - any JSON
    """The set of all fields of a value, as `managedFields` has it; lists without names are written as a whole."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(item) for key, item in cast("Object", value).items()}
    items = cast("list[Any]", value) if isinstance(value, list) else []
    if all(isinstance(item, dict) and "name" in item for item in items):
        return {f"k:{json.dumps({'name': item['name']})}": {".": {}, **fields_of(item)} for item in items}
    return {}


def written(manager: str, fields: Object, operation: str = "Update", **more: str) -> Object:
    """An entry of `managedFields`."""
    return {"manager": manager, "operation": operation, "time": TIME, "fieldsV1": fields, **more}


def live(one: Object, *entries: Object, ours: Object | None = None, **fields: Any) -> Object:  # noqa: ANN401 - fields
    """The object in the cluster: as declared, but with the changed `fields`, and with entries that name writers."""
    declared_fields = one["inputs"]
    metadata = {"uid": "1", "resourceVersion": "2", **declared_fields["metadata"], **fields.pop("metadata", {})}
    pulumi = written(PULUMI, fields_of(declared_fields) if ours is None else ours, "Apply")
    return {**declared_fields, **fields, "metadata": {**metadata, "managedFields": [pulumi, *entries]}}


def refresh(*results: tuple[str, Object]) -> str:
    """Events of a refresh that has found these operations."""
    events = [
        {"resOutputsEvent": {"metadata": {"op": op, "urn": one["urn"], "old": {"inputs": one["inputs"]}}}}
        for op, one in results
    ]
    return stream(*events, {"summaryEvent": {}})
