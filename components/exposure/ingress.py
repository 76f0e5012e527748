"""The way in by an Ingress, which every controller understands."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.address import Address
from components.exposure.certificate import Certificate

net = k8s.networking.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class IngressRoute:
    """An Ingress for each Service."""

    namespace: pulumi.Input[str]
    """Of the Services."""

    ingress_class: str
    controller_namespace: str
    """Namespace of the ingress controller's pods."""

    annotations: Mapping[str, pulumi.Input[str]]
    """Annotations of every Ingress, for the controller at hand."""

    certificate: Certificate
    ready: tuple[pulumi.Resource, ...] = ()
    """What the annotations name."""

    def expose(
        self, name: str, *, address: Address, service: k8s.core.v1.Service, opts: pulumi.ResourceOptions
    ) -> net.Ingress:
        """Serve `service` at an address."""
        backend = net.IngressBackendArgs(
            service=net.IngressServiceBackendArgs(
                name=service.metadata.name, port=net.ServiceBackendPortArgs(name="http")
            )
        )
        path = net.HTTPIngressPathArgs(path=address.path or "/", path_type="Prefix", backend=backend)
        return net.Ingress(
            f"{name}-ingress",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=self.namespace, name=service.metadata.name, annotations=self.annotations
            ),
            spec=net.IngressSpecArgs(
                ingress_class_name=self.ingress_class,
                tls=[net.IngressTLSArgs(hosts=[address.host], secret_name=self.certificate.secret_names[address.host])],
                rules=[
                    net.IngressRuleArgs(host=address.host, http=net.HTTPIngressRuleValueArgs(paths=[path])),
                ],
            ),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(self.ready))),
        )
