"""Rules for namespaces, resources with data, and providers."""

from collections.abc import Iterator, Mapping

from .configuration import Schema
from .namespaces import is_namespace, shown, without
from .resource import Resource

ENFORCE = "pod-security.kubernetes.io/enforce"
# Kinds whose deletion deletes data, or the access to it.
DATA_KINDS = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "StatefulSet"})
# Label of archived teams, whose namespaces are deleted when the team is removed from the stack file.
ARCHIVED = "mlflow-platform/archived"
DISPOSABLE: Mapping[str, Schema] = {
    "disposableProfiles": {
        "type": "array",
        "description": "profiles of the platform in which a stack's data may be deleted with the stack",
        "items": {"type": "string", "description": "a value of the setting `profile`"},
        "default": ["evaluation"],
    },
    "disposableStacks": {
        "type": "array",
        "description": "names of stacks whose data may be deleted with the stack, whatever the profile",
        "items": {"type": "string", "description": "name of a stack"},
        "default": [],
    },
}
BOUNDS: Mapping[str, Schema] = {
    "bounds": {
        "type": "array",
        "description": "keys of `spec.hard` that a quota must have",
        "items": {"type": "string", "pattern": "\\S", "description": "such as `limits.cpu`"},
        "default": ["limits.cpu", "limits.memory"],
    }
}
# The namespace of the platform's own pods: the program registers each of them, with limits.
OWN_NAMESPACE = "mlflow-platform:index:PlatformNamespace"
# The engine names the providers that it creates itself `default` or `default_<version>`.
DEFAULT_PROVIDER = "default"


def restricted_namespace(resource: Resource) -> Iterator[str]:
    """Namespaces enforce the `restricted` Pod Security level."""
    if not is_namespace(resource):
        return
    labels = resource.inputs.at("metadata.labels")
    if not labels[ENFORCE].may_be("restricted"):
        yield f"label {ENFORCE} must be `restricted`, found `{labels[ENFORCE].text}`"
    version = labels[f"{ENFORCE}-version"]
    if not version.may_be(None, "latest"):
        yield f"label {ENFORCE}-version must be absent or `latest`: {version.text} is an older standard"


def bounded(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Every namespace but the platform's own has a ResourceQuota with each key that the parameter `bounds` lists."""
    namespaces = [one for one in resources if is_namespace(one) and one.parent_type != OWN_NAMESPACE]
    quotas = [one for one in resources if one.kind == "ResourceQuota" and _counts_everything(one)]
    bounds: list[str] = namespaces[0].config["bounds"] if namespaces else []
    for bound in bounds:
        bounding = [quota for quota in quotas if quota.inputs.at("spec.hard")[bound].present]
        for namespace in without(bounding, namespaces):
            lacking = f"has no ResourceQuota for {bound}: add one that has it in spec.hard"
            yield f"namespace {shown(namespace)} {lacking}", namespace


def _counts_everything(quota: Resource) -> bool:
    """True unless the quota has scopes, with which it counts some of the pods only."""
    spec = quota.inputs["spec"]
    return not any(spec["scopes"].each()) and spec["scopeSelector"].may_be(None)


def disposable(resource: Resource) -> bool:
    """True if the stack's data may be deleted with the stack, according to the profile or the stack's name."""
    return resource.profile in resource.config["disposableProfiles"] or (
        resource.stack in resource.config["disposableStacks"]
    )


def protected(resource: Resource) -> Iterator[str]:
    """Resources with data are protected from deletion. Disposable stacks and archived teams' Namespaces are exempt."""
    if resource.kind == "Namespace" and resource.inputs.at("metadata.labels")[ARCHIVED].text == "true":
        return
    if resource.kind in DATA_KINDS and not disposable(resource) and not resource.protected:
        yield f"a {resource.kind} in stack {resource.stack} must be protected from deletion: pass protect=True"


def explicit_provider(resource: Resource) -> Iterator[str]:
    """Resources have an explicit provider: a default one would use the kubeconfig's current context."""
    if resource.provider is not None and resource.provider.startswith(DEFAULT_PROVIDER):
        yield "uses a default provider: pass an explicit one in opts, or in the `providers` of the resource's component"
