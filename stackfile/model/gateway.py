"""The section `gateway`."""

from typing import Literal

from pydantic import Field

from stackfile import values
from stackfile.model.base import Model


class IngressGateway(Model):
    """An Ingress of class `cluster.ingressClass`."""

    kind: Literal["ingress"]
    """What tells the cluster's controller of the platform: an `ingress`, or Gateway API objects (`http-route`)."""

    path: values.UrlPath | None = None
    """Below which path of the host the platform is; absent means the whole host."""

    login: Literal["reverse-proxy", "forward-auth"] = "reverse-proxy"
    """Whether requests of browsers pass the login, or Traefik asks it about each (`forward-auth`)."""


class HttpRouteGateway(Model):
    """A Gateway of the platform's own and HTTPRoutes, for clusters with the Gateway API."""

    kind: Literal["http-route"]
    """What tells the cluster's controller of the platform: an `ingress`, or Gateway API objects (`http-route`)."""

    path: values.UrlPath | None = None
    """Below which path of the host the platform is; absent means the whole host."""

    class_name: values.ObjectName = "traefik"
    """GatewayClass of the Gateway, whose controller's pods are in `cluster.ingressNamespace`."""

    port: values.Port = 443
    """Port of its listeners; Traefik wants that of its entry point, whatever its Service says."""

    annotations: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of the Gateway, for example `cert-manager.io/cluster-issuer`."""
