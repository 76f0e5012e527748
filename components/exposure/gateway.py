"""The platform's public address, and the exposure of the login (OAuth2-Proxy) at that address over HTTPS.

`Route` is the common interface of an Ingress (`ingress.py`) and the Gateway API (`http_route.py`).
"""

from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.networks import IngressController


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A public HTTPS address: a host name, optionally with a path."""

    host: str
    path: str = ""
    """Empty for the whole host; otherwise with a slash at the beginning and none at the end."""

    @property
    def url(self) -> str:
        """URL for clients, without a slash at the end."""
        return f"https://{self.host}{self.path}"

    @property
    def origin(self) -> str:
        """The origin, as browsers define it: scheme and host, without the path."""
        return f"https://{self.host}"


class Route(Protocol):
    """Interface for exposing a Service outside the cluster."""

    @property
    def controller(self) -> IngressController:
        """The ingress controller, for NetworkPolicies that allow its connections."""
        ...

    def expose(
        self,
        name: str,
        *,
        address: Address,
        service: k8s.core.v1.Service,
        opts: pulumi.ResourceOptions,
        wait: bool = True,
    ) -> pulumi.Resource:
        """Expose `service`, which has one port called `http`, at `address` with TLS.

        `wait` is whether other resources need the exposure, so that Pulumi has to wait until it works.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayArgs:
    """Input of `Gateway`."""

    address: Address
    service: k8s.core.v1.Service
    """Service of the login (OAuth2-Proxy); it has one port."""

    route: Route


class Gateway(pulumi.ComponentResource):
    """The exposure of the login's Service at the platform's public address."""

    url: str

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Gateway", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        args.route.expose(name, address=args.address, service=args.service, opts=child, wait=False)
        # Independent of any resource, so that a preview can show it.
        self.url = args.address.url
        self.register_outputs({"url": self.url})
