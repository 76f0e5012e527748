"""The section `gateway`."""

from typing import Literal

from pydantic import Field

from settings.schema.base import Model
from settings.types import values


class IngressGateway(Model):
    """An Ingress with the class `cluster.ingressClass`."""

    kind: Literal["ingress"]

    path: values.UrlPath | None = None
    """Path prefix of the platform; absent means the whole host."""

    login: Literal["reverse-proxy", "forward-auth"] = "reverse-proxy"
    """Browser requests pass through OAuth2-Proxy (`reverse-proxy`), or Traefik checks each one with OAuth2-Proxy
    (`forward-auth`)."""


class HttpRouteGateway(Model):
    """A Gateway and HTTPRoutes, for clusters with the Gateway API."""

    kind: Literal["http-route"]

    path: values.UrlPath | None = None
    """Path prefix of the platform; absent means the whole host."""

    class_name: values.ObjectName = "traefik"
    """Name of the GatewayClass. The pods of its controller must be in the namespace `cluster.ingressNamespace`."""

    port: values.Port = 443
    """Port of the Gateway's listeners. For Traefik it is the port of the entry point, not of the Service."""

    annotations: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of the Gateway, for example `cert-manager.io/cluster-issuer`."""
