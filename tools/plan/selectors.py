"""Selectors of labels, and the pods of workloads that they select."""

from collections.abc import Mapping
from typing import Any

from tools.plan.preview import Json, part, parts

WORKLOADS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "InferenceService"}
)
# Where a workload has its pods' spec and metadata: of KServe's InferenceService, labels stand among the pod's fields.
TEMPLATES = (("spec", "jobTemplate", "spec", "template"), ("spec", "template"))
PREDICTOR = ("spec", "predictor")


def pod(inputs: Json) -> Json:
    """The spec of a workload's pods."""
    for path in TEMPLATES:
        if found := part(inputs, *path, "spec"):
            return found
    return part(inputs, *PREDICTOR) or part(inputs, "spec")


def pod_labels(inputs: Json) -> dict[str, str]:
    """The labels of a workload's pods."""
    for path in TEMPLATES:
        if template := part(inputs, *path):
            return part(template, "metadata", "labels")
    if predictor := part(inputs, *PREDICTOR):
        return part(predictor, "labels")
    return part(inputs, "metadata", "labels")


def containers(spec: Json) -> dict[str, Json]:
    """The containers of a pod by their names, those that run first too."""
    return {str(one.get("name")): one for key in ("initContainers", "containers") for one in parts(spec, key)}


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """True if a label selector selects something with these labels; an empty one selects everything."""
    wanted = part(selector, "matchLabels")
    return wanted.items() <= labels.items() and all(_holds(one, labels) for one in parts(selector, "matchExpressions"))


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    key, values = expression.get("key"), expression.get("values") or ()
    value: Any = labels.get(str(key))
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None
