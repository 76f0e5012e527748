"""Rules for namespaces, resources with data, and providers."""

from collections.abc import Iterator

from pulumi_policy import PolicyConfigSchema

from .resource import Resource

ENFORCE = "pod-security.kubernetes.io/enforce"
# Kinds whose deletion deletes data, or the access to it.
DATA_KINDS = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "StatefulSet"})
# Label of archived teams, whose namespaces are deleted when the team is removed from the stack file.
ARCHIVED = "mlflow-platform/archived"
DISPOSABLE = ["dev"]
PROTECTION_CONFIG = PolicyConfigSchema(
    properties={"disposableStacks": {"type": "array", "items": {"type": "string"}, "default": DISPOSABLE}}
)
# The engine names the providers that it creates itself `default` or `default_<version>`.
DEFAULT_PROVIDER = "default"


def restricted_namespace(resource: Resource) -> Iterator[str]:
    """Namespaces enforce the `restricted` Pod Security level."""
    if resource.kind != "Namespace":
        return
    labels = resource.inputs.at("metadata.labels")
    if not labels[ENFORCE].may_be("restricted"):
        yield f"label {ENFORCE} must be `restricted`, found `{labels[ENFORCE].text}`"
    version = labels[f"{ENFORCE}-version"]
    if not version.may_be(None, "latest"):
        yield f"label {ENFORCE}-version must be absent or `latest`: {version.text} is an older standard"


def protected(resource: Resource) -> Iterator[str]:
    """Resources with data are protected from deletion. Disposable stacks and archived teams' Namespaces are exempt."""
    disposable: list[str] = resource.config.get("disposableStacks", DISPOSABLE)
    if resource.kind == "Namespace" and resource.inputs.at("metadata.labels")[ARCHIVED].text == "true":
        return
    if resource.kind in DATA_KINDS and resource.stack not in disposable and not resource.protected:
        yield f"a {resource.kind} in stack {resource.stack} must be protected from deletion: pass protect=True"


def explicit_provider(resource: Resource) -> Iterator[str]:
    """Resources have an explicit provider: a default one would use the kubeconfig's current context."""
    if resource.provider is not None and resource.provider.startswith(DEFAULT_PROVIDER):
        yield "uses a default provider: pass an explicit one in opts, or in the `providers` of the resource's component"
