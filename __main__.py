"""The platform of one stack, in the order in which its parts need each other."""

import pulumi

import components as c
import wiring as w
from settings import load
from tools.access import matrix as access

settings, secrets = load()
opts = pulumi.ResourceOptions(providers=w.providers(settings))
platform = c.PlatformNamespace(
    "platform",
    c.PlatformNamespaceArgs(name=settings.namespace, create=settings.create_namespace, durable=settings.durable),
    opts,
)
context = w.Context(
    settings=settings,
    secrets=secrets,
    namespace=platform.namespace,
    trust=w.trust(settings, platform.namespace, opts),
    opts=opts,
)

certificate = w.certificate(context)
route = w.route(context, certificate)
database = w.database(context)
artifacts = w.artifacts(context)
identity = w.identity(context, route)
migration = w.migration(context, database)
login = w.login(context, identity, certificate)
server = w.server(context, database, artifacts, login, ready=[migration.done, *identity.oidc.ready])
gateway = c.Gateway(
    "gateway",
    c.GatewayArgs(
        address=context.address,
        service=server.service,
        route=w.guarded(context, route, login),
    ),
    opts,
)
workspaces = w.workspaces(context, gateway, certificate, w.cluster_roles(context), artifacts)

pulumi.export("url", gateway.url)
pulumi.export("namespace", platform.namespace)
pulumi.export("paused", settings.server.paused)
pulumi.export("authority", certificate.authority)
pulumi.export("audience", login.audience)
pulumi.export("users", identity.users)
pulumi.export("passwords", identity.passwords)
pulumi.export(
    "teams",
    {
        team: {
            "namespace": workspace.namespace,
            "serviceAccount": workspace.service_account,
            "workspace": team if settings.workspaces.enabled else None,
        }
        for team, workspace in workspaces.items()
    },
)
pulumi.export("access", access.as_data(access.matrix(settings)))
