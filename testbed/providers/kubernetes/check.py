"""Completing the inputs of a resource: a name, a namespace, the form the server gives back."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.kinds import (
    Kind,
    annotate,
    annotation,
    is_patch,
    kind_from_urn,
    kind_of,
    name_of_object,
)
from testbed.providers.kubernetes.normalise import is_known, normalise
from testbed.providers.protocol import ProviderError, name_of
from testbed.providers.values import Unknown, dig, mapping, plain_object, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.providers.values import Json, Object

AUTONAMED: Final = "autonamed"
_SUFFIX_LENGTH: Final = 8
_UNDERSCORED: Final = frozenset(
    f"x_kubernetes_{name}"
    for name in (
        "embedded_resource",
        "int_or_string",
        "list_map_keys",
        "list_type",
        "map_type",
        "preserve_unknown_fields",
        "validations",
    )
)
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Naming:
    """How a resource without a name gets one."""

    seed: bytes
    proposed: str = ""
    """A name that the stack's `pulumi:autonaming` configuration made."""

    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the provider's configuration and its cluster add to the inputs."""

    namespace: str
    namespaced: Callable[[Kind], bool]


def check(urn: str, old: Object, new: Object, naming: Naming, defaults: Defaults) -> Object:
    """Return the inputs as they are sent and saved; secret marks are not kept."""
    kind = kind_of(new) if "kind" in new else kind_from_urn(urn)
    _refuse(urn, kind, new)
    inputs = normalise({key: _with_dashes(value) for key, value in plain_object(new).items()})
    if old:
        _keep_old_name(inputs, plain_object(old))
    else:
        _name(urn, inputs, naming)
    if defaults.namespace and defaults.namespaced(kind):
        metadata = _metadata(inputs)
        if metadata is not None and not metadata.get("namespace"):
            metadata["namespace"] = defaults.namespace
    return inputs


def _with_dashes(value: Json) -> Json:
    """Spell `x_kubernetes_...` as the API does; no SDK can have a dash in a property's name."""
    if isinstance(value, dict):
        return {
            key.replace("_", "-") if key in _UNDERSCORED else key: _with_dashes(item) for key, item in value.items()
        }
    return [_with_dashes(item) for item in value] if isinstance(value, list) else value


def _metadata(inputs: Object) -> Object | None:
    """Return the metadata to write to; nothing while it is not known what they are."""
    metadata = inputs.setdefault("metadata", {})
    return metadata if isinstance(metadata, dict) else None


def _refuse(urn: str, kind: Kind, new: Object) -> None:
    if kind.name.endswith("List") and is_known(Kind(kind.api_version, kind.name.removesuffix("List"))):
        message = (
            "list resources exist for compatibility with YAML manifests and Helm charts, "
            "and cannot be created directly; use the underlying resource type instead"
        )
        raise ProviderError(message)
    if is_patch(urn, new) and not dig(new, "metadata", "name"):
        message = "patch resources require the resource `.metadata.name` to be set"
        raise ProviderError(message)
    if dig(new, "metadata", "generateName"):
        message = "the `.metadata.generateName` field is not supported when using Server-Side Apply mode"
        raise ProviderError(message)


def _keep_old_name(inputs: Object, old: Object) -> None:
    metadata = _metadata(inputs)
    if metadata is None:
        return
    if not metadata.get("name") and annotation(old, AUTONAMED) == "true":
        metadata["name"] = name_of_object(old)
        annotate(inputs, AUTONAMED)
    if text(mapping(old, "metadata", "labels"), _MANAGED_BY) == "pulumi":
        labels = metadata.setdefault("labels", {})
        if isinstance(labels, dict):
            labels[_MANAGED_BY] = "pulumi"


def _name(urn: str, inputs: Object, naming: Naming) -> None:
    metadata = _metadata(inputs)
    if metadata is None or metadata.get("name") or isinstance(metadata.get("name"), Unknown):
        return
    if naming.forbidden:
        message = (
            f"{name_of(urn)} needs `.metadata.name`: the stack's configuration "
            "`pulumi:autonaming` switches automatic names off"
        )
        raise ProviderError(message)
    metadata["name"] = naming.proposed or f"{name_of(urn)}-{_suffix(naming.seed)}"
    annotate(inputs, AUTONAMED)


def _suffix(seed: bytes) -> str:
    """Return eight digits that only the seed decides; a saved plan repeats the seed."""
    if not seed:
        return secrets.token_hex(_SUFFIX_LENGTH // 2)
    return hashlib.sha256(seed).hexdigest()[:_SUFFIX_LENGTH]
