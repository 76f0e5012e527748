"""A team: its namespace, who may do what in it, and what its programs need to log.

MLflow takes every namespace labelled `mlflow-enabled=true` for a workspace and asks Kubernetes RBAC in that
namespace about each request. The resources of the rules are names that only MLflow knows; no CRD belongs to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import networks
from components.login import PORT as LOGIN_PORT
from components.namespace import POD_SECURITY_LABELS
from components.pods import PART_OF

core = k8s.core.v1
rbac = k8s.rbac.v1

ENABLED_LABEL = "mlflow-enabled"
WORKSPACE_LABELS = {ENABLED_LABEL: "true"}
DESCRIPTION_ANNOTATION = "mlflow.kubeflow.org/workspace-description"
API_GROUP = "mlflow.kubeflow.org"
RESOURCES = ["experiments", "datasets", "registeredmodels"]
MANAGER_VERBS = ["get", "list", "create", "update", "delete"]
# A program records and reads; deleting is left to people.
PROGRAM_VERBS = ["get", "list", "create", "update"]
# Where the snippets of docs/ mount the authority of the platform's certificate.
AUTHORITY_PATH = "/etc/mlflow/ca.crt"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceArgs:
    """Input of `Workspace`."""

    team: str
    """Name of the team, of its namespace and of its MLflow workspace."""

    description: str
    manager_groups: Sequence[str]
    """Groups of the identity provider whose members manage the workspace."""

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


def _rule(resources: list[str], verbs: list[str]) -> rbac.PolicyRuleArgs:
    return rbac.PolicyRuleArgs(api_groups=[API_GROUP], resources=resources, verbs=verbs)


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
                networks.Flow(peers=[networks.namespace(args.controller_namespace)], ports=networks.CONTROLLER_PORTS),
            ],
            opts=child,
        )
        self.service_account = self._access(name, args.manager_groups)
        self._client(name, args)
        self.register_outputs({"namespace": self.namespace, "serviceAccount": self.service_account})

    def _access(self, name: str, manager_groups: Sequence[str]) -> pulumi.Output[str]:
        """Roles of people and programs; returns the programs' service account."""
        child = pulumi.ResourceOptions(parent=self)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name="mlflow-client"),
            # Pods ask for a token of the audience `mlflow`; the API server's is of no use here.
            automount_service_account_token=False,
            opts=child,
        )
        managers = [
            rbac.SubjectArgs(api_group="rbac.authorization.k8s.io", kind="Group", name=group)
            for group in manager_groups
        ]
        self._grant(f"{name}-manager", "mlflow-manager", _rule(RESOURCES, MANAGER_VERBS), managers)
        # The UI asks for the AI gateway's endpoints on every page of runs, although the gateway is off, and shows a
        # refusal in red; the answer is an empty list.
        self._grant(f"{name}-gateway", "mlflow-gateway", _rule(["gatewayendpoints/use"], ["create"]), managers)
        self._grant(
            f"{name}-program",
            "mlflow-program",
            _rule(RESOURCES, PROGRAM_VERBS),
            [rbac.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=self.namespace)],
        )
        return account.metadata.name

    def _grant(self, name: str, role: str, rule: rbac.PolicyRuleArgs, subjects: list[rbac.SubjectArgs]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        created = rbac.Role(
            f"{name}-role",
            # Explicit: auditors and other tools look for these names.
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=role),
            rules=[rule],
            opts=child,
        )
        rbac.RoleBinding(
            f"{name}-binding",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=role),
            role_ref=rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=created.metadata.name),
            subjects=subjects,
            opts=child,
        )

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
