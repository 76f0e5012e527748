"""What holds for a stack as a whole: its namespaces, its data, its providers."""

from collections.abc import Iterator

from pulumi_policy import PolicyConfigSchema

from .resource import Resource

ENFORCE = "pod-security.kubernetes.io/enforce"
# Deleting one of these deletes data, or what leads to it.
DATA_KINDS = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "StatefulSet"})
# A team that is archived is deleted when it leaves the configuration: said in one change, done in the next.
ARCHIVED = "mlflow-platform/archived"
DISPOSABLE = ["dev"]
PROTECTION_CONFIG = PolicyConfigSchema(
    properties={"disposableStacks": {"type": "array", "items": {"type": "string"}, "default": DISPOSABLE}}
)
# The engine calls a provider that it makes on its own `default` or `default_<version>`.
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
        yield f"label {ENFORCE}-version must be absent or `latest`: {version.text} checks less than this cluster can"


def protected(resource: Resource) -> Iterator[str]:
    """What holds data cannot be deleted by mistake, except in stacks that are made to be thrown away."""
    disposable: list[str] = resource.config.get("disposableStacks", DISPOSABLE)
    if resource.kind == "Namespace" and resource.inputs.at("metadata.labels")[ARCHIVED].text == "true":
        return
    if resource.kind in DATA_KINDS and resource.stack not in disposable and not resource.protected:
        yield f"a {resource.kind} in stack {resource.stack} must be protected: pass protect=True"


def explicit_provider(resource: Resource) -> Iterator[str]:
    """Resources are given their provider, so that they cannot end up in whichever cluster is current."""
    if resource.provider is not None and resource.provider.startswith(DEFAULT_PROVIDER):
        yield "has no provider of its own: pass one in opts, or in its component's `providers`"
