"""Creation of the teams' workspaces, and of the ClusterRoles that all teams share."""

import pulumi

from components.artifacts.artifact_store import ArtifactStore, DirectAccess
from components.exposure.certificate import Certificate
from components.exposure.gateway import Gateway
from components.mlflow.args import LABELS as SERVER
from components.team.client_environment import in_cluster_url
from components.team.cluster_roles import ClusterRoles, ClusterRolesArgs
from components.team.namespace import NamespaceSettings
from components.team.quota import ContainerDefaults, NamespaceQuota
from components.team.workspace import Workspace, WorkspaceArgs
from factories.context import Context, dns
from factories.ownership import owner


def cluster_roles(context: Context) -> ClusterRoles:
    """The programs' ClusterRole, and optional ClusterRoles that aggregate to Kubernetes' own roles."""
    return ClusterRoles(
        "cluster-roles", ClusterRolesArgs(aggregate=context.settings.access.aggregate_roles), context.opts
    )


def workspaces(
    context: Context,
    gateway: Gateway,
    certificate: Certificate,
    roles: ClusterRoles,
    artifact_store: ArtifactStore,
) -> dict[str, Workspace]:
    """One workspace for each team, by the team's name."""
    url = _client_url(context, gateway, certificate)
    by_team: dict[str, Workspace] = {}
    for name, team in context.settings.teams.items():
        if artifact_store.direct_bucket is None or team.archived:
            direct = artifact_store.team_access.get(name)
            by_team[name] = _workspace(context, name, url, certificate, roles, direct=direct)
            continue
        from factories.aws import direct_access, team_key  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        access = direct_access(context, name, artifact_store.direct_bucket)
        by_team[name] = _workspace(context, name, url, certificate, roles, direct=access)
        team_key(context, name, by_team[name].namespace, artifact_store.direct_bucket)
    return by_team


def _workspace(
    context: Context,
    name: str,
    url: pulumi.Input[str],
    certificate: Certificate,
    roles: ClusterRoles,
    *,
    direct: DirectAccess | None = None,
) -> Workspace:
    team = context.settings.team(name)
    quota, limits = team.quota, team.limits
    return Workspace(
        name,
        WorkspaceArgs(
            team=name,
            multi_tenant=context.settings.workspaces.enabled,
            labels=context.settings.workspace_labels,
            description=team.own.description,
            namespace=NamespaceSettings(
                create=team.own.create_namespace,
                owner=owner(context.settings),
                labels=team.own.namespace_labels,
                annotations=team.own.namespace_annotations,
            ),
            groups=team.groups,
            users=team.members,
            integration_role=roles.integration,
            service_accounts=team.service_accounts,
            logging_accounts=team.logging_accounts,
            reviews_names=context.settings.access.review == "subject",
            aggregated=context.settings.access.aggregate_roles,
            mount_tokens=context.settings.cluster.admits_default_tokens,
            quota=NamespaceQuota(
                cpu=quota.cpu, memory=quota.memory, storage=quota.storage, pods=quota.pods, gpus=quota.gpus
            ),
            container_defaults=ContainerDefaults(
                cpu=limits.cpu,
                memory=limits.memory,
                cpu_request=limits.cpu_request,
                memory_request=limits.memory_request,
            ),
            url=url,
            authority=certificate.authority,
            platform_namespace=context.namespace,
            server_labels=SERVER,
            dns=dns(context.settings.cluster.dns),
            controller_namespace=context.settings.cluster.ingress_namespace,
            ingress_addresses=context.settings.cluster.ingress_addresses,
            api_server=context.settings.cluster.api_server if context.settings.workspaces.api_server else (),
            direct_access=direct,
            durable=context.settings.durable,
            archived=team.own.archived,
        ),
        context.opts,
    )


def _client_url(context: Context, gateway: Gateway, certificate: Certificate) -> pulumi.Input[str]:
    """MLflow's URL for clients in pods: the public URL, or the Service's URL if the public one uses a private CA."""
    if certificate.authority is None:
        return gateway.url
    domain = context.settings.cluster.domain
    return context.namespace.apply(lambda namespace: in_cluster_url(namespace, context.address.path, domain))
