"""A separate Deployment of OAuth2-Proxy for browsers: Traefik calls it for every request (ForwardAuth).

The Deployment's response contains the user's ID token, and Traefik adds the token to the request. The OAuth2-Proxy
sidecar in the server's pod then verifies the token, as it verifies a program's token: it does not trust a request
because the request comes from Traefik. Request bodies do not pass through this Deployment.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.gateway import Address
from components.exposure.ingress import IngressRoute
from components.kubernetes import availability, networks, pods
from components.kubernetes.availability import Spread
from components.kubernetes.names import DOMAIN
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.login import front, oauth2_proxy
from components.login.command_line import PROXY_PATH, cookie_name, with_options
from components.login.front import Front, FrontArgs
from components.login.oauth2_proxy import Login

core = k8s.core.v1

API_VERSION = "traefik.io/v1alpha1"
LABELS = pods.labels("forward-auth")
# Any user but root: the image holds one static program.
UID = 65532
# The ID token in the response has to be valid: Keycloak's ID tokens expire after five minutes by default.
REFRESH_MINUTES = 4
# A session larger than one cookie (4 KiB in browsers) is split into numbered ones.
MAX_COOKIES = 5
# Addresses of Traefik's pods where the stack file names none: RFC 1918 and the carrier-grade NAT range, from which some
# clouds give pods their addresses.
PRIVATE_ADDRESSES = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardAuthArgs:
    """Input of `ForwardAuth`."""

    namespace: pulumi.Input[str]
    image: str
    front_image: str
    """HAProxy's image."""

    bounds: front.Bounds
    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    address: Address
    """Public address of the platform."""

    replicas: int
    spread: Spread
    """How strictly replicas are spread over nodes and zones."""

    login: Login
    route: IngressRoute
    """Exposure of the platform by an Ingress, to which ForwardAuth is added."""

    api_server: Sequence[str]
    """Address ranges of the API server; empty if unknown."""

    domain: str = DOMAIN
    """The cluster's DNS domain."""

    trusted_proxies: Sequence[str] = ()
    """Address ranges of Traefik's pods; empty means all private addresses."""


def arguments(command_line: Sequence[str], address: Address) -> list[str]:
    """OAuth2-Proxy's command line, changed for ForwardAuth: it answers requests instead of forwarding them."""
    return with_options(
        command_line,
        {
            "--upstream": "static://202",
            # Traefik sets X-Forwarded-Uri to the requested page, and overwrites the client's own value.
            "--reverse-proxy": "true",
            # All requests come from HAProxy in the same pod, which removes the header unless Traefik has sent it.
            "--trusted-proxy-ip": "127.0.0.1",
            # The only host to redirect to after the login.
            "--whitelist-domain": address.host,
            "--set-authorization-header": "true",
            "--pass-user-headers": "false",
        },
    )


def middleware_spec(url: pulumi.Input[str], cookie: str) -> dict[str, object]:
    """Spec of the Middleware: the URL that Traefik calls, and the response headers that Traefik passes on."""
    return {
        "forwardAuth": {
            "address": url,
            "trustForwardHeader": False,
            # Replaces the client's own header, even if the response has none.
            "authResponseHeaders": ["Authorization"],
            # Without them the browser would keep its old session cookie and never get the refreshed one.
            "addAuthCookiesToResponse": [cookie, *(f"{cookie}_{number}" for number in range(MAX_COOKIES))],
        }
    }


class ForwardAuth(pulumi.ComponentResource):
    """A Deployment of OAuth2-Proxy, its pages at `/oauth2`, and the Middleware with which Traefik calls it."""

    route: IngressRoute
    """Exposure by an Ingress; Traefik calls this Deployment for each request."""

    def __init__(self, name: str, args: ForwardAuthArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ForwardAuth", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[networks.Flow(peers=args.route.controller.peers, ports=[front.PORT])],
            egress=[
                *args.login.flows(controller=args.route.controller, api_server=args.api_server),
                *args.login.session_flows,
            ],
            opts=child,
        )
        gate = Front(
            f"{name}-front",
            FrontArgs(
                namespace=args.namespace,
                image=args.front_image,
                bounds=args.bounds,
                # The NetworkPolicy admits only the ingress controller's namespace, but not every cluster enforces
                # NetworkPolicies.
                forwarders=args.trusted_proxies or PRIVATE_ADDRESSES,
                metrics=args.login.metrics,
            ),
            child,
        )
        server = self._server(name, args, gate, [network, *args.login.ready])
        availability.disruption_budget(name, args.namespace, labels=LABELS, replicas=args.replicas, opts=child)
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="forward-auth", labels=LABELS),
            spec=core.ServiceSpecArgs(
                selector=LABELS, ports=[core.ServicePortArgs(name="http", port=80, target_port=front.PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        url = pulumi.Output.concat("http://", service.metadata.name, ".", args.namespace, f".svc.{args.domain}/")
        ask = self._middleware(name, "ask", args, middleware_spec(url, cookie_name(args.address)))
        # The pages' responses contain the token too; scripts in the browser must not read it.
        hide = self._middleware(name, "hide", args, {"headers": {"customResponseHeaders": {"Authorization": ""}}})
        pages = Address(host=args.address.host, path=f"{args.address.path}{PROXY_PATH}")
        # cert-manager already issues the certificate for the server's Ingress.
        annotations = {
            key: value for key, value in args.route.annotations.items() if not key.startswith("cert-manager.io/")
        }
        route = _with_middleware(args.namespace, dataclasses.replace(args.route, annotations=annotations), "hide", hide)
        route.expose(name, address=pages, service=service, opts=child)
        self.route = _with_middleware(args.namespace, args.route, "ask", ask)
        self.register_outputs({})

    def _server(
        self, name: str, args: ForwardAuthArgs, gate: Front, ready: Sequence[pulumi.Resource]
    ) -> k8s.apps.v1.Deployment:
        return k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="forward-auth", labels=LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.replicas,
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                ),
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                template=pod_template(_pod(args, gate.attachment), LABELS, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*ready]),
        )

    def _middleware(
        self, name: str, role: str, args: ForwardAuthArgs, spec: dict[str, object]
    ) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            f"{name}-{role}",
            api_version=API_VERSION,
            kind="Middleware",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=_middleware_name(role), labels=LABELS),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _pod(args: ForwardAuthArgs, before: pods.Attachment) -> core.PodSpecArgs:
    attachment = pods.joined(before, args.login.attachment)
    words = arguments(args.login.command_line, args.address)
    container = oauth2_proxy.container(args.image, words, args.login.attachment)
    container.lifecycle = availability.drain()
    spread = availability.spread(LABELS, args.spread, args.scheduling.topology_keys)
    return pods.hardened_pod(UID, container, attachment, pull_secrets=args.pull_secrets, spread=spread)


def _with_middleware(
    namespace: pulumi.Input[str], route: IngressRoute, role: str, middleware: pulumi.Resource
) -> IngressRoute:
    """A copy of `route` with a Middleware that Traefik applies to every request."""
    reference = pulumi.Output.concat(namespace, f"-{_middleware_name(role)}@kubernetescrd")
    return dataclasses.replace(
        route,
        annotations={**route.annotations, MIDDLEWARES: reference},
        # Traefik does not serve an Ingress that names a Middleware which does not exist.
        ready=(*route.ready, middleware),
    )


def _middleware_name(role: str) -> str:
    return f"forward-auth-{role}"
