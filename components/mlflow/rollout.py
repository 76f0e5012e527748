"""Number of the server's replicas, and the update strategy of its Deployment."""

import pulumi
import pulumi_kubernetes as k8s

from components.mlflow.args import LABELS, Autoscaling, MLflowArgs
from components.sizes import SURGE

apps = k8s.apps.v1
scaling = k8s.autoscaling.v2

REPLICAS = "spec.replicas"


def strategy(args: MLflowArgs) -> apps.DeploymentStrategyArgs:
    """A rolling update without downtime, or `Recreate` where only one pod at a time can mount the data."""
    if args.exclusive:
        return apps.DeploymentStrategyArgs(type="Recreate")
    return apps.DeploymentStrategyArgs(
        type="RollingUpdate", rolling_update=apps.RollingUpdateDeploymentArgs(max_surge=SURGE, max_unavailable=0)
    )


def annotations(args: MLflowArgs) -> dict[str, str] | None:
    """Annotation that lets Pulumi set the number of replicas although a removed autoscaler still owns that field.

    It is present only without an autoscaler. Removing the autoscaler adds it, which always changes the Deployment; so
    Pulumi applies the number of replicas even if that setting is the same as before.
    """
    return {"pulumi.com/patchForce": "true"} if args.autoscaling is None else None


def ignored(args: MLflowArgs) -> list[str]:
    """Fields of the Deployment for `ignore_changes`: Pulumi keeps their values in the cluster.

    With an autoscaler this is the number of replicas. If that field were left out of the Deployment instead, Kubernetes
    would reset it to 1 when the autoscaler is switched on for a running server.
    """
    return [REPLICAS] if args.autoscaling is not None else []


def most_replicas(args: MLflowArgs) -> int:
    """The maximum number of replicas."""
    return args.replicas if args.autoscaling is None else args.autoscaling.max_replicas


def autoscaler(
    name: str, args: MLflowArgs, bounds: Autoscaling, deployment: apps.Deployment, opts: pulumi.ResourceOptions
) -> None:
    """Create a HorizontalPodAutoscaler by CPU utilization, which needs a metrics server in the cluster."""
    scaling.HorizontalPodAutoscaler(
        f"{name}-autoscaler",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=LABELS),
        spec=scaling.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=scaling.CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=deployment.metadata.name
            ),
            min_replicas=args.replicas,
            max_replicas=bounds.max_replicas,
            metrics=[
                scaling.MetricSpecArgs(
                    type="ContainerResource",
                    # The server's container alone: the login beside it is mostly idle.
                    container_resource=scaling.ContainerResourceMetricSourceArgs(
                        container="mlflow",
                        name="cpu",
                        target=scaling.MetricTargetArgs(type="Utilization", average_utilization=bounds.cpu_percent),
                    ),
                )
            ],
        ),
        opts=opts,
    )
