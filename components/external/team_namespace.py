"""The namespace of a team whose tracking server is not part of the platform.

It has no label of an MLflow workspace and no Roles: the tracking server decides about access, not this cluster's RBAC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pulumi
import pulumi_kubernetes as k8s

from components.external.connectivity import ConnectivityArgs, connectivity_job
from components.external.tracking import CREDENTIALS, Credentials, GivenCredentials, TrackingServer, environment
from components.kubernetes import networks
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.team import client_environment
from components.team.namespace import OWN, NamespaceSettings, namespace
from components.team.quota import ContainerDefaults, NamespaceQuota, limit_namespace

core = k8s.core.v1

# Explicit name: people look for it when a connection fails.
POLICY = "allow-mlflow-egress"


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamNamespaceArgs:
    """Input of `TeamNamespace`."""

    team: str
    """Name of the team and of its namespace."""

    description: str
    namespace: NamespaceSettings = OWN
    """Creation, labels and annotations of the namespace."""

    quota: NamespaceQuota
    container_defaults: ContainerDefaults
    server: TrackingServer
    credentials: Credentials | None
    """None if the server asks for none."""

    pod_label: tuple[str, str]
    """Key and value of the label of pods that may connect to the server."""

    client_version: str | None
    """Version of the team's MLflow client; None means that it is not compared with the server's."""

    image: str
    """Image with Python for the connectivity check."""

    pull_secrets: Sequence[str]
    """Image pull Secrets in the team's namespace."""

    dns: networks.Dns = field(default_factory=networks.Dns)
    """Where the cluster answers DNS requests."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    durable: bool
    """True protects the namespace from deletion, unless the team is archived."""

    archived: bool
    """True sets the pod quota to 0 and skips the connectivity check."""


class TeamNamespace(pulumi.ComponentResource):
    """Namespace, quota, NetworkPolicies, client settings and connectivity check of one team."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(self, name: str, args: TeamNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:TeamNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = namespace(
            name,
            args.team,
            args.namespace,
            labels={},
            description=args.description,
            archived=args.archived,
            durable=args.durable,
            parent=self,
        )
        networks.closed_namespace(name, self.namespace, child, dns=args.dns)
        key, value = args.pod_label
        egress = networks.client_egress(
            name, self.namespace, POLICY, to_pods={key: value}, egress=args.server.flows, dns=args.dns, opts=child
        )
        quota = replace(args.quota, pods=0) if args.archived else args.quota
        limit_namespace(name, self.namespace, quota, args.container_defaults, child)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=client_environment.NAME),
            # Nothing accepts its token.
            automount_service_account_token=False,
            opts=child,
        )
        self.service_account = account.metadata.name
        pem = args.server.authority
        maps = client_environment.config_maps(
            name,
            self.namespace,
            {**environment(args.server)},
            None if pem is None else pulumi.Output.from_input(pem),
            child,
        )
        secret = self._secret(name, args)
        if not args.archived:
            connectivity_job(
                f"{name}-connectivity",
                ConnectivityArgs(
                    namespace=self.namespace,
                    image=args.image,
                    pull_secrets=args.pull_secrets,
                    scheduling=args.scheduling,
                    server=args.server,
                    credentials=args.credentials,
                    secret=secret,
                    client_version=args.client_version,
                    pod_labels={key: value},
                    service_account=self.service_account,
                    ready=[egress, *maps, *([] if secret is None else [secret])],
                ),
                child,
            )
        self.register_outputs({"namespace": self.namespace, "serviceAccount": self.service_account})

    def _secret(self, name: str, args: TeamNamespaceArgs) -> core.Secret | None:
        """The Secret with credentials from the stack file."""
        if not isinstance(args.credentials, GivenCredentials):
            return None
        return core.Secret(
            f"{name}-credentials",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self.namespace, name=CREDENTIALS),
            string_data=dict(args.credentials.values),
            opts=pulumi.ResourceOptions(parent=self),
        )
