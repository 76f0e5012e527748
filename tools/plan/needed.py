"""Needed outside of the plan: Secrets, ConfigMaps and images that new pods name, and no object of the plan is."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from tools.access.words import Style
from tools.plan.preview import UNKNOWN, Json, Step, part

# Field that refers to an object by its name, what it refers to, and the field with the name.
REFERENCES = {
    "secretKeyRef": ("Secret", "name"),
    "secretRef": ("Secret", "name"),
    "secret": ("Secret", "secretName"),
    "imagePullSecrets": ("Secret", "name"),
    "tls": ("Secret", "secretName"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
}
# Kubernetes publishes its CA certificate under this name in every namespace.
EVERYWHERE = "kube-root-ca.crt"
# Controllers make Secrets of these, under the name in the field.
MAKERS = {"ExternalSecret": ("spec", "target"), "Certificate": ("spec",)}
# Kind, namespace and name of an object.
Object = tuple[str, str, str]


def needed(steps: Sequence[Step], style: Style) -> list[str]:
    """Objects and images that the plan newly needs but does not create, in words."""
    made = {found for step in steps for found in _made(step)}
    before = [step.old for step in steps]
    used = {found for inputs in before for found, _ in _references(inputs, inputs)}
    keys: dict[Object, set[str]] = {}
    for step in steps:
        if step.op in {"create", "update", "replace"}:
            for found, key in _references(step.new, step.new):
                if found not in made | used and found[2] not in {EVERYWHERE, UNKNOWN}:
                    keys.setdefault(found, set()).update({key} - {""})
    objects = [
        f"{style.name(f'{kind} {name}')} in namespace {style.name(space)}"
        + (f", with {' and '.join(map(style.name, sorted(inner)))}" if inner else "")
        for (kind, space, name), inner in sorted(keys.items())
    ]
    pulled = {image for inputs in before for image in _images(inputs)}
    images = {image for step in steps if step.op != "delete" for image in _images(step.new)} - pulled
    return [*objects, *(f"the image {style.name(image)}, built by somebody whom you trust" for image in sorted(images))]


def _made(step: Step) -> Iterator[Object]:
    """The object that a step makes or leaves, and the Secret that a controller makes of it."""
    metadata = part(step.new, "metadata")
    space = str(metadata.get("namespace"))
    yield step.kind, space, str(metadata.get("name"))
    kind = str(step.new.get("kind"))
    if kind in MAKERS:
        inner = part(step.new, *MAKERS[kind])
        yield "Secret", space, str(inner.get("secretName") or inner.get("name") or metadata.get("name"))


def _references(value: Any, inputs: Json) -> Iterator[tuple[Object, str]]:  # noqa: ANN401 - any JSON
    """Objects that a part of an object refers to, each with the key in it, which may be empty."""
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _references(item, inputs)
    if not isinstance(value, dict):
        return
    space = str(part(inputs, "metadata").get("namespace"))
    for field, inner in cast("Json", value).items():
        kind, key = REFERENCES.get(field, ("", ""))
        for each in map(part, cast("list[Any]", inner if isinstance(inner, list) else [inner]) if kind else ()):
            # A projected Secret has `name`, a mounted one `secretName`.
            name = each.get(key) or each.get("name")
            if isinstance(name, str) and each.get("optional") is not True:
                yield (kind, space, name), str(each.get("key") or "")
        yield from _references(inner, inputs)


def _images(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Images of the containers in an object."""
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _images(item)
    elif isinstance(value, dict):
        inner = cast("Json", value)
        if isinstance(inner.get("image"), str) and "name" in inner and inner["image"] != UNKNOWN:
            yield inner["image"]
        for item in inner.values():
            yield from _images(item)
