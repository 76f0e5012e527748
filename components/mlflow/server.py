"""The MLflow server: its Deployment with the login as a sidecar, its RBAC, NetworkPolicy and Service.

Workspaces are namespaces with one label, by default `mlflow-enabled=true`. Kubernetes RBAC decides about every request:
the server sends a SubjectAccessReview for the user that the login has authenticated, in the workspace's namespace, or a
SelfSubjectAccessReview with the caller's own token if the login passes that token to the server.
"""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import availability, networks, pods
from components.kubernetes.scheduling import pod_template
from components.login.front import PORT
from components.mlflow import rollout, webhooks
from components.mlflow.args import LABELS, SERVICE_ACCOUNT, MLflowArgs
from components.mlflow.pod import server_pod

core = k8s.core.v1
rbac = k8s.rbac.v1


class MLflow(pulumi.ComponentResource):
    """The Deployment of the MLflow server with OAuth2-Proxy as a sidecar, and the Service in front of OAuth2-Proxy."""

    service: core.Service

    def __init__(self, name: str, args: MLflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:MLflow", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=SERVICE_ACCOUNT, labels=LABELS),
            automount_service_account_token=False,
            opts=child,
        )
        access = [self._access(name, account, args), *self._identities(name, account, args)]
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[
                networks.Flow(
                    peers=[
                        *args.controller.peers,
                        networks.namespaces(dict(args.workspace_labels)),
                        *map(networks.namespace, args.client_namespaces),
                    ],
                    ports=[PORT],
                )
            ],
            egress=[
                *args.database.flows,
                *args.artifact_store.flows,
                *args.login.flows(controller=args.controller, api_server=args.api_server),
                *args.login.sidecar_flows,
                *webhooks.flows(args),
            ],
            opts=child,
        )
        key = webhooks.encryption_key(name, args, child)
        # A paused server has no Deployment: with `ignore_changes` one of 0 replicas would stay at 0 after the pause.
        deployments = [self._deployment(name, account, args, key, after=[*access, network])] if args.replicas else []
        availability.disruption_budget(
            name, args.namespace, labels=LABELS, replicas=rollout.most_replicas(args), opts=child
        )
        if args.autoscaling is not None:
            for deployment in deployments:
                rollout.autoscaler(name, args, args.autoscaling, deployment, child)
        self.service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="mlflow", labels=LABELS),
            spec=core.ServiceSpecArgs(
                selector=LABELS, ports=[core.ServicePortArgs(name="http", port=80, target_port=PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=deployments),
        )
        self.register_outputs({})

    def _deployment(
        self,
        name: str,
        account: core.ServiceAccount,
        args: MLflowArgs,
        webhook_key: pods.Attachment,
        *,
        after: list[pulumi.Resource],
    ) -> k8s.apps.v1.Deployment:
        return k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace,
                name="mlflow",
                labels=LABELS,
                annotations=rollout.annotations(args),
            ),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.replicas,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                strategy=rollout.strategy(args),
                template=pod_template(
                    server_pod(args, account.metadata.name, webhook_key=webhook_key), LABELS, args.scheduling
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=rollout.ignored(args),
                depends_on=[
                    *after,
                    *args.database.ready,
                    *args.artifact_store.ready,
                    *args.login.ready,
                    *args.ready,
                ],
            ),
        )

    def _access(self, name: str, account: core.ServiceAccount, args: MLflowArgs) -> rbac.ClusterRoleBinding:
        """RBAC of the server: it may read namespaces and bindings and, if needed, create SubjectAccessReviews."""
        child = pulumi.ResourceOptions(parent=self)
        # A SelfSubjectAccessReview with the caller's token needs no right of the server.
        reviews = rbac.PolicyRuleArgs(
            api_groups=["authorization.k8s.io"], resources=["subjectaccessreviews"], verbs=["create"]
        )
        role = rbac.ClusterRole(
            f"{name}-role",
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
            rules=[
                rbac.PolicyRuleArgs(api_groups=[""], resources=["namespaces"], verbs=["get", "list", "watch"]),
                # For the list of workspaces: without an index of bindings, each namespace would need a review.
                rbac.PolicyRuleArgs(
                    api_groups=["rbac.authorization.k8s.io"],
                    resources=["rolebindings", "clusterrolebindings"],
                    verbs=["list", "watch"],
                ),
                *([] if args.login.passes_token else [reviews]),
            ],
            opts=child,
        )
        return rbac.ClusterRoleBinding(
            f"{name}-binding",
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
            role_ref=rbac.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=role.metadata.name
            ),
            subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=args.namespace)],
            opts=child,
        )

    def _identities(self, name: str, account: core.ServiceAccount, args: MLflowArgs) -> list[pulumi.Resource]:
        """RBAC for reading the teams' lists of identities; empty if callers' own tokens are used for access reviews."""
        if args.login.passes_token:
            return []
        child = pulumi.ResourceOptions(parent=self)
        metadata = k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=LABELS)
        role = rbac.Role(
            f"{name}-identities-role",
            metadata=metadata,
            # `list` cannot be restricted to labels; the namespace's ConfigMaps have no secrets.
            rules=[rbac.PolicyRuleArgs(api_groups=[""], resources=["configmaps"], verbs=["list"])],
            opts=child,
        )
        binding = rbac.RoleBinding(
            f"{name}-identities-binding",
            metadata=metadata,
            role_ref=rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name),
            subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=args.namespace)],
            opts=child,
        )
        return [binding]
