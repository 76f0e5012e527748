"""The browser's login as a service of its own, which Traefik asks about every request (ForwardAuth).

It answers with the caller's ID token, and Traefik puts that into the request. The login in the server's pod verifies
the token like any program's: that a request comes from Traefik proves nothing. Bodies of requests do not pass here.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.address import Address
from components.exposure.ingress import IngressRoute
from components.kubernetes import availability, networks, pods
from components.kubernetes.availability import Spread
from components.login import oauth2_proxy as login
from components.login.oauth2_proxy import Login

core = k8s.core.v1

API_VERSION = "traefik.io/v1alpha1"
LABELS = pods.labels("forward-auth")
# Any that is not root: the image holds one static program.
UID = 65532
# The token that is handed on has to be valid. Keycloak's end after five minutes unless somebody has changed that.
REFRESH_MINUTES = 4
# A session that does not fit into one cookie is split into numbered ones; browsers take 4 KiB each.
MOST_COOKIES = 5
MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardAuthArgs:
    """Input of `ForwardAuth`."""

    namespace: pulumi.Input[str]
    image: str
    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that images are pulled with."""

    address: Address
    """Of the platform."""

    replicas: int
    spread: Spread
    """How strictly they stand on different nodes and in different zones."""

    login: Login
    route: IngressRoute
    """The cluster's way in, without a login."""

    api_server: Sequence[str]
    """Address ranges of the API server; none means anywhere."""


def arguments(line: Sequence[str], address: Address) -> list[str]:
    """The command line of a login that is asked instead of passed through."""
    return login.replaced(
        line,
        {
            "--upstream": "static://202",
            # Traefik says by X-Forwarded-Uri which page was asked for, in place of whatever the client has said.
            "--reverse-proxy": "true",
            # After signing in people come back to the platform and go nowhere else.
            "--whitelist-domain": address.host,
            "--set-authorization-header": "true",
            "--pass-user-headers": "false",
        },
    )


def middleware_spec(url: pulumi.Input[str], cookie: str) -> dict[str, object]:
    """What Traefik asks, and what of the answer reaches the server and the browser."""
    return {
        "forwardAuth": {
            "address": url,
            "trustForwardHeader": False,
            # Replaces what the client has sent, also when the answer has none.
            "authResponseHeaders": ["Authorization"],
            # Without them a browser would never get the session that was refreshed, and end when its own does.
            "addAuthCookiesToResponse": [cookie, *(f"{cookie}_{number}" for number in range(MOST_COOKIES))],
        }
    }


class ForwardAuth(pulumi.ComponentResource):
    """A Deployment of OAuth2-Proxy, its pages at `/oauth2`, and the Middleware that asks it."""

    route: IngressRoute
    """The cluster's way in, with this login in front."""

    def __init__(self, name: str, args: ForwardAuthArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ForwardAuth", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[networks.Flow(peers=[networks.namespace(args.route.controller_namespace)], ports=[login.PORT])],
            egress=args.login.flows(controller_namespace=args.route.controller_namespace, api_server=args.api_server),
            opts=child,
        )
        server = k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="forward-auth", labels=LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.replicas,
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                ),
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
                    spec=_pod(args),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network, *args.login.ready]),
        )
        availability.disruption_budget(name, args.namespace, labels=LABELS, replicas=args.replicas, opts=child)
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="forward-auth", labels=LABELS),
            spec=core.ServiceSpecArgs(
                selector=LABELS, ports=[core.ServicePortArgs(name="http", port=80, target_port=login.PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        url = pulumi.Output.concat("http://", service.metadata.name, ".", args.namespace, ".svc.cluster.local/")
        ask = self._middleware(name, "ask", args, middleware_spec(url, login.cookie_name(args.address)))
        # Its pages answer with the token too, which scripts in the browser could read.
        hide = self._middleware(name, "hide", args, {"headers": {"customResponseHeaders": {"Authorization": ""}}})
        pages = Address(host=args.address.host, path=f"{args.address.path}{login.PROXY_PATH}")
        # One writer for the certificate: cert-manager fills the Secret for the server's Ingress.
        plain = {key: value for key, value in args.route.annotations.items() if not key.startswith("cert-manager.io/")}
        way = _behind(args.namespace, dataclasses.replace(args.route, annotations=plain), "hide", hide)
        way.expose(name, address=pages, service=service, opts=child)
        self.route = _behind(args.namespace, args.route, "ask", ask)
        self.register_outputs({})

    def _middleware(
        self, name: str, role: str, args: ForwardAuthArgs, spec: dict[str, object]
    ) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            f"{name}-{role}",
            api_version=API_VERSION,
            kind="Middleware",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=_called(role), labels=LABELS),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _pod(args: ForwardAuthArgs) -> core.PodSpecArgs:
    container = login.container(args.image, arguments(args.login.line, args.address), env=args.login.env)
    container.lifecycle = availability.drain()
    return core.PodSpecArgs(
        security_context=pods.pod_security(UID),
        automount_service_account_token=False,
        enable_service_links=False,
        image_pull_secrets=pods.pull_secrets(args.pull_secrets),
        topology_spread_constraints=availability.spread(LABELS, args.spread),
        containers=[container],
        volumes=args.login.volumes,
    )


def _behind(namespace: pulumi.Input[str], route: IngressRoute, role: str, made: pulumi.Resource) -> IngressRoute:
    """The same way in, with a Middleware that every request passes."""
    reference = pulumi.Output.concat(namespace, f"-{_called(role)}@kubernetescrd")
    return dataclasses.replace(
        route,
        annotations={**route.annotations, MIDDLEWARES: reference},
        # An Ingress that names a Middleware which does not exist is not served.
        ready=(*route.ready, made),
    )


def _called(role: str) -> str:
    return f"forward-auth-{role}"
