"""The way in from outside the cluster: one address, TLS, and nothing but the login behind it.

How the cluster's controller is told of it is a `Route`: `ingress.py` and `http_route.py` are two of them.
"""

from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.address import Address


class Route(Protocol):
    """How this cluster exposes a Service."""

    @property
    def controller_namespace(self) -> str:
        """Namespace of the controller's pods, for the NetworkPolicies that admit it."""
        ...

    def expose(
        self, name: str, *, address: Address, service: k8s.core.v1.Service, opts: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        """Serve `service`, which has one port called `http`, at an address by TLS, and nothing else there."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayArgs:
    """Input of `Gateway`."""

    address: Address
    service: k8s.core.v1.Service
    """The login's Service; it has one port."""

    route: Route


class Gateway(pulumi.ComponentResource):
    """The platform at its address."""

    url: str

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Gateway", name, None, opts)
        args.route.expose(name, address=args.address, service=args.service, opts=pulumi.ResourceOptions(parent=self))
        # Known before the way in exists, so that a preview shows what clients will be given.
        self.url = args.address.url
        self.register_outputs({"url": self.url})
