"""Every namespace of the platform enforces the Pod Security level `restricted`, and all its pods comply.

test_life_cycle checks the API server's counters after a whole `up`.
"""

import json
from typing import Any

from testbed.e2e import kube
from tools.stack import Platform

MODES = ("enforce", "audit", "warn")
CARELESS = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "careless"},
    "spec": {"containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10.1"}]},
}


def test_every_namespace_of_ours_enforces_restricted(platform: Platform) -> None:
    namespaces = {space["metadata"]["name"]: space["metadata"]["labels"] for space in kube.our_namespaces()}
    assert set(namespaces) == {platform.namespace, *(team.namespace for team in platform.teams.values())}
    for labels in namespaces.values():
        assert {labels.get(f"pod-security.kubernetes.io/{mode}") for mode in MODES} == {"restricted"}


def test_a_careless_pod_is_refused_in_every_namespace_of_ours() -> None:
    for space in kube.our_namespaces():
        answer = _dry_run(CARELESS, space["metadata"]["name"], expected=1)
        assert 'violates PodSecurity "restricted' in answer


def test_every_pod_and_workload_of_ours_is_admitted_without_a_warning() -> None:
    seen = 0
    for space in kube.our_namespaces():
        name = space["metadata"]["name"]
        for workload in kube.objects("deployments,statefulsets,daemonsets,jobs,cronjobs", f"--namespace={name}"):
            template = workload["spec"].get("jobTemplate", workload)["spec"]["template"]
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**template["metadata"], "generateName": "dry-run-"},
                "spec": _with_claims(template["spec"], workload),
            }
            said = _dry_run(pod, name) + _dry_run(_again(workload), name)
            assert "Warning" not in said, f"{workload['kind']} {workload['metadata']['name']}: {said}"
            seen += 1
    assert seen >= len(("mlflow", "postgres", "object-store", "dex", "migration", "create-bucket"))


def _with_claims(spec: dict[str, Any], workload: dict[str, Any]) -> dict[str, Any]:
    """The pod with the volumes of its claims, which the StatefulSet's controller adds to each pod."""
    claims = [
        {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
        for claim in workload["spec"].get("volumeClaimTemplates", ())
    ]
    return {**spec, "volumes": [*spec.get("volumes", ()), *claims]}


def _again(workload: dict[str, Any]) -> dict[str, Any]:
    """The same workload under another name, as if it were deployed anew."""
    spec = dict(workload["spec"])
    if workload["kind"] == "Job":
        # Kubernetes writes the selector of a Job, and its labels, by itself.
        spec.pop("selector")
        spec["template"] = {**spec["template"], "metadata": {}}
    return {
        "apiVersion": workload["apiVersion"],
        "kind": workload["kind"],
        "metadata": {"generateName": "dry-run-", "labels": workload["metadata"].get("labels", {})},
        "spec": spec,
    }


def _dry_run(thing: dict[str, Any], namespace: str, *, expected: int = 0) -> str:
    """The API server's answer to a dry-run creation."""
    return kube.kubectl(
        "create",
        "--dry-run=server",
        "--filename=-",
        f"--namespace={namespace}",
        stdin=json.dumps(thing),
        expected=expected,
    ).stderr
