"""The way in from outside the cluster."""

import pulumi

from components.exposure.certificate import Certificate, CertificateArgs, SelfSignedCertificate
from components.exposure.gateway import Route
from components.exposure.http_route import Listeners, ListenersArgs
from components.exposure.ingress import IngressRoute
from components.login.forward_auth import ForwardAuth, ForwardAuthArgs
from components.login.oauth2_proxy import Login
from factories.context import Context
from settings import CertificateSecret, HttpRouteGateway


def certificate(context: Context) -> Certificate:
    """Self-signed for the platform's hosts, or the one in a Secret."""
    chosen = context.settings.certificate
    if isinstance(chosen, CertificateSecret):
        return Certificate(
            secret_names={context.settings.host: chosen.name, context.identity_host: f"{chosen.name}-dex"},
            authority=None if chosen.authority is None else pulumi.Output.from_input(chosen.authority),
        )
    return SelfSignedCertificate(
        "certificate",
        CertificateArgs(
            namespace=context.namespace, domain=context.settings.host, hosts=context.hosts, issued=chosen.issued
        ),
        context.opts,
    ).certificate


def route(context: Context, certificate: Certificate) -> Route:
    """How this cluster exposes a Service: by an Ingress, or by the Gateway API."""
    chosen, cluster = context.settings.gateway, context.settings.cluster
    if isinstance(chosen, HttpRouteGateway):
        return Listeners(
            "listeners",
            ListenersArgs(
                namespace=context.namespace,
                gateway_class=chosen.class_name,
                port=chosen.port,
                controller_namespace=cluster.ingress_namespace,
                annotations=chosen.annotations,
                hosts=context.hosts,
                certificate=certificate,
            ),
            context.opts,
        )
    return IngressRoute(
        namespace=context.namespace,
        ingress_class=cluster.ingress_class,
        controller_namespace=cluster.ingress_namespace,
        annotations=cluster.ingress_annotations,
        certificate=certificate,
    )


def guarded(context: Context, route: Route, login: Login) -> Route:
    """The way to the server: with a login in front where the controller asks one."""
    if not (context.asks_login and isinstance(route, IngressRoute)):
        return route
    return ForwardAuth(
        "forward-auth",
        ForwardAuthArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.oauth2_proxy),
            pull_secrets=context.pull_secrets,
            address=context.address,
            replicas=context.settings.server.replicas,
            spread=context.settings.server.spread,
            login=login,
            route=route,
            api_server=context.settings.cluster.api_server,
        ),
        context.opts,
    ).route
