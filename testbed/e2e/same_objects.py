"""Comparison of two deployments of the platform, object by object."""

import json
import re
from collections.abc import Iterable
from typing import Any, cast

from testbed.e2e.kube import Object

Key = tuple[str, str, str]
# The end of a name that Pulumi or `make render` has made.
SUFFIX = re.compile(r"-[0-9a-f]{8}$")
# What the API server and its controllers write.
SERVERS_METADATA = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "annotations")
SERVERS_LABELS = re.compile(r"^(?:batch\.kubernetes\.io/)?(?:controller-uid|job-name)$")
SERVERS_FIELDS = ("clusterIP", "clusterIPs")


def comparable(objects: Iterable[Object], contents: frozenset[tuple[str, str]] = frozenset()) -> dict[Key, Object]:
    """Objects by kind, namespace and name, without the parts that differ in every deployment.

    Secrets, and the ConfigMaps in `contents` (by namespace and name), keep the keys of their data, not the values.
    """
    objects = list(objects)
    names = sorted({one["metadata"]["name"] for one in objects}, key=len, reverse=True)
    made = {name: SUFFIX.sub("", name) for name in names if SUFFIX.search(name)}
    found: dict[Key, Object] = {}
    for one in objects:
        text = json.dumps(_own(one, contents))
        for name, stem in made.items():
            text = text.replace(name, stem)
        plain: Object = json.loads(text)
        metadata = plain["metadata"]
        found[plain["kind"], metadata.get("namespace", ""), metadata["name"]] = plain
    return found


def differences(one: dict[Key, Object], other: dict[Key, Object]) -> list[str]:
    """The objects that only one of two deployments has, and the differing fields of objects that both have."""
    lines = [f"only one has {' '.join(key)}" for key in sorted(one.keys() ^ other.keys())]
    for key in sorted(one.keys() & other.keys()):
        first, second = _leaves(one[key]), _leaves(other[key])
        fields = {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
        lines += [f"{' '.join(key)}{path}: {first.get(path)} / {second.get(path)}" for path in sorted(fields)]
    return lines


def _own(one: Object, contents: frozenset[tuple[str, str]]) -> Object:
    """An object without the fields that the API server and controllers set; of secret data, only the keys are left."""
    metadata = {key: value for key, value in one["metadata"].items() if key not in SERVERS_METADATA}
    plain = {**one, "metadata": metadata}
    plain.pop("status", None)
    if one["kind"] == "Secret" or (metadata.get("namespace", ""), metadata["name"]) in contents:
        plain["data"] = sorted(one.get("data", {}))
    if one["kind"] == "Service":
        plain["spec"] = {key: value for key, value in one["spec"].items() if key not in SERVERS_FIELDS}
    if one["kind"] == "Job":
        # The selector names the Job's own uid.
        plain["spec"] = {key: value for key, value in one["spec"].items() if key != "selector"}
        template = plain["spec"]["template"]
        labels = {key: value for key, value in template["metadata"]["labels"].items() if not SERVERS_LABELS.match(key)}
        plain["spec"]["template"] = {**template, "metadata": {"labels": labels}}
    return plain


def _leaves(value: Any, path: str = "") -> dict[str, object]:  # noqa: ANN401 - any JSON value
    """Scalars of a JSON value by path."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}", inner) for key, inner in cast("dict[str, Any]", value).items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", inner) for index, inner in enumerate(cast("list[Any]", value))]
    else:
        return {path: value}
    return {where: leaf for inner_path, inner in pairs for where, leaf in _leaves(inner, inner_path).items()}
