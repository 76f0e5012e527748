"""Objects that a stack has deployed, from its state, and their differences from the live objects.

The comparison covers the fields that decide whether the platform works and who has access, if the stack sets them:
Kubernetes adds defaults to the live objects. ConfigMaps are compared by digests of their content. Of Secrets only the
existence is compared.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, cast

from tools.doctor.facts import Expected, Object, part

# Fields that are compared, by kind. Of every other kind only the existence is.
COMPARED: dict[str, tuple[str, ...]] = {
    "Namespace": ("metadata.labels",),
    "Role": ("rules",),
    "ClusterRole": ("rules",),
    "RoleBinding": ("roleRef", "subjects"),
    "ClusterRoleBinding": ("roleRef", "subjects"),
    "ConfigMap": ("data",),
    "Service": ("spec.selector", "spec.ports"),
    "NetworkPolicy": ("spec",),
    "Ingress": ("spec",),
    "HTTPRoute": ("spec",),
    "Gateway": ("spec",),
    "Deployment": ("spec.replicas",),
    "StatefulSet": ("spec.replicas",),
}
# Key of an encrypted value in the state.
ENCRYPTED = "4dabf18193072939515e22adb298388d"
DIGEST_CHARACTERS = 12


def from_state(resources: Iterable[Object]) -> list[Expected]:
    """The Kubernetes objects in the resources of an exported state."""
    found: list[Expected] = []
    for one in resources:
        inputs = part(one, "inputs")
        if not one["type"].startswith("kubernetes:") or one.get("delete") or "metadata" not in inputs:
            continue
        namespace, _, name = str(one["id"]).rpartition("/")
        compared = fields(inputs["kind"], inputs)
        if "data" in compared:
            compared["data"] = digests(compared["data"])
        found.append(Expected(kind=inputs["kind"], namespace=namespace, name=name, fields=compared))
    return found


def fields(kind: str, one: Object) -> dict[str, Any]:
    """The compared fields of an object, by their paths."""
    return {path: value for path in COMPARED.get(kind, ()) if (value := _at(one, path)) is not None}


def digests(data: Object) -> dict[str, Any]:
    """The content of a ConfigMap, each entry as a short digest."""
    return {
        key: value if isinstance(value, dict) else hashlib.sha256(str(value).encode()).hexdigest()[:DIGEST_CHARACTERS]
        for key, value in data.items()
    }


def difference(expected: Expected, live: Object) -> str:
    """The first field of a live object that differs from the deployed one, with both values; empty if none does."""
    found = fields(expected.kind, live)
    for path, wanted in expected.fields.items():
        if path == "spec.replicas":
            # Autoscalers write it, and `chapters/workloads.py` judges it.
            continue
        if said := _differs(path, wanted, found.get(path)):
            return said
    return ""


def _differs(path: str, wanted: Any, found: Any) -> str:  # noqa: ANN401 - any JSON
    said = ""
    if isinstance(wanted, dict) and isinstance(found, dict):
        has = cast("dict[str, Any]", found)
        if ENCRYPTED in wanted:
            return ""
        fields = cast("dict[str, Any]", wanted).items()
        said = next((each for key, one in fields if (each := _differs(f"{path}.{key}", one, has.get(key)))), "")
    elif isinstance(wanted, list) and isinstance(found, list):
        expected, listed = cast("list[Any]", wanted), cast("list[Any]", found)
        if len(expected) != len(listed):
            return f"{path} has {len(listed)} entries; the stack deployed {len(expected)}"
        pairs = enumerate(zip(expected, listed, strict=True))
        said = next((each for number, (one, two) in pairs if (each := _differs(f"{path}[{number}]", one, two))), "")
    # Kubernetes leaves empty lists and objects out.
    elif wanted != found and (wanted or found) and not _encrypted(wanted):
        said = f"{path} is {_short(found)}; the stack deployed {_short(wanted)}"
    return said


def _encrypted(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return isinstance(value, dict) and ENCRYPTED in value


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON
    text = "missing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line of the report


def _at(one: Object, path: str) -> Any:  # noqa: ANN401 - any JSON
    *outer, last = path.split(".")
    return part(one, *outer).get(last)
