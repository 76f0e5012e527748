"""All models that a team serves: their servers, what the servers may read, and the rollout of aliases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.names import DOMAIN
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.serving.contract import ACCOUNTS, MODEL_SERVER, ROLLOUT
from components.serving.model_server import PORT
from components.serving.rollout import Rollout, RolloutArgs
from components.serving.served_model import Model, ServedModel, ServedModelArgs
from components.serving.split import NAME as SPLIT
from components.team.role_bindings import RBAC_GROUP, role_name

core = k8s.core.v1
rbac = k8s.rbac.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingArgs:
    """Input of `Serving`."""

    team: str
    """Name of the team's namespace."""

    namespace: pulumi.Input[str]
    models: Mapping[str, Model]
    """The models by the names of their Services."""

    team_namespaces: Mapping[str, pulumi.Input[str]]
    """Namespaces of all teams by name."""

    workspace: pulumi.Resource
    """The team's workspace, whose Role for viewers is bound here."""

    client_settings: core.ConfigMap
    """The environment of the team's MLflow clients."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the rollout's pod."""

    rollout_image: str
    split_image: str
    audience: str
    """Audience of service-account tokens that MLflow accepts."""

    domain: str = DOMAIN
    """The cluster's DNS domain."""

    api_server: Sequence[str]
    """Address ranges of the API server."""


class Serving(pulumi.ComponentResource):
    """The served models of one team."""

    def __init__(self, name: str, args: ServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Serving", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        accounts = {
            account: core.ServiceAccount(
                f"{name}-{account}",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=account),
                automount_service_account_token=False,
                opts=child,
            )
            for account in ACCOUNTS
        }
        readers = _readers(
            name,
            args.namespace,
            list(accounts.values()),
            pulumi.ResourceOptions(parent=self, depends_on=[args.workspace]),
        )
        servers = [networks.pods(pods.labels(component)) for component in (MODEL_SERVER, SPLIT)]
        within = networks.open_flows(
            name, args.namespace, to_pods={}, egress=[networks.Flow(peers=servers, ports=[PORT])], opts=child
        )
        models = [
            ServedModel(
                f"{name}-{served}",
                ServedModelArgs(
                    team=args.team,
                    namespace=args.namespace,
                    served=served,
                    model=model,
                    account=accounts[MODEL_SERVER].metadata.name,
                    audience=args.audience,
                    domain=args.domain,
                    split_image=args.split_image,
                    team_namespaces=args.team_namespaces,
                    ready=[readers, within],
                ),
                child,
            )
            for served, model in args.models.items()
        ]
        Rollout(
            f"{name}-rollout",
            RolloutArgs(
                team=args.team,
                namespace=args.namespace,
                image=args.rollout_image,
                pull_secrets=sorted({secret for model in args.models.values() for secret in model.pull_secrets}),
                scheduling=args.scheduling,
                account=accounts[ROLLOUT],
                audience=args.audience,
                client_settings=args.client_settings,
                targets=[target for model in models for target in model.targets],
                api_server=args.api_server,
                ready=[readers],
            ),
            child,
        )
        self.register_outputs({})


def _readers(
    name: str,
    namespace: pulumi.Input[str],
    accounts: Sequence[core.ServiceAccount],
    opts: pulumi.ResourceOptions,
) -> rbac.RoleBinding:
    """The binding that lets the accounts read the team's models.

    Reading only: a model is code, and whoever registers one decides what runs in these pods.
    """
    return rbac.RoleBinding(
        f"{name}-reader-binding",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name="mlflow-serving"),
        role_ref=rbac.RoleRefArgs(api_group=RBAC_GROUP, kind="Role", name=role_name("viewer")),
        subjects=[
            rbac.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=namespace)
            for account in accounts
        ],
        opts=opts,
    )
