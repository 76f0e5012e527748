"""The server's pod: the login beside MLflow, and how long they are given to start and to end."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import availability, pods
from components.login import oauth2_proxy as login
from components.mlflow.args import LABELS, MLflowArgs
from components.mlflow.process import command, environment

core = k8s.core.v1


def _container(args: MLflowArgs, given: pods.Attachment) -> core.ContainerArgs:
    health = f"{args.address.path}/health"
    return core.ContainerArgs(
        name="mlflow",
        image=args.image,
        command=pulumi.Output.all(args.namespace, args.database.uri, args.artifacts.uri).apply(
            lambda known: command(args, namespace=known[0], database=known[1], artifacts=known[2])
        ),
        env=[
            *(core.EnvVarArgs(name=key, value=value) for key, value in sorted(environment(args).items())),
            *given.env,
        ],
        resources=args.resources.to_args(),
        security_context=pods.container_security(),
        # Through the login, the only way in. Measured start: 27-43 s on two loaded cores; five minutes are allowed.
        startup_probe=pods.http_probe(health, login.PORT, period=2, failures=150),
        readiness_probe=pods.http_probe(health, login.PORT, period=10, failures=2),
        liveness_probe=pods.http_probe(health, login.PORT, delay=15, period=30, failures=3),
        lifecycle=availability.drain(),
        volume_mounts=[
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
            core.VolumeMountArgs(
                name="token", mount_path="/var/run/secrets/kubernetes.io/serviceaccount", read_only=True
            ),
            *given.mounts,
        ],
    )


def server_pod(args: MLflowArgs, account: pulumi.Input[str]) -> core.PodSpecArgs:
    """The pod, which runs as the service account called `account`."""
    given = pods.joined(args.trust, args.database.attachment, args.artifacts.attachment)
    return core.PodSpecArgs(
        service_account_name=account,
        # Mounted by hand below, in the server's container only: the login has no use for it.
        automount_service_account_token=False,
        # A Service called `mlflow` would set MLFLOW_PORT, which the server takes for its own option.
        enable_service_links=False,
        security_context=pods.pod_security(pods.MLFLOW_UID),
        image_pull_secrets=pods.pull_secrets(args.pull_secrets),
        topology_spread_constraints=availability.spread(LABELS, args.spread),
        termination_grace_period_seconds=args.termination_seconds,
        init_containers=[*given.init_containers, args.login.sidecar],
        containers=[_container(args, given)],
        volumes=[
            pods.scratch("tmp", args.upload_space),
            core.VolumeArgs(
                name="token",
                projected=core.ProjectedVolumeSourceArgs(
                    sources=[
                        core.VolumeProjectionArgs(
                            service_account_token=core.ServiceAccountTokenProjectionArgs(
                                path="token", expiration_seconds=3607
                            )
                        ),
                        core.VolumeProjectionArgs(
                            config_map=core.ConfigMapProjectionArgs(
                                name="kube-root-ca.crt",
                                items=[core.KeyToPathArgs(key="ca.crt", path="ca.crt")],
                            )
                        ),
                        core.VolumeProjectionArgs(
                            downward_api=core.DownwardAPIProjectionArgs(
                                items=[
                                    core.DownwardAPIVolumeFileArgs(
                                        path="namespace",
                                        field_ref=core.ObjectFieldSelectorArgs(field_path="metadata.namespace"),
                                    )
                                ]
                            )
                        ),
                    ]
                ),
            ),
            *args.login.volumes,
            *given.volumes,
        ],
    )
