"""A team's workspace: its namespace with RBAC, quota and NetworkPolicies, and the settings of its MLflow clients.

Every namespace with one label, by default `mlflow-enabled=true`, is an MLflow workspace; Kubernetes RBAC in that
namespace decides about each request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import TEAM_SECRET, DirectAccess
from components.kubernetes import networks
from components.login.front import PORT as LOGIN_PORT
from components.team import client_environment, identities, role_bindings
from components.team.namespace import OWN, NamespaceSettings, namespace
from components.team.quota import ContainerDefaults, NamespaceQuota, limit_namespace

core = k8s.core.v1

WORKSPACE_LABELS = {"mlflow-enabled": "true"}


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceArgs:
    """Input of `Workspace`."""

    team: str
    """Name of the team, of its namespace and of its MLflow workspace."""

    multi_tenant: bool
    """True if MLflow runs with workspaces."""

    labels: Mapping[str, str] = field(default_factory=WORKSPACE_LABELS.copy)
    """Labels that make the namespace a workspace."""

    description: str
    namespace: NamespaceSettings = OWN
    """Creation, labels and annotations of the namespace."""

    groups: Mapping[str, Sequence[str]]
    """Groups of the identity provider by role (`components.team.permissions.VERBS`)."""

    users: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Users by role, for logins whose sessions have no groups."""

    integration_role: pulumi.Input[str]
    """Name of the programs' ClusterRole."""

    service_accounts: Sequence[tuple[str, str]] = ()
    """Namespace and name of further service accounts with the programs' rights."""

    logging_accounts: Sequence[tuple[str, str]] = ()
    """Namespace and name of service accounts that log runs, and neither register models nor delete experiments."""

    reviews_names: bool
    """True if the server sends names of users and groups to Kubernetes in access reviews, and so needs the team's list
    of identities."""

    aggregated: bool = False
    """True if Kubernetes' own roles give access to MLflow too."""

    mount_tokens: bool
    """True if Kubernetes mounts its default token in pods with the service account `mlflow-client`."""

    quota: NamespaceQuota
    container_defaults: ContainerDefaults

    url: pulumi.Input[str]
    """Tracking URI for the team's programs."""

    authority: pulumi.Output[str] | None
    """CA certificate that clients have to trust, as PEM; None means the public CA certificates."""

    platform_namespace: pulumi.Input[str]
    server_labels: dict[str, str]
    """Labels of the server's pods."""

    dns: networks.Dns = field(default_factory=networks.Dns)
    """Where the cluster answers DNS requests."""

    controller_namespace: str
    """Namespace of the ingress controller."""

    ingress_addresses: Sequence[str] = ()
    """Address ranges of an external load balancer in front of the ingress controller, which pods connect to."""

    api_server: Sequence[str] = ()
    """Address ranges of the API server; empty if the team's pods may not connect to it."""

    direct_access: DirectAccess | None = None
    """Direct access to the workspace's artifacts; None means through the server only."""

    durable: bool
    """True protects the namespace from deletion, unless the team is archived."""

    archived: bool
    """True removes all rights of programs and sets the quota of pods to 0; people keep the rights that `groups` and
    `users` give them."""


def identity_list(args: WorkspaceArgs) -> str:
    """The list of identities with access to the team, for the server."""
    return identities.document(
        groups=(group for groups in args.groups.values() for group in groups),
        users=(user for users in args.users.values() for user in users),
        # Of an archived team too: people may bind its service accounts by hand.
        namespaces=[args.team, *(home for home, _ in (*args.service_accounts, *args.logging_accounts))],
        everybody=args.aggregated,
    )


def _egress(args: WorkspaceArgs) -> list[networks.Flow]:
    """What the team's pods may connect to, besides DNS."""
    server = networks.namespace(args.platform_namespace, args.server_labels)
    return [
        networks.Flow(peers=[server], ports=[LOGIN_PORT]),
        networks.Flow(peers=[networks.namespace(args.controller_namespace)], ports=networks.CONTROLLER_PORTS),
        *networks.to_addresses(args.ingress_addresses, (443,)),
        *networks.to_addresses(args.api_server, networks.API_SERVER_PORTS),
        *(args.direct_access.flows if args.direct_access else ()),
    ]


class Workspace(pulumi.ComponentResource):
    """Namespace, RBAC, quota, NetworkPolicies and client settings of one team."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Workspace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = namespace(
            name,
            args.team,
            args.namespace,
            labels=args.labels,
            description=args.description,
            archived=args.archived,
            durable=args.durable,
            parent=self,
        )
        networks.closed_namespace(name, self.namespace, child, dns=args.dns)
        networks.open_flows(name, self.namespace, to_pods={}, egress=_egress(args), opts=child)
        quota = replace(args.quota, pods=0) if args.archived else args.quota
        limit_namespace(name, self.namespace, quota, args.container_defaults, child)
        role_bindings.people(name, self.namespace, args.groups, child, users=args.users)
        if args.reviews_names:
            identities.config_map(name, identity_list(args), args.platform_namespace, child)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=self.namespace,
                name=client_environment.NAME,
                annotations=args.direct_access.annotations if args.direct_access else None,
            ),
            automount_service_account_token=args.mount_tokens,
            opts=child,
        )
        self.service_account = account.metadata.name
        self._bind_programs(name, args, child)
        variables = {
            **client_environment.environment(args.team if args.multi_tenant else None, args.url),
            **(args.direct_access.environment if args.direct_access else {}),
        }
        self.client_settings, *_ = client_environment.config_maps(
            name, self.namespace, variables, args.authority, child
        )
        if args.direct_access and args.direct_access.secret:
            core.Secret(
                f"{name}-artifacts",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=TEAM_SECRET),
                string_data=args.direct_access.secret,
                opts=child,
            )
        self.register_outputs({"namespace": self.namespace, "serviceAccount": self.service_account})

    def _bind_programs(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions) -> None:
        if not args.archived:
            accounts = [(self.namespace, self.service_account), *args.service_accounts]
            role_bindings.programs(name, self.namespace, accounts, args.integration_role, opts)
        if args.logging_accounts:
            role_bindings.loggers(name, self.namespace, args.logging_accounts, opts)
