"""A team: its namespace, who may do what in it, and what its programs need to log.

MLflow takes every namespace labelled `mlflow-enabled=true` for a workspace and asks Kubernetes RBAC in that
namespace about each request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import DirectAccess
from components.kubernetes import networks
from components.kubernetes.namespace import POD_SECURITY_LABELS
from components.kubernetes.pods import PART_OF
from components.login.oauth2_proxy import PORT as LOGIN_PORT
from components.team import client_environment as clients
from components.team import quota as allowance
from components.team import role_bindings as grants

core = k8s.core.v1

ENABLED_LABEL = "mlflow-enabled"
WORKSPACE_LABELS = {ENABLED_LABEL: "true"}
# Tells the policy pack, and whoever looks at the cluster, that the namespace may go.
ARCHIVED_LABELS = {"mlflow-platform/archived": "true"}
DESCRIPTION_ANNOTATION = "mlflow.kubeflow.org/workspace-description"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceArgs:
    """Input of `Workspace`."""

    team: str
    """Name of the team, of its namespace and of its MLflow workspace."""

    multi_tenant: bool
    """Whether MLflow has workspaces."""

    description: str
    groups: Mapping[str, Sequence[str]]
    """Groups of the identity provider by the role that their members have (`components.roles.VERBS`)."""

    users: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Users by role, where no identity provider says who is in which group."""

    integration_role: pulumi.Input[str]
    """ClusterRole that the namespace's programs are bound to."""

    service_accounts: Sequence[tuple[str, str]] = ()
    """Namespace and name of further service accounts that read and write in the workspace."""

    mount_tokens: bool
    """Whether pods of the platform's service account carry the token that Kubernetes mounts by default."""

    quota: allowance.Quota
    container_defaults: allowance.ContainerDefaults

    url: pulumi.Input[str]
    """Where the team's programs find MLflow."""

    authority: pulumi.Output[str] | None
    """PEM of a private authority that clients have to trust."""

    platform_namespace: pulumi.Input[str]
    server_labels: dict[str, str]
    """Labels of the server's pods."""

    controller_namespace: str
    """Namespace of the ingress controller."""

    ingress_addresses: Sequence[str] = ()
    """Addresses of a load balancer in front of it that pods reach from outside the cluster only."""

    api_server: Sequence[str] = ()
    """Addresses of the API server, where the team's pods may reach it."""

    artifacts: DirectAccess | None = None
    """The way to the files of the team's own workspace, where there is one beside the server."""

    durable: bool
    """Whether deleting the namespace is refused, as long as the team is not archived."""

    archived: bool
    """Whether programs have lost their right to write and no pod starts. That people have is in `groups`."""


class Workspace(pulumi.ComponentResource):
    """Namespace, roles, network and client settings of one team."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Workspace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = args.durable and not args.archived
        namespace = core.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.team,
                labels={
                    "app.kubernetes.io/part-of": PART_OF,
                    **WORKSPACE_LABELS,
                    **POD_SECURITY_LABELS,
                    **(ARCHIVED_LABELS if args.archived else {}),
                },
                annotations={DESCRIPTION_ANNOTATION: args.description},
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=kept, retain_on_delete=kept),
        )
        self.namespace = namespace.metadata.name
        networks.closed_namespace(name, self.namespace, child)
        networks.open_flows(
            name,
            self.namespace,
            to_pods={},
            egress=[
                networks.Flow(
                    peers=[networks.namespace(args.platform_namespace, args.server_labels)], ports=[LOGIN_PORT]
                ),
                networks.Flow(peers=[networks.namespace(args.controller_namespace)], ports=networks.CONTROLLER_PORTS),
                *networks.to_addresses(args.ingress_addresses, (443,)),
                *networks.to_addresses(args.api_server, networks.API_SERVER_PORTS),
                *(args.artifacts.flows if args.artifacts else ()),
            ],
            opts=child,
        )
        quota = replace(args.quota, pods=0) if args.archived else args.quota
        allowance.bound(name, self.namespace, quota, args.container_defaults, child)
        grants.people(name, self.namespace, args.groups, child, users=args.users)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=self.namespace,
                name=clients.NAME,
                annotations=args.artifacts.annotations if args.artifacts else None,
            ),
            automount_service_account_token=args.mount_tokens,
            opts=child,
        )
        self.service_account = account.metadata.name
        if not args.archived:
            accounts = [(self.namespace, self.service_account), *args.service_accounts]
            grants.programs(name, self.namespace, accounts, args.integration_role, child)
        variables = {
            **clients.environment(args.team if args.multi_tenant else None, args.url),
            **(args.artifacts.environment if args.artifacts else {}),
        }
        clients.config_maps(name, self.namespace, variables, args.authority, child)
        self.register_outputs({"namespace": self.namespace, "serviceAccount": self.service_account})
