"""The way in from outside the cluster."""

import pulumi

import components as c
import settings as s
from wiring.context import Context


def certificate(context: Context) -> c.Certificate:
    """Self-signed for the platform's hosts, or the one in a Secret."""
    chosen = context.settings.certificate
    if isinstance(chosen, s.CertificateSecret):
        return c.Certificate(
            secret_names={context.settings.host: chosen.name, context.identity_host: f"{chosen.name}-dex"},
            authority=None if chosen.authority is None else pulumi.Output.from_input(chosen.authority),
        )
    return c.SelfSignedCertificate(
        "certificate",
        c.CertificateArgs(
            namespace=context.namespace, domain=context.settings.host, hosts=context.hosts, issued=chosen.issued
        ),
        context.opts,
    ).certificate


def route(context: Context, certificate: c.Certificate) -> c.Route:
    """How this cluster exposes a Service: by an Ingress, or by the Gateway API."""
    chosen, cluster = context.settings.gateway, context.settings.cluster
    if isinstance(chosen, s.HttpRouteGateway):
        return c.Listeners(
            "listeners",
            c.ListenersArgs(
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
    return c.IngressRoute(
        namespace=context.namespace,
        ingress_class=cluster.ingress_class,
        controller_namespace=cluster.ingress_namespace,
        annotations=cluster.ingress_annotations,
        certificate=certificate,
    )


def guarded(context: Context, route: c.Route, login: c.Login) -> c.Route:
    """The way to the server: with a login in front where the controller asks one."""
    if not (context.asks_login and isinstance(route, c.IngressRoute)):
        return route
    return c.ForwardAuth(
        "forward-auth",
        c.ForwardAuthArgs(
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
