"""Wait for the rollout of the platform's Deployments and StatefulSets.

Pulumi's Kubernetes provider waits too, but it may read an update's Deployment before Kubernetes has seen the update,
when the pods of before are still complete. A test of the platform would then test those.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

TIMEOUT_SECONDS = 300
ANNOUNCE_SECONDS = 2


def unfinished(workload: Any) -> str:  # noqa: ANN401 - a class of the Kubernetes client, which has no types
    """What a Deployment or StatefulSet still waits for; empty if only pods of its current template run, all ready."""
    status, wanted = workload.status, workload.spec.replicas
    if (status.observed_generation or 0) < workload.metadata.generation:
        return "Kubernetes has not seen its last change yet"
    updated, every = status.updated_replicas or 0, status.replicas or 0
    if updated < wanted:
        return f"{updated} of {wanted} pods are updated"
    if every > updated:
        return f"{every - updated} pods of before are still there"
    if (ready := status.ready_replicas or 0) < wanted:
        return f"{ready} of {wanted} pods are ready"
    return ""


def _unfinished(api: kubernetes.AppsV1Api, namespace: str) -> Iterator[str]:
    listings = (
        ("Deployment", api.list_namespaced_deployment(namespace)),
        ("StatefulSet", api.list_namespaced_stateful_set(namespace)),
    )
    for kind, listed in listings:
        workloads: list[Any] = listed.items
        for workload in workloads:
            if reason := unfinished(workload):
                yield f"{kind} {namespace}/{workload.metadata.name}: {reason}"


def wait_for_rollouts(namespace: str) -> None:
    """Wait until the pods of all Deployments and StatefulSets in a namespace are the current ones, and ready.

    Raises:
        SystemExit: they are not within five minutes; the message names each one and what it waits for.
    """
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    api = kubernetes.AppsV1Api()
    start = time.monotonic()
    announced = False
    while reasons := list(_unfinished(api, namespace)):
        waited = time.monotonic() - start
        if waited > TIMEOUT_SECONDS:
            sys.exit("\n  ".join([f"these are not rolled out after {TIMEOUT_SECONDS} s:", *reasons]))
        if waited > ANNOUNCE_SECONDS and not announced:
            print("\n  ".join(["waiting for the rollout:", *reasons]), flush=True)
            announced = True
        time.sleep(1)
