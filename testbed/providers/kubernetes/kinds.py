"""Which Kubernetes kind a Pulumi type is, and what an object is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.protocol import ProviderError, type_of
from testbed.providers.values import mapping, text

if TYPE_CHECKING:
    from testbed.providers.values import Json, Object

_NOT_COPIED: Final = ("helm.sh/", "kustomize/", "yaml/", "index:")

_CLUSTER_WIDE: Final = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ComponentStatus",
        "CustomResourceDefinition",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "SelfSubjectReview",
        "ServiceCIDR",
        "StorageClass",
        "TokenReview",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)
"""Built-in kinds without a namespace, for when no server can be asked."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A group, version and kind."""

    api_version: str
    name: str

    def __str__(self) -> str:
        """Write it as the provider's messages do."""
        return f"{self.api_version}, Kind={self.name}"

    @property
    def key(self) -> str:
        """The kind as one word, for tables."""
        return f"{self.api_version}/{self.name}"

    @property
    def probably_namespaced(self) -> bool:
        """Whether objects have a namespace, as far as that is known without a server."""
        return self.name not in _CLUSTER_WIDE


def kind_of(obj: Json) -> Kind:
    """Return the kind that an object says it is."""
    version = text(obj, "apiVersion")
    return Kind(version.removeprefix("core/"), text(obj, "kind"))


def is_patch(urn: str, obj: Json) -> bool:
    """Say whether the resource manages some fields of an object that somebody else made.

    Its type is then the object's kind with `Patch` behind it.
    """
    return type_of(urn).endswith(f":{text(obj, 'kind')}Patch")


def kind_from_urn(urn: str) -> Kind:
    """Return the kind that a resource's type names."""
    package, _, rest = type_of(urn).partition(":")
    version, _, name = rest.rpartition(":")
    if package != "kubernetes" or any(rest.startswith(prefix) for prefix in _NOT_COPIED):
        message = (
            f"the provider stand-in of the embedded cluster has no resource type {type_of(urn)!r}; "
            "use plain resources, or a cluster with the real provider"
        )
        raise ProviderError(message)
    return Kind(version.removeprefix("core/"), name)


def is_custom_resource_definition(obj: Json) -> bool:
    """Say whether an object defines a kind, which brings the list of kinds out of date."""
    return text(obj, "kind") == "CustomResourceDefinition" and text(obj, "apiVersion").startswith(
        "apiextensions.k8s.io/"
    )


def name_of_object(obj: Json) -> str:
    """Return `metadata.name`."""
    return text(obj, "metadata", "name")


def namespace_of(obj: Json) -> str:
    """Return `metadata.namespace`."""
    return text(obj, "metadata", "namespace")


def object_id(obj: Json) -> str:
    """Return the resource's id: `namespace/name`, or `name` for what has no namespace."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of_object(obj)}" if namespace else name_of_object(obj)


def parse_id(resource_id: str) -> tuple[str, str]:
    """Return namespace (or nothing) and name."""
    namespace, slash, name = resource_id.partition("/")
    return (namespace, name) if slash else ("", resource_id)


def short_name(obj: Json) -> str:
    """Return the name as messages about pods give it: the default namespace is left out."""
    return object_id(obj).removeprefix("default/")


def annotation(obj: Json, name: str) -> str:
    """Return the value of an annotation, or nothing."""
    return text(mapping(obj, "metadata", "annotations"), f"pulumi.com/{name}")


def annotate(obj: Object, name: str) -> None:
    """Set an annotation of Pulumi to `true`, unless it is not known yet what they are."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return
    annotations = metadata.setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[f"pulumi.com/{name}"] = "true"
