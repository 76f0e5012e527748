"""Creation of the exposure outside the cluster: TLS certificate, Ingress or Gateway API, ForwardAuth, console."""

import pulumi

from components.exposure import ingress_nginx
from components.exposure.certificate import Certificate, CertificateArgs, SelfSignedCertificate
from components.exposure.console import Console, ConsoleArgs
from components.exposure.gateway import Route
from components.exposure.http_route import Listeners, ListenersArgs
from components.exposure.ingress import IngressRoute
from components.login.forward_auth import ForwardAuth, ForwardAuthArgs
from components.login.oauth2_proxy import Login
from factories.context import Context
from factories.login import connection_bounds
from settings.schema.certificate import CertificateSecret
from settings.schema.gateway import HttpRouteGateway


def certificate(context: Context) -> Certificate:
    """TLS certificates for the platform's hosts: signed by a private CA, or from existing Secrets."""
    settings = context.settings.certificate
    if isinstance(settings, CertificateSecret):
        return Certificate(
            secret_names={context.settings.host: settings.name, context.identity_host: f"{settings.name}-dex"},
            authority=None if settings.authority is None else pulumi.Output.from_input(settings.authority),
        )
    return SelfSignedCertificate(
        "certificate",
        CertificateArgs(
            namespace=context.namespace, domain=context.settings.host, hosts=context.hosts, issued=settings.issued
        ),
        context.opts,
    ).certificate


def route(context: Context, certificate: Certificate) -> Route:
    """Exposure of Services: by an Ingress or by the Gateway API."""
    gateway, cluster = context.settings.gateway, context.settings.cluster
    if isinstance(gateway, HttpRouteGateway):
        return Listeners(
            "listeners",
            ListenersArgs(
                namespace=context.namespace,
                gateway_class=gateway.class_name,
                port=gateway.port,
                controller=context.controller,
                annotations=gateway.annotations,
                hosts=context.hosts,
                certificate=certificate,
            ),
            context.opts,
        )
    return IngressRoute(
        namespace=context.namespace,
        ingress_class=cluster.ingress_class,
        controller=context.controller,
        annotations={
            **(ingress_nginx.ANNOTATIONS if cluster.ingress_controller == "ingress-nginx" else {}),
            **cluster.ingress_annotations,
        },
        certificate=certificate,
    )


def server_route(context: Context, route: Route, login: Login) -> Route:
    """Exposure of the server, with ForwardAuth if the settings enable it."""
    if not (context.forward_auth and isinstance(route, IngressRoute)):
        return route
    return ForwardAuth(
        "forward-auth",
        ForwardAuthArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.oauth2_proxy),
            front_image=context.image(context.settings.images.haproxy),
            bounds=connection_bounds(context),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            address=context.address,
            replicas=context.settings.server.replicas,
            spread=context.settings.server.spread,
            login=login,
            route=route,
            api_server=context.settings.cluster.api_server,
            domain=context.settings.cluster.domain,
            trusted_proxies=context.settings.cluster.ingress_pods,
        ),
        context.opts,
    ).route


def console(context: Context) -> Console | None:
    """Entries in the cluster's web console; None if the settings ask for none."""
    settings = context.settings.console
    if not (settings.tools_menu or settings.console_link):
        return None
    return Console(
        "console",
        ConsoleArgs(
            namespace=context.namespace,
            address=context.address,
            text=settings.text,
            section=settings.section,
            tools_menu=settings.tools_menu,
            console_link=settings.console_link,
        ),
        context.opts,
    )
