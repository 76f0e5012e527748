"""A team's quota holds on the cluster, and refuses nobody who says nothing."""

import json
from typing import Any

from testbed.e2e import kube

TEAM = "team-a"


def _pod(name: str, **resources: Any) -> kube.Object:  # noqa: ANN401 - as Kubernetes writes them
    """A pod that is admitted and never starts, because a gate stays closed: no image is needed for it."""
    pod = kube.team_pod(name, TEAM, image="registry.k8s.io/pause:3.10.1", script="")
    pod["spec"]["schedulingGates"] = [{"name": "example.com/never"}]
    pod["spec"]["containers"][0]["resources"] = resources
    return pod


def _refusal(thing: kube.Object) -> str:
    """Why the API server does not create something."""
    return kube.kubectl(
        "create", "--filename=-", f"--namespace={TEAM}", "--dry-run=server", stdin=json.dumps(thing), expected=1
    ).stderr


def test_a_pod_that_names_no_resources_is_admitted_with_the_defaults() -> None:
    pod = _pod("careless")
    kube.remove_pod(pod)
    kube.kubectl("create", "--filename=-", stdin=json.dumps(pod))
    try:
        (container,) = kube.one("pod", "careless", TEAM)["spec"]["containers"]
        used = kube.one("resourcequota", "team-quota", TEAM)["status"]["used"]
    finally:
        kube.remove_pod(pod)
    assert container["resources"] == {
        "limits": {"cpu": "1", "memory": "2Gi"},
        "requests": {"cpu": "100m", "memory": "256Mi"},
    }
    assert int(used["pods"]) >= 1


def test_a_pod_beyond_the_quota_is_refused_and_told_which() -> None:
    said = _refusal(_pod("greedy", limits={"cpu": "17", "memory": "1Gi"}))
    assert "exceeded quota: team-quota" in said
    assert "limited: limits.cpu=16" in said


def test_a_volume_beyond_the_quota_is_refused() -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "greedy"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "201Gi"}}},
    }
    assert "limited: requests.storage=200Gi" in _refusal(claim)


def test_a_team_opens_no_port_of_the_nodes() -> None:
    for kind in ("NodePort", "LoadBalancer"):
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "door"},
            "spec": {"type": kind, "ports": [{"port": 80}], "selector": {"app": "none"}},
        }
        assert "exceeded quota: team-quota" in _refusal(service)
