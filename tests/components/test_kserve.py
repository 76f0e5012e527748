"""InferenceServices, against the models of KServe's own Python package.

`schemas/kserve-0.21.0.json` has the fields and types of three of its classes (`openapi_types`). Types of Kubernetes are
those of the package `kubernetes`.
"""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from kubernetes.client import models

from tests.components.test_serving import model, serving

SCHEMAS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("schemas").joinpath("kserve-0.21.0.json").read_text(encoding="utf-8")
)
PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "object": (str, int),
    "IntOrString": (str, int),
}


def fields(name: str) -> dict[str, str]:
    """Types of the fields of a class, by their names in a manifest."""
    if name in SCHEMAS:
        return SCHEMAS[name]
    # KServe's package has Kubernetes' own names of the types, the package `kubernetes` others.
    name = re.sub("K8sIoApi(Apps|Core)V1", "V1", name)
    found: Any = getattr(models, name)
    types, names = (cast("dict[str, str]", getattr(found, part)) for part in ("openapi_types", "attribute_map"))
    return {names[key]: kind for key, kind in types.items()}


def wrong(value: object, kind: str, path: str = "") -> list[str]:
    """Paths of fields that have an unknown name or a wrong type."""
    if many := re.fullmatch(r"[Ll]ist\[(\w+)\]", kind):
        items = cast("list[object]", value)
        return [fault for index, item in enumerate(items) for fault in wrong(item, many[1], f"{path}[{index}]")]
    if mapping := re.fullmatch(r"[Dd]ict[(\[]\w+, (\w+)[)\]]", kind):
        entries = cast("dict[str, object]", value)
        return [fault for key, item in entries.items() for fault in wrong(item, mapping[1], f"{path}.{key}")]
    if kind in PLAIN:
        return [] if type(value) in PLAIN[kind] else [path]
    known = fields(kind)
    document = cast("dict[str, object]", value)
    unknown = [f"{path}.{key}" for key in document if key not in known]
    return unknown + [
        fault for key, item in document.items() if key in known for fault in wrong(item, known[key], f"{path}.{key}")
    ]


def manifest() -> dict[str, Any]:
    service = serving(risk=model(inference_service=True))["team-a-serving-risk-inference-service"]
    return service.inputs


def test_an_inference_service_has_fields_of_the_published_types_only() -> None:
    found = manifest()
    assert (found["apiVersion"], found["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert wrong(found, "V1beta1InferenceService") == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"replicas": 2}, ".spec.predictor.replicas"),
        ({"minReplicas": "2"}, ".spec.predictor.minReplicas"),
        ({"containers": [{"name": "a", "imagePolicy": "Always"}]}, ".spec.predictor.containers[0].imagePolicy"),
    ],
)
def test_a_wrong_field_is_found(change: dict[str, Any], path: str) -> None:
    found = manifest()
    found["spec"]["predictor"] |= change
    assert wrong(found, "V1beta1InferenceService") == [path]


def test_the_rollout_patches_a_field_that_the_predictor_has() -> None:
    document = {"spec": {"predictor": {"annotations": {"mlflow-platform/model-version": "7"}}}}
    assert wrong(document, "V1beta1InferenceService") == []
