"""Declares what `objects.json` lists: Kubernetes objects by the names of their resources."""

import json
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

KINDS: dict[str, Callable[..., pulumi.Resource]] = {
    "ConfigMap": k8s.core.v1.ConfigMap,
    "Deployment": k8s.apps.v1.Deployment,
    "Job": k8s.batch.v1.Job,
    "Pod": k8s.core.v1.Pod,
    "ResourceQuota": k8s.core.v1.ResourceQuota,
    "StatefulSet": k8s.apps.v1.StatefulSet,
}

cluster = k8s.Provider("cluster", kubeconfig="")
space = k8s.core.v1.Namespace(
    "space", metadata={"name": "provider-test"}, opts=pulumi.ResourceOptions(provider=cluster)
)
for name, wanted in json.loads(Path("objects.json").read_text(encoding="utf-8")).items():
    KINDS[wanted["kind"]](
        name,
        **wanted["fields"],
        opts=pulumi.ResourceOptions(
            provider=cluster,
            depends_on=space,
            custom_timeouts=pulumi.CustomTimeouts(create=wanted["patience"]),
        ),
    )
