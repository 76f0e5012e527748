"""KServe's InferenceService as a model's server: the same pod as in a Deployment, as a custom predictor.

KServe's own storage initializer is not used: it reads buckets, and teams have no credential of the platform's bucket.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.scheduling import scheduled
from components.serving.contract import NO_WAIT, VERSION, Target
from components.serving.model_server import ModelServerArgs, model_pod
from components.sizes import SURGE

GROUP, GROUP_VERSION, RESOURCE = "serving.kserve.io", "v1beta1", "inferenceservices"
# KServe looks for the container of this name.
CONTAINER = "kserve-container"
VERSION_PATH = ("spec", "predictor", "annotations")
# A Deployment and a Service of Kubernetes, without Knative: pods are replaced as they are without KServe.
MODE = {"serving.kserve.io/deploymentMode": "RawDeployment"}


def predictor(args: ModelServerArgs) -> dict[str, Any]:
    """The predictor of the InferenceService: KServe's fields together with those of a pod spec."""
    pod = scheduled(model_pod(args, container=CONTAINER), args.scheduling)
    fields: dict[str, Any] = {
        "minReplicas": args.replicas,
        "maxReplicas": args.replicas,
        "labels": {**args.scheduling.labels, **args.labels},
        "annotations": {**args.scheduling.annotations} or None,
        "nodeSelector": pod.node_selector,
        "tolerations": pod.tolerations,
        "priorityClassName": pod.priority_class_name,
        "serviceAccountName": pod.service_account_name,
        "automountServiceAccountToken": pod.automount_service_account_token,
        "enableServiceLinks": pod.enable_service_links,
        "imagePullSecrets": pod.image_pull_secrets,
        "securityContext": pod.security_context,
        "terminationGracePeriodSeconds": pod.termination_grace_period_seconds,
        "topologySpreadConstraints": pod.topology_spread_constraints,
        "containers": pod.containers,
        "volumes": pod.volumes,
        "deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": SURGE, "maxUnavailable": 0}},
    }
    return {name: value for name, value in fields.items() if value is not None}


def inference_service(name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions) -> Target:
    """Create the InferenceService; returns it for the team's rollout."""
    k8s.apiextensions.CustomResource(
        f"{name}-inference-service",
        api_version=f"{GROUP}/{GROUP_VERSION}",
        kind="InferenceService",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=args.namespace, name=args.server, labels=args.labels, annotations={**NO_WAIT, **MODE}
        ),
        spec={"predictor": predictor(args)},
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[*args.ready],
                # Written by the team's rollout (components/scripts/follow_aliases.py) whenever the alias moves.
                ignore_changes=[f'spec.predictor.annotations["{VERSION}"]'],
            ),
        ),
    )
    return Target(
        server=args.server,
        model=args.model,
        alias=args.alias,
        group=GROUP,
        version=GROUP_VERSION,
        resource=RESOURCE,
        annotations=VERSION_PATH,
    )
