"""The platform's own namespace, which enforces the Pod Security level `restricted`."""

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.networks import Dns, closed_namespace
from components.kubernetes.pods import PART_OF

POD_SECURITY_LABELS = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformNamespaceArgs:
    """Input of `PlatformNamespace`."""

    name: str
    """Name of the namespace; not generated, because people type it."""

    create: bool = True
    """False for a namespace that exists already and holds nothing but the platform."""

    durable: bool
    """True protects the namespace from deletion, which would delete its PersistentVolumeClaims too."""

    dns: Dns = field(default_factory=Dns)
    """Where the cluster answers DNS requests."""


class PlatformNamespace(pulumi.ComponentResource):
    """The namespace, with a NetworkPolicy that denies all traffic except DNS."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: PlatformNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:PlatformNamespace", name, None, opts)
        self.namespace = self._namespace(name, args) if args.create else pulumi.Output.from_input(args.name)
        closed_namespace(name, self.namespace, pulumi.ResourceOptions(parent=self), dns=args.dns)
        self.register_outputs({"namespace": self.namespace})

    def _namespace(self, name: str, args: PlatformNamespaceArgs) -> pulumi.Output[str]:
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.name,
                labels={"app.kubernetes.io/part-of": PART_OF, **POD_SECURITY_LABELS},
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.durable, retain_on_delete=args.durable),
        )
        return namespace.metadata.name
