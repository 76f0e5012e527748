"""The Pulumi program: the components of one stack, in the order of their dependencies."""

import pulumi

import factories
from components.exposure.gateway import Gateway, GatewayArgs
from components.kubernetes.namespace import PlatformNamespace, PlatformNamespaceArgs
from components.team.access_matrix import as_data
from settings import load

settings, secrets = load()
opts = pulumi.ResourceOptions(providers=factories.providers(settings))
platform = PlatformNamespace(
    "platform",
    PlatformNamespaceArgs(name=settings.namespace, create=settings.create_namespace, durable=settings.durable),
    opts,
)
context = factories.Context(
    settings=settings,
    secrets=secrets,
    namespace=platform.namespace,
    trust=factories.trust(settings, platform.namespace, opts),
    opts=opts,
)

certificate = factories.certificate(context)
route = factories.route(context, certificate)
database = factories.database(context)
artifact_store = factories.artifact_store(context)
identities = factories.identity_source(context, route)
migration = factories.migration(context, database)
login = factories.login(context, identities, certificate)
ready = [migration.done, *identities.oidc.ready, *factories.webhook_proxy(context)]
server = factories.server(context, database, artifact_store, login, ready)
gateway = Gateway(
    "gateway",
    GatewayArgs(
        address=context.address,
        service=server.service,
        route=factories.server_route(context, route, login),
    ),
    opts,
)
factories.console(context)
workspaces = factories.workspaces(context, gateway, certificate, factories.cluster_roles(context), artifact_store)

pulumi.export("url", gateway.url)
pulumi.export("namespace", platform.namespace)
pulumi.export("paused", settings.server.paused)
pulumi.export("authority", certificate.authority)
pulumi.export("audience", login.audience)
pulumi.export("users", identities.users)
pulumi.export("passwords", identities.passwords)
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
pulumi.export("access", as_data(factories.access_matrix(settings)))
