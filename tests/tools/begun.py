"""An object whose creation was interrupted: in the API server, and in the provider's state."""

from collections.abc import Mapping
from typing import Any

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "scripts", "namespace": "mlflow"}}
MANAGER = "pulumi-kubernetes-bc982363"


def live(inputs: Mapping[str, Any], *managers: tuple[str, str, str]) -> dict[str, Any]:
    """An object as the API server holds it: applied by the provider, and by others with their operation and time."""
    fields = [("Apply", MANAGER, "2026-11-01T10:00:00Z"), *managers]
    entries = [{"operation": operation, "manager": name, "time": time} for operation, name, time in fields]
    return {**inputs, "metadata": {**inputs["metadata"], "uid": "1", "managedFields": entries}}


def state_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that the provider stores beside the fields of an object."""
    return {"__inputs": inputs, "__initialApiVersion": inputs["apiVersion"], "__fieldManager": MANAGER}


def with_state(begun: dict[str, Any]) -> dict[str, Any]:
    """The state's entry for an object whose creation was interrupted."""
    outputs = {**CONFIG_MAP, **state_of(CONFIG_MAP)}
    return {**begun, "id": "mlflow/scripts", "outputs": outputs, "initErrors": ["object creation was interrupted"]}
