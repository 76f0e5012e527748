"""Kubernetes objects from registrations: without secrets, with stable names, in waves.

The objects of a wave depend only on objects of earlier waves, as in the order in which Pulumi creates them.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from settings.loader import Source
from tools.render.recording import KUBERNETES, Namer, Registration, record
from tools.render.values import Json, StandIns

PLACEHOLDER = re.compile(r"\$\{([\w.@-]+\.\w+)\}")
# Kinds whose change is a new object with a new name, as with Pulumi: pods that mount a ConfigMap start anew, and a Job
# runs again.
RENAMED_KINDS = frozenset({"ConfigMap", "Job"})
HASH_LENGTH = 8
WAVE = "argocd.argoproj.io/sync-wave"
# With this annotation Pulumi does not wait until an object is ready. The servers of models have it: they are ready when
# somebody has registered a model.
NOT_AWAITED = "pulumi.com/skipAwait"
SERVERS = frozenset({"Deployment", "InferenceService"})
HOOK = {
    # Argo CD runs the Job at each synchronisation, and again after a failure. Every Job may run again at any time.
    "argocd.argoproj.io/hook": "Sync",
    "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation,HookSucceeded",
}
KEPT = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    # Otherwise one that git no longer has would be a difference for ever, with one synchronisation after the other.
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
}
# Nobody is asked before Argo CD deletes something, so these are kept with every profile: a team's namespace has the
# team's own volumes.
CLAIM = "PersistentVolumeClaim"
WITH_DATA = frozenset({"Namespace", CLAIM})


class LeakError(Exception):
    """An object other than a Secret contains a secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One object, and the resource that it comes from."""

    resource: str
    """Name of the Pulumi resource."""

    component: str
    manifest: Json = field(repr=False)
    wave: int

    @property
    def kind(self) -> str:
        """Kind of the object."""
        return self.manifest["kind"]

    @property
    def identity(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        metadata = self.manifest["metadata"]
        return self.kind, metadata.get("namespace", ""), metadata["name"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """The objects of a stack, and what was left out."""

    items: tuple[Item, ...]
    """Objects for the repository, in the order of their dependencies."""

    beforehand: tuple[Item, ...]
    """Secrets, and ConfigMaps that depend on a secret, such as a private CA's certificate: values are stand-ins."""

    left_out: tuple[str, ...]
    """Type and name of each AWS resource."""

    missing: tuple[str, ...]
    """Values of AWS resources that objects contain as placeholders, as `RESOURCE.OUTPUT`."""

    existing: tuple[tuple[str, str], ...]
    """Namespace and name of each Secret that objects refer to and the stack does not create."""


def plain_names(_kind: str, name: str, _inputs: Json) -> str:
    """The resource's name, as the name of its object."""
    return name


def hashed_names(varying: frozenset[tuple[str, str]]) -> Namer:
    """Names with a hash of the content for kinds whose change is a new object; not for the resources in `varying`."""

    def name_of(kind: str, name: str, inputs: Json) -> str:
        last = kind.rpartition(":")[2]
        if last not in RENAMED_KINDS or (kind, name) in varying:
            return name
        text = json.dumps(inputs, sort_keys=True, default=str)
        return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]}"

    return name_of


def render(source: Source, stack: str, needed: Iterable[str], given: Mapping[str, str]) -> Rendered:
    """The objects of a stack; `needed` are the names of the secrets in its configuration.

    The program runs twice with different stand-ins for all secrets: objects that differ depend on a secret. A third run
    gives the other ConfigMaps and Jobs names with a hash.

    Raises:
        LeakError: an object contains a secret and is neither a Secret nor a ConfigMap.
    """
    draws = [StandIns(draw=draw, given=given) for draw in ("first", "second")]
    secrets = [{name: draw.secret(name) for name in needed} for draw in draws]
    pairs = list(zip(draws, secrets, strict=True))
    first, second = (record(source, stack, hidden, draw, plain_names) for draw, hidden in pairs)
    varying = differing(first, second)
    draw, hidden = pairs[0]
    return collected(record(source, stack, hidden, draw, hashed_names(varying)), varying)


def differing(one: list[Registration], other: list[Registration]) -> frozenset[tuple[str, str]]:
    """Type and name of each Kubernetes resource that depends on a secret.

    Raises:
        LeakError: one of them is neither a Secret nor a ConfigMap, or is a ConfigMap with a marked secret.
    """
    counterparts = {resource.urn: resource for resource in other}
    found: set[tuple[str, str]] = set()
    for resource in one:
        if not resource.type.startswith(KUBERNETES):
            continue
        if resource.has_secrets or resource.inputs != counterparts[resource.urn].inputs or resource.kind == "Secret":
            if resource.kind != "Secret" and (resource.has_secrets or resource.kind != "ConfigMap"):
                raise LeakError(f"{resource.kind} {resource.name} contains a secret: only Secrets may")
            found.add((resource.type, resource.name))
    return frozenset(found)


def collected(registrations: list[Registration], beforehand: frozenset[tuple[str, str]]) -> Rendered:
    """The objects in `registrations`; those in `beforehand` are not for the repository."""
    waves = _waves(registrations, beforehand)
    ordered = sorted(
        (one for one in registrations if one.type.startswith(KUBERNETES)),
        # A claim comes before the pods in its wave.
        key=lambda one: (waves[one.urn], one.kind != CLAIM, one.component, one.name, one.urn),
    )
    items = [(one, _item(one, waves[one.urn])) for one in ordered]
    ours = tuple(item for one, item in items if (one.type, one.name) not in beforehand)
    own = tuple(item for one, item in items if (one.type, one.name) in beforehand)
    text = json.dumps([item.manifest for item in ours])
    made = {item.identity[1:] for item in own} | {
        item.identity[1:] for item in ours if item.kind in ("ExternalSecret", "Certificate")
    }
    return Rendered(
        items=ours,
        beforehand=own,
        left_out=tuple(f"{one.type} {one.name}" for one in registrations if one.type.startswith("aws:")),
        missing=tuple(sorted(set(PLACEHOLDER.findall(text)))),
        existing=tuple(sorted({pair for item in ours for pair in _secrets_of(item)} - made)),
    )


def is_patch(one: Registration) -> bool:
    """True for an existing object in which the stack only sets some fields; nothing may delete such an object."""
    return one.type.endswith("Patch")


def _item(one: Registration, wave: int) -> Item:
    manifest = {key: one.inputs[key] for key in ("apiVersion", "kind", "metadata")}
    manifest |= {key: one.inputs[key] for key in sorted(one.inputs) if key not in manifest}
    for path in one.ignored:
        _remove(manifest, path.split("."))
    if one.kind == "NetworkPolicy":
        manifest |= {"spec": _stored(one.inputs.get("spec", {}))}
    metadata: Json = dict(manifest["metadata"])
    annotations = {
        key: value for key, value in metadata.get("annotations", {}).items() if not key.startswith("pulumi.com/")
    }
    kept = one.protect or one.kind in WITH_DATA or is_patch(one)
    annotations |= {WAVE: str(wave)} | (HOOK if one.kind == "Job" else {}) | (KEPT if kept else {})
    manifest["metadata"] = {**metadata, "annotations": annotations}
    # The protocol's mappings have no order; a file that changes without reason would be a difference in every commit.
    in_order = {key: _sorted(value) for key, value in manifest.items()}
    return Item(resource=one.name, component=one.component, manifest=in_order, wave=wave)


def _stored(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A part of a NetworkPolicy as Kubernetes stores it: without empty lists and labels.

    Otherwise each `kubectl apply` would add them again, as a change.
    """
    if isinstance(value, dict):
        parts = {key: _stored(inner) for key, inner in cast("Json", value).items()}
        return {key: inner for key, inner in parts.items() if inner != [] and (key, inner) != ("matchLabels", {})}
    return [_stored(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value


def _sorted(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value with the keys of its mappings in alphabetical order."""
    if isinstance(value, dict):
        return {key: _sorted(inner) for key, inner in sorted(cast("Json", value).items())}
    return [_sorted(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value


def _waves(registrations: list[Registration], beforehand: frozenset[tuple[str, str]]) -> dict[str, int]:
    """The wave of each resource, by URN: one more than the highest of what it depends on.

    Servers that no object depends on are in the last wave, where they delay nothing. A claim is in the wave of its
    first pod: with volumeBindingMode WaitForFirstConsumer it is bound only then, and Argo CD begins no other wave
    before that.
    """
    by_urn = {one.urn: one for one in registrations}
    waves: dict[str, int] = {}

    def counted(one: Registration) -> bool:
        return one.type.startswith(KUBERNETES) and (one.type, one.name) not in beforehand

    def wave(urn: str) -> int:
        if urn not in waves:
            needs = [by_urn[other] for other in by_urn[urn].dependencies if other in by_urn]
            waves[urn] = max((wave(one.urn) + counted(one) for one in needs), default=0)
        return waves[urn]

    for urn in by_urn:
        wave(urn)
    last = 1 + max(waves.values(), default=0)
    waves |= {one.urn: last for one in registrations if _not_awaited(one)}
    objects = [one for one in registrations if one.type.startswith(KUBERNETES)]
    for claim in (one.urn for one in objects if one.kind == CLAIM):
        waves[claim] = min((waves[one.urn] for one in objects if claim in one.dependencies), default=waves[claim])
    return waves


def _not_awaited(one: Registration) -> bool:
    return one.kind in SERVERS and NOT_AWAITED in (one.inputs.get("metadata", {}).get("annotations") or {})


def _remove(value: Json, path: list[str]) -> None:
    step, *rest = path
    if not rest:
        value.pop(step, None)
    elif isinstance(inner := value.get(step), dict):
        copy = dict(cast("Json", inner))
        _remove(copy, rest)
        value[step] = copy


def _secrets_of(item: Item) -> Iterator[tuple[str, str]]:
    """Namespace and name of each Secret that an object refers to."""
    namespace = item.identity[1]
    for name in _names_in(item.manifest):
        yield namespace, name


def _names_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _names_in(inner)
    if not isinstance(value, dict):
        return
    for key, inner in cast("Json", value).items():
        match key, inner:
            case "secretName", str():
                yield inner
            case (("secretKeyRef" | "secretRef" | "secret"), {"name": str(name)}):
                yield name
            case (("imagePullSecrets" | "certificateRefs"), list()):
                yield from (str(one["name"]) for one in cast("list[Json]", inner))
            case _:
                yield from _names_in(inner)
