"""The provider's own inputs: which cluster, which defaults, which switches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from testbed.providers.protocol import ProviderError
from testbed.providers.values import Json, Object, dig, mapping, objects, parse_json, same, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENVIRONMENT: Final = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
_NOT_COPIED: Final = ("renderYamlToDirectory", "alwaysRender", "strictMode")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The configuration of one provider instance."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    patch_force: bool = False
    upsert: bool = False
    mutable_config_maps: bool = False
    mutable_secrets: bool = False


def read(inputs: Object, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the inputs; a switch that is not among them may be an environment variable."""

    def switch(name: str, *, default: bool = False) -> bool:
        value = dig(inputs, name)
        if value is None:
            value = environment.get(_ENVIRONMENT[name])
        if value is None or value == "":
            return default
        return value is True or value == "true"

    for name in _NOT_COPIED:
        if dig(inputs, name) not in {None, "", False, "false"}:
            message = f"the kubernetes provider stand-in does not have {name}; leave it out here"
            raise ProviderError(message)
    if not switch("enableServerSideApply", default=True):
        message = (
            "the kubernetes provider stand-in does not have client-side apply; leave enableServerSideApply as it is"
        )
        raise ProviderError(message)
    if environment.get("PULUMI_K8S_AWAIT_ALL") == "true":
        message = "the kubernetes provider stand-in does not have PULUMI_K8S_AWAIT_ALL; unset it"
        raise ProviderError(message)
    return Settings(
        kubeconfig=text(inputs, "kubeconfig"),
        context=text(inputs, "context"),
        cluster=text(inputs, "cluster"),
        namespace=text(inputs, "namespace"),
        delete_unreachable=switch("deleteUnreachable"),
        skip_update_unreachable=switch("skipUpdateUnreachable"),
        patch_force=switch("enablePatchForce"),
        upsert=switch("upsertExistingObjects"),
        mutable_config_maps=switch("enableConfigMapMutable"),
        mutable_secrets=switch("enableSecretMutable"),
    )


def kubeconfig_file(value: str) -> Path | None:
    """Return the file that a kubeconfig input names, if it names one and not contents."""
    if not value or "\n" in value:
        return None
    path = Path(value).expanduser()
    try:
        return path if path.is_file() else None
    except OSError:  # contents can be too long for a file name
        return None


def ambient_kubeconfig(environment: Mapping[str, str] = os.environ) -> str:
    """Return the file that `kubectl` would use here; nothing if there is none.

    Of a list of files the first that exists is taken; the real provider merges them.
    """
    names = environment.get("KUBECONFIG", "").split(os.pathsep)
    for name in [*filter(None, names)] or ["~/.kube/config"]:
        path = Path(name).expanduser()
        if path.is_file():
            return str(path)
    return ""


def parse_kubeconfig(value: str) -> Object:
    """Return a kubeconfig input as an object: the file as it is now, or the contents."""
    if not value:
        return {}
    path = kubeconfig_file(value)
    contents = path.read_text(encoding="utf-8") if path else value
    try:
        document = parse_json(yaml.safe_load(contents))
    except yaml.YAMLError as error:
        message = f"failed to parse kubeconfig: {error}"
        raise ProviderError(message) from error
    if not isinstance(document, dict):
        message = "failed to parse kubeconfig: neither an existing file nor a kubeconfig document"
        raise ProviderError(message)
    return document


def _named(config: Object, section: str, name: str, key: str) -> Object:
    for entry in objects(config, section):
        if text(entry, "name") == name:
            return mapping(entry, key)
    return {}


def active_cluster(config: Object, settings: Settings) -> Object:
    """Return the cluster entry that a kubeconfig and the overrides choose."""
    context = settings.context or text(config, "current-context")
    name = settings.cluster or text(_named(config, "contexts", context, "context"), "cluster")
    return _named(config, "clusters", name, "cluster")


def default_namespace(config: Object, settings: Settings) -> str:
    """Return the namespace of objects that name none."""
    context = settings.context or text(config, "current-context")
    of_context = text(_named(config, "contexts", context, "context"), "namespace")
    return settings.namespace or of_context or "default"


def replaced_inputs(old: Object, new: Object) -> list[str]:
    """Return the provider inputs whose change means another cluster.

    Credentials never count. While `clusterIdentifier` is set and equal, nothing else does.
    """
    before, after = dig(old, "clusterIdentifier"), dig(new, "clusterIdentifier")
    if before is not None and after is not None:
        return [] if same(before, after) else ["clusterIdentifier"]
    unknown = [key for key in ("kubeconfig", "context", "cluster") if _is_unknown(dig(new, key))]
    if unknown:
        return unknown
    old_settings, new_settings = read(old, {}), read(new, {})
    old_cluster = active_cluster(parse_kubeconfig(old_settings.kubeconfig), old_settings)
    new_cluster = active_cluster(parse_kubeconfig(new_settings.kubeconfig), new_settings)
    if same(old_cluster, new_cluster):
        return []
    changed = [key for key in ("kubeconfig", "context", "cluster") if not same(dig(old, key), dig(new, key))]
    return changed or ["kubeconfig"]


def _is_unknown(value: Json) -> bool:
    return value is not None and not isinstance(value, bool | int | float | str | list | dict)
