"""The Pulumi program: the components of one stack, in the order of their dependencies."""

import os

import pulumi

import factories
from components.exposure.gateway import Gateway, GatewayArgs
from components.team.access_matrix import as_data
from settings import ExternalSettings, load

# With `make up REFRESH=yes` the provider's plugin reads it from its own environment. The SDK would write it into the
# state as well, and the next `up` would change the provider.
os.environ.pop("PULUMI_K8S_ENABLE_PATCH_FORCE", None)

settings, secrets = load()
opts = pulumi.ResourceOptions(providers=factories.providers(settings))
if isinstance(settings, ExternalSettings):
    namespaces = factories.team_namespaces(settings, secrets, opts, stack=pulumi.get_stack())
    pulumi.export("server", settings.server.kind)
    pulumi.export("url", settings.url)
    pulumi.export("namespace", "")
    pulumi.export("teams", factories.external_teams(settings, namespaces))
else:
    platform = factories.platform_namespace(settings, opts)
    context = factories.Context(
        settings=settings,
        secrets=secrets,
        namespace=platform.namespace,
        trust=factories.trust(settings, platform.namespace, opts),
        opts=opts,
    )

    certificate = factories.certificate(context)
    route = factories.route(context, certificate)
    backups = factories.backup_bucket(context)
    database = factories.database(context, backups)
    artifact_store = factories.artifact_store(context, backups)
    factories.proof_and_undelete(context, backups, database, artifact_store)
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
    factories.retention(context, database, artifact_store, migration)
    factories.console(context)
    factories.monitoring(context, database)
    workspaces = factories.workspaces(context, gateway, certificate, factories.cluster_roles(context), artifact_store)
    factories.serving(context, workspaces)

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
