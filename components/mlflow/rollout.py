"""How many pods of the server there are, and how new ones take the place of old ones."""

import pulumi
import pulumi_kubernetes as k8s

from components.mlflow.args import LABELS, Autoscaling, MLflowArgs

apps = k8s.apps.v1
scaling = k8s.autoscaling.v2


def strategy(args: MLflowArgs) -> apps.DeploymentStrategyArgs:
    """A new pod serves before an old one ends, unless only one at a time can have the data."""
    if args.exclusive:
        return apps.DeploymentStrategyArgs(type="Recreate")
    return apps.DeploymentStrategyArgs(
        type="RollingUpdate", rolling_update=apps.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
    )


def replicas(args: MLflowArgs) -> int | None:
    """What the Deployment says of their number: nothing where an autoscaler writes it.

    Said and ignored (`ignore_changes`), it would be what it was before: nought after a pause, which no autoscaler
    changes. Unsaid, Kubernetes begins with one, and the autoscaler goes on from there to its least.
    """
    return args.replicas if args.autoscaling is None else None


def most_replicas(args: MLflowArgs) -> int:
    """Pods at the busiest time."""
    return args.replicas if args.autoscaling is None else args.autoscaling.max_replicas


def autoscaler(
    name: str, args: MLflowArgs, bounds: Autoscaling, deployment: apps.Deployment, opts: pulumi.ResourceOptions
) -> None:
    """Add replicas while they are busy, and take them away again; it asks the cluster's metrics server."""
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
                    # Of the server alone: the login beside it is idle while the server works.
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
