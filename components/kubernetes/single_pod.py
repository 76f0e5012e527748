"""One pod with one volume: a StatefulSet with one replica, and the headless Service of the same name."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template

core = k8s.core.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class SinglePod:
    """Name, volume and deletion protection of the pod."""

    namespace: pulumi.Input[str]
    name: str
    """Name of StatefulSet and Service, which clients know: it is in their addresses."""

    labels: dict[str, str]
    storage: str
    """Size of the volume, as a Kubernetes quantity; the claim's name begins with `data`."""

    storage_class: str | None
    """None means the cluster's default storage class."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pod."""

    durable: bool
    """True protects the StatefulSet from deletion, so that its data stays accessible."""

    def service(self, name: str, port_name: str, port: int, opts: pulumi.ResourceOptions) -> core.Service:
        """The Service; `name` is the name of its Pulumi resource."""
        return core.Service(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=self.name, labels=self.labels),
            spec=core.ServiceSpecArgs(
                selector=self.labels, cluster_ip="None", ports=[core.ServicePortArgs(name=port_name, port=port)]
            ),
            opts=opts,
        )

    def stateful_set(
        self,
        name: str,
        service: core.Service,
        pod: core.PodSpecArgs,
        *,
        ready: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> k8s.apps.v1.StatefulSet:
        """The StatefulSet, created after the resources in `ready`; `name` is the name of its Pulumi resource."""
        return k8s.apps.v1.StatefulSet(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=self.name, labels=self.labels),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                service_name=service.metadata.name,
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=self.labels),
                template=pod_template(pod, self.labels, self.scheduling),
                volume_claim_templates=[volumes.claim_template("data", self.storage, self.storage_class)],
            ),
            opts=pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(depends_on=[*ready], protect=self.durable, retain_on_delete=self.durable),
            ),
        )
