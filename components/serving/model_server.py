"""A model server: pods that answer requests with one version of a registered model.

Pulumi deploys the servers without a version. The team's rollout (components/serving/rollout.py) writes the version that
the alias points to into the pod template; Kubernetes then replaces pod by pod, each when its successor has loaded the
version and scored its input example. A pod never changes its version, even if the alias moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import availability, pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.scripts import script
from components.serving.contract import NO_WAIT, VERSION, Target
from components.sizes import SURGE
from components.team.client_environment import NAME as CLIENT_SETTINGS

core = k8s.core.v1

PORT = 8080
# A pod that has no version yet answers only the first.
ALIVE, READY = "/health", "/ping"
# Longest time for the answer to one request.
REQUEST_SECONDS = 60
PROBE_SECONDS = 5
VERSION_PATH = ("spec", "template", "metadata", "annotations")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelServerArgs:
    """Input of `ModelServer`."""

    namespace: pulumi.Input[str]
    server: str
    """Name of the Deployment."""

    labels: Mapping[str, str]
    """Labels of the pods, by which the Deployment selects them."""

    model: str
    """Name of the registered model."""

    alias: str
    image: str
    """Image with `python3`, MLflow 3 and the packages that the model needs."""

    pull_secrets: Sequence[str]
    """Names of image pull Secrets in the team's namespace."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    account: pulumi.Input[str]
    audience: str
    """Audience of the token with which the pods read the model."""

    replicas: int
    resources: pods.Resources
    model_space: str
    """Size of the volume for the model's files, as a Kubernetes quantity."""

    start_seconds: int
    """Longest time from the start of a pod until its model is ready."""

    ready: Sequence[pulumi.Resource] = ()
    """Resources that must exist before the pods start."""


def model_pod(args: ModelServerArgs, *, container: str = "model") -> core.PodSpecArgs:
    """The spec of a pod that serves the version in its own annotation; `container` is the name of its container."""
    attachment = pods.joined(
        pods.Attachment(env=tuple(core.EnvVarArgs(name=key, value=value) for key, value in _environment(args).items())),
        pods.Attachment(env=(_version(),)),
        volumes.tmp(args.model_space),
        volumes.token("token", volumes.TOKEN_FOLDER, audience=args.audience),
    )
    return pods.hardened_pod(
        pods.MLFLOW_UID,
        _container(args, container),
        attachment,
        pull_secrets=args.pull_secrets,
        service_account=args.account,
        spread=availability.spread(args.labels, "preferred", args.scheduling.topology_keys),
        termination_seconds=availability.DRAIN_SECONDS + REQUEST_SECONDS + 5,
    )


def _environment(args: ModelServerArgs) -> dict[str, str]:
    return {
        "MODEL_NAME": args.model,
        "MODEL_ALIAS": args.alias,
        "DRAIN_SECONDS": str(availability.DRAIN_SECONDS),
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(REQUEST_SECONDS),
        # Packages write their caches there.
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "PYTHONUNBUFFERED": "1",
    }


def _version() -> core.EnvVarArgs:
    """The version in the pod's annotation; empty until the rollout has found one."""
    path = f"metadata.annotations['{VERSION}']"
    return core.EnvVarArgs(
        name="MODEL_VERSION",
        value_from=core.EnvVarSourceArgs(field_ref=core.ObjectFieldSelectorArgs(field_path=path)),
    )


def _container(args: ModelServerArgs, name: str) -> core.ContainerArgs:
    return core.ContainerArgs(
        name=name,
        image=args.image,
        # The script is part of the pod, not of a ConfigMap: pods of an older template keep theirs, and can start again
        # on another node as they were.
        command=["python3", "-c", script("serve_model.py")],
        ports=[core.ContainerPortArgs(name="http", container_port=PORT)],
        env_from=[core.EnvFromSourceArgs(config_map_ref=core.ConfigMapEnvSourceArgs(name=CLIENT_SETTINGS))],
        resources=args.resources.to_args(),
        startup_probe=pods.http_probe(
            ALIVE, PORT, period=PROBE_SECONDS, failures=max(1, args.start_seconds // PROBE_SECONDS)
        ),
        readiness_probe=pods.http_probe(READY, PORT, period=5, failures=3),
        liveness_probe=pods.http_probe(ALIVE, PORT, period=20, timeout=15, failures=5),
        termination_message_policy="FallbackToLogsOnError",
    )


class ModelServer(pulumi.ComponentResource):
    """The Deployment of a model server and its PodDisruptionBudget."""

    target: Target
    """The Deployment, for the team's rollout."""

    def __init__(self, name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ModelServer", name, None, opts)
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace, name=args.server, labels=args.labels, annotations=NO_WAIT
            ),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.replicas,
                progress_deadline_seconds=args.start_seconds,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=args.labels),
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=SURGE, max_unavailable=0),
                ),
                template=pod_template(model_pod(args), args.labels, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.ready],
                # Written by the team's rollout (components/scripts/follow_aliases.py) whenever the alias moves.
                ignore_changes=[f'spec.template.metadata.annotations["{VERSION}"]'],
            ),
        )
        availability.disruption_budget(
            name,
            args.namespace,
            labels=args.labels,
            replicas=args.replicas,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.target = Target(
            server=args.server,
            model=args.model,
            alias=args.alias,
            group="apps",
            version="v1",
            resource="deployments",
            annotations=VERSION_PATH,
        )
        self.register_outputs({})
