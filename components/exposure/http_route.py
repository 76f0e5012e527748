"""Exposure by the Gateway API: one Gateway for the platform, and an HTTPRoute for each Service."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.certificate import Certificate
from components.exposure.gateway import Address
from components.kubernetes.networks import IngressController

API_VERSION = "gateway.networking.k8s.io/v1"
# An hour, like the login's upstream time-out, for an upload of several GiB over a slow connection. Without a time-out
# some controllers end a request after 15 seconds (Envoy's default).
TIMEOUT = "3600s"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenersArgs:
    """Input of `Listeners`."""

    namespace: pulumi.Input[str]
    gateway_class: str
    port: int
    controller: IngressController
    """The Gateway controller's data plane."""

    annotations: Mapping[str, str]
    """Annotations of the Gateway; the controller determines which are possible."""

    hosts: Mapping[str, str]
    """Host name by role, for example `host`; the role is the name of the host's listener."""

    certificate: Certificate


class Listeners(pulumi.ComponentResource):
    """A Gateway with a TLS listener for each host; only HTTPRoutes of the same namespace may attach to it."""

    controller: IngressController

    def __init__(self, name: str, args: ListenersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Listeners", name, None, opts)
        self._args = args
        self._gateway = k8s.apiextensions.CustomResource(
            f"{name}-gateway",
            api_version=API_VERSION,
            kind="Gateway",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace,
                name="mlflow",
                # Fails the deployment if no controller serves the class, or the port is taken.
                annotations={**args.annotations, "pulumi.com/waitFor": "condition=Programmed"},
            ),
            spec={
                "gatewayClassName": args.gateway_class,
                "listeners": [_listener(role, host, args) for role, host in args.hosts.items()],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.controller = args.controller
        self.register_outputs({})

    def expose(
        self,
        name: str,
        *,
        address: Address,
        service: k8s.core.v1.Service,
        opts: pulumi.ResourceOptions,
        wait: bool = True,  # noqa: ARG002 - the provider never waits for an HTTPRoute
    ) -> k8s.apiextensions.CustomResource:
        """Expose `service` at `address` with an HTTPRoute."""
        (listener,) = (role for role, host in self._args.hosts.items() if host == address.host)
        return k8s.apiextensions.CustomResource(
            f"{name}-route",
            api_version=API_VERSION,
            kind="HTTPRoute",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self._args.namespace, name=service.metadata.name),
            spec={
                "parentRefs": [{"name": "mlflow", "sectionName": listener}],
                "hostnames": [address.host],
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": address.path or "/"}}],
                        "backendRefs": [{"name": service.metadata.name, "port": service.spec.ports[0].port}],
                        "timeouts": {"request": TIMEOUT, "backendRequest": TIMEOUT},
                    }
                ],
            },
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[self._gateway])),
        )


def _listener(role: str, host: str, args: ListenersArgs) -> dict[str, object]:
    return {
        "name": role,
        "protocol": "HTTPS",
        "port": args.port,
        "hostname": host,
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": args.certificate.secret_names[host]}]},
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
