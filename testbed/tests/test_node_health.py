"""What is told of the cluster, from what the API server says."""

from datetime import UTC, datetime
from typing import Literal

from testbed.node.health import NOT_RESTARTED, Trouble, addon_troubles, node_trouble, pod_troubles
from testbed.node.objects import Condition, ContainerStatus, Object, Status

NODE_START = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
BEFORE = "2026-11-21T08:59:59Z"
AFTER = "2026-11-21T09:00:05Z"
Kind = Literal["Node", "Pod", "Deployment", "PersistentVolume"]


def thing(kind: Kind, name: str, status: Status, namespace: str = "team-a") -> Object:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {}, "status": status}


def pod(ready: str = "True", phase: str = "Running", *containers: ContainerStatus) -> Object:
    condition: Condition = {"type": "Ready", "status": ready, "reason": "" if ready == "True" else "ContainersNotReady"}
    return thing("Pod", "one", {"phase": phase, "conditions": [condition], "containerStatuses": list(containers)})


def running(since: str) -> ContainerStatus:
    return {"name": "server", "state": {"running": {"startedAt": since}}}


def test_a_ready_node_is_no_trouble() -> None:
    assert node_trouble([thing("Node", "n", {"conditions": [{"type": "Ready", "status": "True"}]})]) is None


def test_a_node_says_why_it_is_not_ready() -> None:
    condition: Condition = {"type": "Ready", "status": "False", "reason": "KubeletNotReady"}
    found = node_trouble([thing("Node", "n", {"conditions": [condition]})])
    assert found == Trouble("node n", "KubeletNotReady")


def test_a_node_that_has_not_registered_is_trouble() -> None:
    assert node_trouble([]) == Trouble("node", "it has not registered with the API server")


def test_an_addon_that_is_gone_is_trouble() -> None:
    available: Status = {"conditions": [{"type": "Available", "status": "True"}]}
    there = [thing("Deployment", name, available, "kube-system") for name in ("coredns", "network-policies")]
    found = addon_troubles(there)
    assert found == [Trouble("deployment traefik/traefik", "it does not exist")]


def test_a_ready_pod_is_no_trouble() -> None:
    assert pod_troubles([pod("True", "Running", running(AFTER))], NODE_START) == []


def test_a_finished_job_is_no_trouble() -> None:
    assert pod_troubles([pod("False", "Succeeded")], NODE_START) == []


def test_an_earlier_attempt_of_a_job_is_no_trouble() -> None:
    attempt = pod("False", "Failed")
    attempt["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "migration"}]
    assert pod_troubles([attempt], NODE_START) == []


def test_a_failed_pod_that_nobody_replaces_is_trouble() -> None:
    assert pod_troubles([pod("False", "Failed")], NODE_START) == [
        Trouble("pod team-a/one", "Failed, ContainersNotReady", own=False)
    ]


def test_a_pod_says_which_container_waits_for_what() -> None:
    waiting: ContainerStatus = {"name": "server", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    found = pod_troubles([pod("False", "Running", waiting)], NODE_START)
    assert found == [Trouble("pod team-a/one", "server: CrashLoopBackOff", own=False)]


def test_a_pod_that_starts_says_so() -> None:
    waiting: ContainerStatus = {"name": "server", "state": {"waiting": {"reason": "ContainerCreating"}}}
    found = pod_troubles([pod("False", "Pending", waiting)], NODE_START)
    assert found == [Trouble("pod team-a/one", "Pending, ContainersNotReady", own=False)]


def test_a_pod_that_is_being_deleted_is_no_trouble() -> None:
    going = pod("False", "Running")
    going["metadata"]["deletionTimestamp"] = AFTER
    assert pod_troubles([going], NODE_START) == []


def test_what_is_remembered_from_before_the_nodes_start_is_not_believed() -> None:
    """After a power cut the API server calls every pod ready until kubelet has looked again."""
    found = pod_troubles([pod("True", "Running", running(BEFORE))], NODE_START)
    assert found == [Trouble("pod team-a/one", NOT_RESTARTED, own=False)]


def test_the_clusters_own_pods_are_told_from_the_platforms() -> None:
    own = pod("False")
    own["metadata"]["namespace"] = "kube-system"
    assert [trouble.own for trouble in pod_troubles([own, pod("False")], NODE_START)] == [True, False]
