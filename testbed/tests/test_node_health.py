"""Problems found in the status of the cluster's objects."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from testbed.node.health import NOT_RESTARTED, OWN_NAMESPACES, Problem, addon_problems, node_problem, pod_problems
from testbed.node.object_types import Condition, ContainerStatus, Object, Status

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


def test_a_ready_node_is_no_problem() -> None:
    assert node_problem([thing("Node", "n", {"conditions": [{"type": "Ready", "status": "True"}]})]) is None


def test_a_node_says_why_it_is_not_ready() -> None:
    condition: Condition = {"type": "Ready", "status": "False", "reason": "KubeletNotReady"}
    found = node_problem([thing("Node", "n", {"conditions": [condition]})])
    assert found == Problem("node n", "KubeletNotReady")


def test_a_node_that_has_not_registered_is_a_problem() -> None:
    assert node_problem([]) == Problem("node", "it has not registered with the API server")


def test_an_addon_that_is_gone_is_a_problem() -> None:
    available: Status = {"conditions": [{"type": "Available", "status": "True"}]}
    there = [thing("Deployment", name, available, "kube-system") for name in ("coredns", "network-policies")]
    found = addon_problems(there)
    assert found == [Problem("deployment traefik/traefik", "it does not exist")]


def test_a_ready_pod_is_no_problem() -> None:
    assert pod_problems([pod("True", "Running", running(AFTER))], NODE_START) == []


def test_a_finished_job_is_no_problem() -> None:
    assert pod_problems([pod("False", "Succeeded")], NODE_START) == []


def test_an_earlier_attempt_of_a_job_is_no_problem() -> None:
    attempt = pod("False", "Failed")
    attempt["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "migration"}]
    assert pod_problems([attempt], NODE_START) == []


def test_a_failed_pod_that_nobody_replaces_is_a_problem() -> None:
    assert pod_problems([pod("False", "Failed")], NODE_START) == [
        Problem("pod team-a/one", "Failed, ContainersNotReady", own=False)
    ]


def test_a_pod_says_which_container_waits_for_what() -> None:
    waiting: ContainerStatus = {"name": "server", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    found = pod_problems([pod("False", "Running", waiting)], NODE_START)
    assert found == [Problem("pod team-a/one", "server: CrashLoopBackOff", own=False)]


def test_a_pod_that_starts_says_so() -> None:
    waiting: ContainerStatus = {"name": "server", "state": {"waiting": {"reason": "ContainerCreating"}}}
    found = pod_problems([pod("False", "Pending", waiting)], NODE_START)
    assert found == [Problem("pod team-a/one", "Pending, ContainersNotReady", own=False)]


def test_a_pod_that_is_being_deleted_is_no_problem() -> None:
    going = pod("False", "Running")
    going["metadata"]["deletionTimestamp"] = AFTER
    assert pod_problems([going], NODE_START) == []


def test_a_status_from_before_the_nodes_start_does_not_count() -> None:
    """After a power cut the API server reports every pod as ready until kubelet has updated its status."""
    found = pod_problems([pod("True", "Running", running(BEFORE))], NODE_START)
    assert found == [Problem("pod team-a/one", NOT_RESTARTED, own=False)]


def test_the_clusters_own_pods_are_distinguished_from_the_platforms() -> None:
    own = pod("False")
    own["metadata"]["namespace"] = "kube-system"
    own["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "coredns"}]
    assert [problem.own for problem in pod_problems([own, pod("False")], NODE_START)] == [True, False]


@pytest.mark.parametrize("namespace", sorted(OWN_NAMESPACES))
@pytest.mark.parametrize("phase", ["Pending", "Running", "Failed", "Unknown"])
@pytest.mark.parametrize("started", [BEFORE, AFTER])
def test_a_pod_that_nobody_replaces_is_never_waited_for(namespace: str, phase: str, started: str) -> None:
    """A killed test may leave one in the cluster's own namespaces, and every later start would wait for it in vain."""
    left = pod("False", phase, running(started))
    left["metadata"]["namespace"] = namespace
    assert [problem.own for problem in pod_problems([left], NODE_START)] == [False]
