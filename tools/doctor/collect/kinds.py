"""Kinds of Kubernetes objects that are read, and the fields of each that are kept."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from tools.doctor.expected import digests
from tools.doctor.facts import Object, part, parts

RBAC = "/apis/rbac.authorization.k8s.io/v1"
NETWORKING = "/apis/networking.k8s.io/v1"
GATEWAY = "/apis/gateway.networking.k8s.io/v1"

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ConfigMap": ("/api/v1", "configmaps"),
        "ConsoleLink": ("/apis/console.openshift.io/v1", "consolelinks"),
        "Deployment": ("/apis/apps/v1", "deployments"),
        "Event": ("/api/v1", "events"),
        "Gateway": (GATEWAY, "gateways"),
        "HTTPRoute": (GATEWAY, "httproutes"),
        "Ingress": (NETWORKING, "ingresses"),
        "Job": ("/apis/batch/v1", "jobs"),
        "LimitRange": ("/api/v1", "limitranges"),
        "Middleware": ("/apis/traefik.io/v1alpha1", "middlewares"),
        "Namespace": ("/api/v1", "namespaces"),
        "NetworkPolicy": (NETWORKING, "networkpolicies"),
        "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
        "Pod": ("/api/v1", "pods"),
        "ReplicaSet": ("/apis/apps/v1", "replicasets"),
        "ResourceQuota": ("/api/v1", "resourcequotas"),
        "Role": (RBAC, "roles"),
        "RoleBinding": (RBAC, "rolebindings"),
        "ClusterRole": (RBAC, "clusterroles"),
        "ClusterRoleBinding": (RBAC, "clusterrolebindings"),
        "Secret": ("/api/v1", "secrets"),
        "Service": ("/api/v1", "services"),
        "ServiceAccount": ("/api/v1", "serviceaccounts"),
        "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    }
)
"""API and plural of each kind."""

# Of these only the metadata are asked for: their contents are nobody's business here.
METADATA_ONLY = frozenset({"Secret"})
# Of these nothing but the existence is judged.
NAMES_ONLY = frozenset(
    {"Secret", "ServiceAccount", "LimitRange", "ResourceQuota", "PersistentVolumeClaim", "Middleware"}
)
WORKLOADS = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "Job"})
REASONS = frozenset({"FailedCreate", "FailedMount", "FailedScheduling", "Unhealthy"})
METADATA = ("name", "namespace", "labels", "creationTimestamp", "deletionTimestamp")
CONTAINER = ("name", "image", "ports", "command", "args")
# Variables whose values the chapters read. Values of other variables are left out.
VARIABLES = frozenset({"MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR"})
# The Deployment that follows the aliases of a team's served models, and the label of the models' pods.
ROLLOUT = "model-rollout"
SERVED = "mlflow-platform/served-model"
# Annotation in which a team's rollout says how a served model stands (components/scripts/follow_aliases.py).
ROLLOUT_SAYS = "mlflow-platform/rollout"


def path(kind: str, namespace: str = "", name: str = "") -> str:
    """Path of an object, or of all objects of a kind, at the API server."""
    api, plural = KINDS[kind]
    return f"{api}{f'/namespaces/{namespace}' if namespace else ''}/{plural}{f'/{name}' if name else ''}"


def kept(kind: str, one: Object) -> dict[str, Any] | None:
    """The parts of an object that the chapters look at; None if there are none."""
    metadata = {key: one["metadata"][key] for key in METADATA if key in one["metadata"]}
    rest: dict[str, Any] = {}
    if kind == "Event":
        if one["reason"] not in REASONS:
            return None
        involved = {key: one["involvedObject"].get(key, "") for key in ("kind", "name")}
        rest = {"reason": one["reason"], "message": one.get("message", ""), "involvedObject": involved}
    elif kind == "ConfigMap":
        rest = {"data": digests(part(one, "data"))}
    elif kind == "Pod":
        rest = _pod(one)
    elif kind in WORKLOADS:
        rest = _workload(kind, one)
    elif kind not in NAMES_ONLY:
        rest = {key: one[key] for key in ("spec", "rules", "roleRef", "subjects") if key in one}
    if kind == "Deployment" and (said := part(one, "metadata", "annotations").get(ROLLOUT_SAYS)):
        metadata["annotations"] = {ROLLOUT_SAYS: said}
    return {"kind": kind, "metadata": metadata, **rest}


def _pod(one: Object) -> dict[str, Any]:
    spec, status = part(one, "spec"), part(one, "status")
    containers = [
        {key: each[key] for key in ("name", "image", "ports") if key in each} for each in parts(spec, "containers")
    ]
    keys = ("phase", "podIP", "reason", "message", "containerStatuses", "initContainerStatuses")
    conditions = [
        {key: each[key] for key in ("type", "status", "reason", "message") if key in each}
        for each in parts(status, "conditions")
    ]
    return {
        "spec": {"containers": containers, **({"hostNetwork": True} if spec.get("hostNetwork") else {})},
        "status": {**{key: _statuses(status[key]) for key in keys if key in status}, "conditions": conditions},
    }


def _statuses(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(value, list):
        return value
    keys = ("name", "image", "ready", "restartCount", "state", "lastState")
    return [{key: each[key] for key in keys if key in each} for each in cast("list[Object]", value)]


def _workload(kind: str, one: Object) -> dict[str, Any]:
    spec, status = part(one, "spec"), part(one, "status")
    template = part(spec, "template", "spec")
    containers = [
        {
            **{key: each[key] for key in CONTAINER if key in each},
            "env": [variable for variable in parts(each, "env") if variable["name"] in VARIABLES],
        }
        # The login runs in sidecars, which are init containers.
        for each in (*parts(template, "initContainers"), *parts(template, "containers"))
    ]
    keys = ("replicas", "readyReplicas", "active", "succeeded", "failed", "completionTime", "conditions")
    return {
        "spec": {
            **{key: spec[key] for key in ("replicas", "selector") if key in spec},
            "template": {"spec": {"containers": containers if kind == "Deployment" else []}},
        },
        "status": {key: status[key] for key in keys if key in status},
    }
