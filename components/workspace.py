"""A team: its namespace, who may do what in it, and what its programs need to log.

MLflow takes every namespace labelled `mlflow-enabled=true` for a workspace and asks Kubernetes RBAC in that
namespace about each request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import grants, networks
from components.login import PORT as LOGIN_PORT
from components.namespace import POD_SECURITY_LABELS
from components.pods import PART_OF

core = k8s.core.v1

ENABLED_LABEL = "mlflow-enabled"
WORKSPACE_LABELS = {ENABLED_LABEL: "true"}
DESCRIPTION_ANNOTATION = "mlflow.kubeflow.org/workspace-description"
# Where the snippets of docs/ mount the authority of the platform's certificate.
AUTHORITY_PATH = "/etc/mlflow/ca.crt"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceArgs:
    """Input of `Workspace`."""

    team: str
    """Name of the team, of its namespace and of its MLflow workspace."""

    description: str
    groups: Mapping[str, Sequence[str]]
    """Groups of the identity provider by the role that their members have (`components.roles.VERBS`)."""

    integration_role: pulumi.Input[str]
    """ClusterRole that the namespace's programs are bound to."""

    url: str
    """The platform's public URL."""

    authority: pulumi.Output[str] | None
    """PEM of a private authority that clients have to trust."""

    platform_namespace: pulumi.Input[str]
    server_labels: dict[str, str]
    """Labels of the server's pods."""

    controller_namespace: str
    """Namespace of the ingress controller."""

    durable: bool
    """Whether deleting the namespace is refused."""


def client_environment(team: str, url: str, *, private_authority: bool) -> dict[str, str]:
    """Environment of an MLflow client in the team's namespace, for `envFrom`."""
    environment = {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_WORKSPACE": team,
        "MLFLOW_TRACKING_AUTH": "kubernetes-namespaced",
    }
    if private_authority:
        environment |= {
            "MLFLOW_TRACKING_SERVER_CERT_PATH": AUTHORITY_PATH,
            "REQUESTS_CA_BUNDLE": AUTHORITY_PATH,
        }
    return environment


class Workspace(pulumi.ComponentResource):
    """Namespace, roles, network and client settings of one team."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Workspace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = core.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.team,
                labels={"app.kubernetes.io/part-of": PART_OF, **WORKSPACE_LABELS, **POD_SECURITY_LABELS},
                annotations={DESCRIPTION_ANNOTATION: args.description},
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.durable, retain_on_delete=args.durable),
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
                # Traefik's container ports, and those of controllers that listen on 443 themselves.
                networks.Flow(peers=[networks.namespace(args.controller_namespace)], ports=[443, 8443]),
            ],
            opts=child,
        )
        grants.people(name, self.namespace, args.groups, child)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name="mlflow-client"),
            # Pods ask for a token of the audience `mlflow`; the API server's is of no use here.
            automount_service_account_token=False,
            opts=child,
        )
        self.service_account = account.metadata.name
        grants.programs(name, self.namespace, self.service_account, args.integration_role, child)
        self._client(name, args)
        self.register_outputs({"namespace": self.namespace, "serviceAccount": self.service_account})

    def _client(self, name: str, args: WorkspaceArgs) -> None:
        """What a pod mounts: `mlflow-client` with `envFrom`, `mlflow-ca` at `AUTHORITY_PATH`."""
        child = pulumi.ResourceOptions(parent=self)
        private = args.authority is not None
        core.ConfigMap(
            f"{name}-client",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name="mlflow-client"),
            data=client_environment(args.team, args.url, private_authority=private),
            opts=child,
        )
        if args.authority is not None:
            core.ConfigMap(
                f"{name}-authority",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name="mlflow-ca"),
                data={"ca.crt": args.authority},
                opts=child,
            )
