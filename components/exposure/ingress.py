"""Exposure by an Ingress, which every ingress controller supports."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.certificate import Certificate
from components.exposure.gateway import Address
from components.kubernetes.networks import IngressController

net = k8s.networking.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class IngressRoute:
    """Exposure of Services, each by an Ingress of its own, and the settings of these Ingresses."""

    namespace: pulumi.Input[str]
    """Namespace of the Services."""

    ingress_class: str
    controller: IngressController

    annotations: Mapping[str, pulumi.Input[str]]
    """Annotations of every Ingress; the ingress controller determines which are possible."""

    certificate: Certificate
    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must exist before an Ingress is created, because its annotations refer to them."""

    def expose(
        self,
        name: str,
        *,
        address: Address,
        service: k8s.core.v1.Service,
        opts: pulumi.ResourceOptions,
        wait: bool = True,
    ) -> net.Ingress:
        """Expose `service` at `address` with an Ingress."""
        # After a quick update the provider's wait may return the Ingress of before: the next preview shows a change.
        annotations = self.annotations if wait else {**self.annotations, "pulumi.com/skipAwait": "true"}
        backend = net.IngressBackendArgs(
            service=net.IngressServiceBackendArgs(
                name=service.metadata.name, port=net.ServiceBackendPortArgs(name="http")
            )
        )
        path = net.HTTPIngressPathArgs(path=address.path or "/", path_type="Prefix", backend=backend)
        return net.Ingress(
            f"{name}-ingress",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=self.namespace, name=service.metadata.name, annotations=annotations
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
