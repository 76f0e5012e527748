"""The way in from outside the cluster: one host name, TLS, and nothing but the login behind it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.address import Address
from components.certificate import Certificate

net = k8s.networking.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """How this cluster exposes a Service."""

    ingress_class: str
    controller_namespace: str
    """Namespace of the ingress controller's pods, for the NetworkPolicies that admit it."""

    annotations: dict[str, str]
    """Annotations of every Ingress, for the controller at hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayArgs:
    """Input of `Gateway`."""

    namespace: pulumi.Input[str]
    address: Address
    service: k8s.core.v1.Service
    """The login's Service; it has one port."""

    route: Route
    certificate: Certificate


class Gateway(pulumi.ComponentResource):
    """An Ingress with TLS for the platform's host."""

    url: str

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Gateway", name, None, opts)
        expose(
            name,
            args.namespace,
            address=args.address,
            service=args.service,
            route=args.route,
            certificate=args.certificate,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Known before the Ingress exists, so that a preview shows what clients will be given.
        self.url = args.address.url
        self.register_outputs({"url": self.url})


def expose(
    name: str,
    namespace: pulumi.Input[str],
    *,
    address: Address,
    service: k8s.core.v1.Service,
    route: Route,
    certificate: Certificate,
    opts: pulumi.ResourceOptions,
) -> net.Ingress:
    """Serve `service` at an address, and nothing else there."""
    return net.Ingress(
        f"{name}-ingress",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=namespace, name=service.metadata.name, annotations=route.annotations
        ),
        spec=net.IngressSpecArgs(
            ingress_class_name=route.ingress_class,
            tls=[net.IngressTLSArgs(hosts=[address.host], secret_name=certificate.secret_names[address.host])],
            rules=[
                net.IngressRuleArgs(
                    host=address.host,
                    http=net.HTTPIngressRuleValueArgs(
                        paths=[
                            net.HTTPIngressPathArgs(
                                path=address.path or "/",
                                path_type="Prefix",
                                backend=net.IngressBackendArgs(
                                    service=net.IngressServiceBackendArgs(
                                        name=service.metadata.name,
                                        port=net.ServiceBackendPortArgs(name="http"),
                                    )
                                ),
                            )
                        ]
                    ),
                )
            ],
        ),
        opts=opts,
    )
