"""A team's rollout of models: one small pod that writes the version behind each alias into the servers' templates.

It may `get` and `patch` exactly these servers, and read in the team's workspace.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.scripts import script
from components.serving.contract import NO_WAIT, ROLLOUT, Target
from components.sizes import ROLLOUT_CPU, ROLLOUT_MEMORY
from components.team.client_environment import NAME as CLIENT_SETTINGS
from components.team.role_bindings import RBAC_GROUP

core = k8s.core.v1
rbac = k8s.rbac.v1

LABELS = pods.labels(ROLLOUT)
HEALTH_PORT = 8080
MLFLOW_TOKEN_FOLDER = "/var/run/secrets/mlflow"  # noqa: S105 - a path
RESOURCES = pods.Resources(cpu="10m", memory="48Mi", cpu_limit=ROLLOUT_CPU, memory_limit=ROLLOUT_MEMORY)


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutArgs:
    """Input of `Rollout`."""

    team: str
    """Name of the team's namespace."""

    namespace: pulumi.Input[str]
    image: str
    """Image with `python3`; the server's."""

    pull_secrets: Sequence[str]
    """Names of image pull Secrets in the team's namespace."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    account: core.ServiceAccount
    audience: str
    """Audience of the token with which the pod reads the registry."""

    client_settings: core.ConfigMap
    """The environment of the team's MLflow clients."""

    targets: Sequence[Target]
    api_server: Sequence[str]
    """Address ranges of the API server."""

    ready: Sequence[pulumi.Resource] = ()
    """Resources that must exist before the pod starts."""


def served_models(team: str, targets: Sequence[Target]) -> str:
    """The servers and their aliases, as JSON for the script."""
    return json.dumps(
        [
            {
                "server": one.server,
                "model": one.model,
                "alias": one.alias,
                "path": f"/apis/{one.group}/{one.version}/namespaces/{team}/{one.resource}/{one.server}",
                "annotations": list(one.annotations),
                "watched": one.watched,
            }
            for one in targets
        ]
    )


def rules(targets: Sequence[Target]) -> list[rbac.PolicyRuleArgs]:
    """The right to read and patch exactly these servers."""
    kinds = sorted({(one.group, one.resource) for one in targets})
    return [
        rbac.PolicyRuleArgs(
            api_groups=[group],
            resources=[resource],
            resource_names=sorted(one.server for one in targets if (one.group, one.resource) == (group, resource)),
            verbs=["get", "patch"],
        )
        for group, resource in kinds
    ]


class Rollout(pulumi.ComponentResource):
    """The Deployment of the rollout, its Role and its NetworkPolicy."""

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Rollout", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=ROLLOUT, labels=LABELS)
        role = rbac.Role(f"{name}-role", metadata=metadata, rules=rules(args.targets), opts=child)
        binding = rbac.RoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref=rbac.RoleRefArgs(api_group=RBAC_GROUP, kind="Role", name=role.metadata.name),
            subjects=[
                rbac.SubjectArgs(kind="ServiceAccount", name=args.account.metadata.name, namespace=args.namespace)
            ],
            opts=child,
        )
        network = networks.open_flows(
            name, args.namespace, to_pods=LABELS, egress=[networks.api_server(args.api_server)], opts=child
        )
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace, name=ROLLOUT, labels=LABELS, annotations=NO_WAIT
            ),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                # One that does its work twice would do no harm, and one that is replaced is not missed.
                strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                template=pod_template(_pod(args), LABELS, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[binding, network, *args.ready]),
        )
        self.register_outputs({})


def _pod(args: RolloutArgs) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="rollout",
        image=args.image,
        command=["python3", "-c", script("follow_aliases.py")],
        env_from=[core.EnvFromSourceArgs(config_map_ref=core.ConfigMapEnvSourceArgs(name=CLIENT_SETTINGS))],
        resources=RESOURCES.to_args(),
        readiness_probe=pods.http_probe("/", HEALTH_PORT, period=10, failures=3),
        liveness_probe=pods.http_probe("/", HEALTH_PORT, period=30, failures=3),
    )
    attachment = pods.joined(
        pods.Attachment(
            env=(
                core.EnvVarArgs(name="SERVED_MODELS", value=served_models(args.team, args.targets)),
                # Changed settings are a new ConfigMap of the same name: with its identity the pod is replaced too.
                core.EnvVarArgs(
                    name="SETTINGS_UID", value=args.client_settings.metadata.apply(lambda metadata: metadata.uid or "")
                ),
            )
        ),
        volumes.token("kubernetes", volumes.TOKEN_FOLDER, audience=None),
        volumes.token("mlflow", MLFLOW_TOKEN_FOLDER, audience=args.audience),
    )
    return pods.hardened_pod(
        pods.MLFLOW_UID,
        container,
        attachment,
        pull_secrets=args.pull_secrets,
        service_account=args.account.metadata.name,
        termination_seconds=5,
    )
