"""The server's pod: MLflow, the login's sidecars beside it, their probes and their volumes."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import availability, pods, volumes
from components.login.front import PROBE_PORT
from components.mlflow.args import LABELS, MLflowArgs
from components.mlflow.process import command, environment

core = k8s.core.v1


def server_pod(args: MLflowArgs, account: pulumi.Input[str], *, webhook_key: pods.Attachment) -> core.PodSpecArgs:
    """The spec of the server's pod, with the service account `account`."""
    variables = tuple(core.EnvVarArgs(name=key, value=value) for key, value in sorted(environment(args).items()))
    attachment = pods.joined(
        pods.Attachment(env=(*variables, _pod_uid())),
        volumes.tmp(args.upload_space),
        # What Kubernetes mounts by default, for this container only: the login's does not need it.
        volumes.token("token", volumes.TOKEN_FOLDER, audience=None),
        args.trust,
        # What is connected to is decided by the NetworkPolicy; `make doctor` looks for the issuers from this container.
        pods.NOTHING if args.proxy is None else args.proxy.attachment,
        webhook_key,
        args.database.server.attachment,
        args.artifact_store.attachment,
        args.login.sidecars,
    )
    return pods.hardened_pod(
        pods.MLFLOW_UID,
        _container(args),
        attachment,
        pull_secrets=args.pull_secrets,
        service_account=account,
        spread=availability.spread(LABELS, args.spread, args.scheduling.topology_keys),
        termination_seconds=args.termination_seconds,
    )


def _container(args: MLflowArgs) -> core.ContainerArgs:
    health = f"{args.address.path}/health"
    return core.ContainerArgs(
        name="mlflow",
        image=args.image,
        command=pulumi.Output.all(
            args.namespace, args.database.server.uri, args.artifact_store.uri, args.database.replica
        ).apply(
            lambda values: command(
                args, namespace=values[0], database=values[1], artifacts=values[2], replica=values[3]
            )
        ),
        resources=args.resources.to_args(),
        # The probes go through the login, the only path to the server. Neither Kubernetes' API server nor the database
        # takes part in the answer. Measured start: 27-43 s on two loaded cores; ten minutes are allowed, because a
        # start that is interrupted on a machine without free CPU begins again, and ends never.
        startup_probe=pods.http_probe(health, PROBE_PORT, period=2, failures=300),
        # All replicas are overloaded at the same time, and a Service without a ready replica answers nobody. So a
        # replica is removed only if it gives no answer for half a minute.
        readiness_probe=pods.http_probe(health, PROBE_PORT, period=10, timeout=10, failures=3),
        # A worker whose event loop is stuck ends itself after a minute (images/mlflow/server, `watchdog.py`), and a
        # worker that does not answer its supervisor is ended by it. The probe is for what remains, and must not take
        # a slow machine for it: after five time-outs in a row, the container is restarted.
        liveness_probe=pods.http_probe(health, PROBE_PORT, delay=15, period=30, timeout=20, failures=5),
        lifecycle=availability.drain(),
    )


def _pod_uid() -> core.EnvVarArgs:
    """The pod's UID, which marks the records of the audit log."""
    return core.EnvVarArgs(
        name="MLFLOW_PLATFORM_POD",
        value_from=core.EnvVarSourceArgs(field_ref=core.ObjectFieldSelectorArgs(field_path="metadata.uid")),
    )
