"""Creation of the teams' namespaces in a stack whose tracking server is not part of it."""

from collections.abc import Mapping

import pulumi

from components.external.team_namespace import TeamNamespace, TeamNamespaceArgs
from components.external.tracking import (
    DATABRICKS_TOKEN,
    PASSWORD,
    TOKEN,
    USERNAME,
    Credentials,
    GivenCredentials,
    SecretOfTeam,
    TrackingServer,
)
from components.team.namespace import NamespaceSettings
from components.team.quota import ContainerDefaults, NamespaceQuota
from factories.context import dns, http_proxy, mirrored
from factories.ownership import owner
from factories.scheduling import scheduling
from settings.schema.external import (
    CredentialsInSecret,
    DatabricksServer,
    ExternalSettings,
    MergedExternalTeam,
    PasswordCredentials,
)
from settings.secrets import Secrets, required


def team_namespaces(
    settings: ExternalSettings, secrets: Secrets, opts: pulumi.ResourceOptions, *, stack: str
) -> dict[str, TeamNamespace]:
    """One namespace for each team of the stack called `stack`, by the team's name."""
    server, its = tracking_server(settings), owner(settings, stack)
    return {
        name: _team_namespace(settings, name, server, _credentials(settings.team(name), secrets), opts, owner=its)
        for name in settings.teams
    }


def tracking_server(settings: ExternalSettings) -> TrackingServer:
    """The tracking server that the teams use."""
    return TrackingServer(
        url=settings.url,
        databricks=isinstance(settings.server, DatabricksServer),
        addresses=settings.addresses,
        ports=settings.ports,
        proxy=http_proxy(settings.cluster),
        authority=settings.cluster.authorities,
    )


def _team_namespace(
    settings: ExternalSettings,
    name: str,
    server: TrackingServer,
    credentials: Credentials | None,
    opts: pulumi.ResourceOptions,
    *,
    owner: str,
) -> TeamNamespace:
    team = settings.team(name)
    quota, limits = team.quota, team.limits
    key, _, value = team.pod_label.partition("=")
    return TeamNamespace(
        name,
        TeamNamespaceArgs(
            team=name,
            description=team.own.description,
            namespace=NamespaceSettings(
                create=team.own.create_namespace,
                owner=owner,
                labels=team.own.namespace_labels,
                annotations=team.own.namespace_annotations,
            ),
            quota=NamespaceQuota(
                cpu=quota.cpu, memory=quota.memory, storage=quota.storage, pods=quota.pods, gpus=quota.gpus
            ),
            container_defaults=ContainerDefaults(
                cpu=limits.cpu,
                memory=limits.memory,
                cpu_request=limits.cpu_request,
                memory_request=limits.memory_request,
            ),
            server=server,
            credentials=credentials,
            pod_label=(key, value),
            client_version=team.client_version,
            image=mirrored(settings.images.check, settings.images.registry),
            pull_secrets=settings.images.pull_secrets,
            dns=dns(settings.cluster.dns),
            scheduling=scheduling(settings.scheduling),
            durable=settings.durable,
            archived=team.own.archived,
        ),
        opts,
    )


def _credentials(team: MergedExternalTeam, secrets: Secrets) -> Credentials | None:
    chosen = team.credentials
    if chosen is None:
        return None
    if isinstance(chosen, CredentialsInSecret):
        return SecretOfTeam(name=chosen.name, rotation=chosen.rotation)
    if isinstance(chosen, PasswordCredentials):
        return GivenCredentials(values={USERNAME: chosen.username, PASSWORD: required(secrets.tracking_password)})
    if isinstance(team.stack.server, DatabricksServer):
        return GivenCredentials(values={DATABRICKS_TOKEN: required(secrets.databricks_token)})
    return GivenCredentials(values={TOKEN: required(secrets.tracking_token)})


def outputs(settings: ExternalSettings, namespaces: Mapping[str, TeamNamespace]) -> dict[str, dict[str, object]]:
    """Namespace, service account and label for the pods of each team: an output of the stack."""
    return {
        name: {
            "namespace": namespace.namespace,
            "serviceAccount": namespace.service_account,
            "workspace": None,
            "podLabel": settings.team(name).pod_label,
            "archived": settings.teams[name].archived,
        }
        for name, namespace in namespaces.items()
    }
