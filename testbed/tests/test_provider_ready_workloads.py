from __future__ import annotations

from typing import Any

import pytest

from testbed.providers.kubernetes.ready import rule_for, rule_for_read
from testbed.providers.kubernetes.ready.pod import Pod, pod_warnings
from testbed.providers.kubernetes.ready.rule import CLAIMS, PODS, REPLICA_SETS, NeverReadyError, Rule, Sight
from testbed.providers.values import Object

Status = dict[str, Any]


def _object(kind: str, name: str, spec: Status, status: Status, **metadata: Any) -> Object:  # noqa: ANN401 - JSON samples
    version, _, short = kind.rpartition("/")
    meta = {"name": name, "namespace": "a", "generation": 1, **metadata}
    return {"apiVersion": version, "kind": short, "metadata": meta, "spec": spec, "status": status}


def _owner(kind: str, name: str) -> list[dict[str, str]]:
    version, _, short = kind.rpartition("/")
    return [{"apiVersion": version, "kind": short, "name": name}]


def _conditions(**statuses: str) -> list[dict[str, str]]:
    return [{"type": name, "status": status} for name, status in statuses.items()]


def _deployment(revision: str = "1", spec: Status | None = None, **status: Any) -> Object:  # noqa: ANN401 - JSON samples
    default = {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ],
    }
    annotations = {"deployment.kubernetes.io/revision": revision}
    return _object("apps/v1/Deployment", "web", spec or {}, {**default, **status}, annotations=annotations)


def _replica_set(ready: int | None, wanted: int = 1, revision: str = "1") -> Object:
    return _object(
        "apps/v1/ReplicaSet",
        f"web-{revision}",
        {"replicas": wanted},
        {} if ready is None else {"readyReplicas": ready},
        annotations={"deployment.kubernetes.io/revision": revision},
        ownerReferences=_owner("apps/v1/Deployment", "web"),
    )


def _pod(owner: str, name: str = "p", **status: Any) -> Object:  # noqa: ANN401 - JSON samples
    return _object("v1/Pod", name, {}, status, ownerReferences=_owner("apps/v1/ReplicaSet", owner))


CRASHING: Status = {
    "conditions": [
        *_conditions(PodScheduled="True", Initialized="True"),
        {
            "type": "Ready",
            "status": "False",
            "reason": "ContainersNotReady",
            "message": "containers with unready status: [c]",
        },
    ],
    "containerStatuses": [
        {
            "name": "c",
            "ready": False,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 7, "finishedAt": "2026-01-01T00:00:00Z"}},
        }
    ],
}


CRASH_REASON = (
    "[Pod a/p]: containers with unready status: [c][CrashLoopBackOff] back-off 10s\n"
    'container "c" terminated at 2026-01-01T00:00:00Z (Error: exit code 7)'
)


def _rule(obj: Object) -> Rule:
    rule = rule_for(obj, None)
    assert rule is not None
    return rule


def test_a_deployment_is_ready_when_it_is_available_and_its_replica_set_has_its_pods() -> None:
    deployment = _deployment()
    assert _rule(deployment).ready(Sight(deployment, {REPLICA_SETS: [_replica_set(1)]}), 0)


@pytest.mark.parametrize(
    ("deployment", "replica_sets"),
    [
        (_deployment(observedGeneration=0), [_replica_set(1)]),
        (_deployment(conditions=_conditions(Available="False")), [_replica_set(1)]),
        (_deployment(), [_replica_set(None)]),
        (_deployment(), []),
        (_deployment(revision="2"), [_replica_set(1)]),
        (_deployment(revision="2", conditions=_conditions(Available="True")), [_replica_set(1, revision="2")]),
    ],
    ids=["not observed", "unavailable", "no pods", "no replica set", "only the old one", "not rolled out"],
)
def test_a_deployment_is_not_ready_before(deployment: Object, replica_sets: list[Object]) -> None:
    assert not _rule(deployment).ready(Sight(deployment, {REPLICA_SETS: replica_sets}), 0)


def test_the_first_revision_need_not_say_that_it_progressed() -> None:
    deployment = _deployment(conditions=_conditions(Available="True"))
    assert _rule(deployment).ready(Sight(deployment, {REPLICA_SETS: [_replica_set(1)]}), 0)


def test_a_deployment_without_replicas_is_ready_and_says_so() -> None:
    deployment = _deployment()
    rule = _rule(deployment)
    assert rule.ready(Sight(deployment, {REPLICA_SETS: [_replica_set(None, wanted=0)]}), 0)
    assert rule.progress == 'Replicas scaled to 0 for Deployment "web"'


def test_a_deployment_waits_for_the_claims_its_pods_name() -> None:
    volumes = {"template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}}}
    deployment = _deployment(spec=volumes)
    claims = [
        _object("v1/PersistentVolumeClaim", "data", {}, {"phase": "Pending"}),
        _object("v1/PersistentVolumeClaim", "other", {}, {"phase": "Pending"}),
    ]
    rule = _rule(deployment)
    assert not rule.ready(Sight(deployment, {REPLICA_SETS: [_replica_set(1)], CLAIMS: claims}), 0)
    assert 'Failed to bind PersistentVolumeClaim(s): "data"' in rule.reasons()


def test_a_deployment_that_is_not_ready_says_what_its_conditions_and_pods_say() -> None:
    conditions = [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "no minimum."},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow."},
    ]
    deployment = _deployment(conditions=conditions)
    rule = _rule(deployment)
    around = {REPLICA_SETS: [_replica_set(0)], PODS: [_pod("web-1", **CRASHING), _pod("other", **CRASHING)]}
    assert not rule.ready(Sight(deployment, around), 0)
    assert rule.reasons() == [
        "[ProgressDeadlineExceeded] too slow.",
        "[MinimumReplicasUnavailable] no minimum.",
        "Minimum number of live Pods was not attained",
        CRASH_REASON,
    ]


def test_a_deployment_that_cannot_roll_forward_says_so() -> None:
    deployment = _deployment(revision="2")
    rule = _rule(deployment)
    assert not rule.ready(Sight(deployment, {REPLICA_SETS: [_replica_set(0, revision="2")]}), 0)
    assert rule.reasons() == [
        "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"
    ]


def test_a_deployment_that_was_deleted_meanwhile_is_not_ready() -> None:
    assert not _rule(_deployment()).ready(Sight(None), 0)


def test_a_refresh_does_not_wait_for_the_controller() -> None:
    deployment = _deployment(observedGeneration=0)
    rule = rule_for_read(deployment)
    assert rule is not None
    assert rule.ready_on_read(Sight(deployment, {REPLICA_SETS: [_replica_set(1)]}))


def _stateful_set(generation: int = 1, strategy: str = "RollingUpdate", **status: Any) -> Object:  # noqa: ANN401 - JSON samples
    default = {
        "observedGeneration": generation,
        "replicas": 2,
        "readyReplicas": 2,
        "currentReplicas": 2,
        "currentRevision": "r1",
        "updateRevision": "r1",
    }
    spec = {"replicas": 2, "updateStrategy": {"type": strategy}}
    return _object("apps/v1/StatefulSet", "db", spec, {**default, **status}, generation=generation)


def test_a_stateful_set_is_ready_with_every_replica_on_the_newest_revision() -> None:
    obj = _stateful_set()
    assert _rule(obj).ready(Sight(obj), 0)


@pytest.mark.parametrize(
    "status", [{"readyReplicas": 1}, {"currentReplicas": 1}, {"updateRevision": "r2"}, {"observedGeneration": 0}]
)
def test_a_stateful_set_is_not_ready_before(status: Status) -> None:
    obj = _stateful_set(**status)
    assert not _rule(obj).ready(Sight(obj), 0)


def test_a_stateful_set_that_replaces_pods_on_deletion_need_not_reach_its_revision() -> None:
    obj = _stateful_set(2, "OnDelete", currentReplicas=0, updateRevision="r2")
    assert _rule(obj).ready(Sight(obj), 0)


def test_a_stateful_set_says_how_many_replicas_of_the_new_revision_are_ready() -> None:
    obj = _stateful_set(readyReplicas=2, currentReplicas=1, updatedReplicas=1, updateRevision="r2")
    rule = _rule(obj)
    assert not rule.ready(Sight(obj), 0)
    assert rule.reasons() == [
        "1 out of 2 replicas succeeded readiness checks",
        'StatefulSet controller failed to advance from revision "r1" to revision "r2"',
    ]


def test_a_daemon_set_is_ready_on_every_node() -> None:
    numbers = {"currentNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2}
    status = {"observedGeneration": 1, "desiredNumberScheduled": 2, **numbers}
    obj = _object("apps/v1/DaemonSet", "agent", {}, status)
    assert _rule(obj).ready(Sight(obj), 0)
    late = _object("apps/v1/DaemonSet", "agent", {}, {**status, "numberReady": 1})
    rule = _rule(late)
    assert not rule.ready(Sight(late), 0)
    assert rule.reasons() == []
    assert rule.timeout_text == "timed out waiting for the condition"


def _job(**status: Any) -> Object:  # noqa: ANN401 - JSON samples
    return _object("batch/v1/Job", "migrate", {}, {"startTime": "2026-01-01T00:00:00Z", **status})


def _job_pod(**status: Any) -> Object:  # noqa: ANN401 - JSON samples
    return _object("v1/Pod", "migrate-1", {}, status, ownerReferences=_owner("batch/v1/Job", "migrate"))


def test_a_job_is_ready_when_it_is_complete_and_not_while_it_runs() -> None:
    done, running = _job(conditions=_conditions(Complete="True")), _job(active=1)
    assert _rule(done).ready(Sight(done), 0)
    assert not _rule(running).ready(Sight(running), 0)


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "DeadlineExceeded"])
def test_a_job_that_gave_up_fails_at_once_with_what_its_pods_said_before(reason: str) -> None:
    running = _job(active=1)
    rule = _rule(running)
    assert not rule.ready(Sight(running, {PODS: [_job_pod(**CRASHING)]}), 0)
    failed = _job(conditions=[{"type": "Failed", "status": "True", "reason": reason, "message": "gave up"}])
    with pytest.raises(NeverReadyError):
        rule.ready(Sight(failed), 0)
    assert rule.reasons()[0] == f"[{reason}] gave up"
    assert rule.reasons()[1].startswith("[Pod a/migrate-1]: containers with unready status: [c]")


def test_a_job_that_failed_for_another_reason_is_waited_for() -> None:
    failed = _job(conditions=[{"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": "x"}])
    assert not _rule(failed).ready(Sight(failed), 0)


def test_a_refresh_of_a_failed_job_reports_it_as_not_ready() -> None:
    failed = _job(conditions=[{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "x"}])
    rule = rule_for_read(failed)
    assert rule is not None
    assert not rule.ready_on_read(Sight(failed))


def test_a_container_that_ended_says_its_last_words_or_its_exit_code() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "PodFailed"}
    conditions = [*_conditions(PodScheduled="True", Initialized="True"), ready]

    def pod(**terminated: Any) -> Object:  # noqa: ANN401 - JSON samples
        statuses = [{"name": "c", "ready": False, "state": {"terminated": terminated}}]
        return _job_pod(conditions=conditions, containerStatuses=statuses)

    assert pod_warnings([pod(reason="Error", exitCode=3)]) == [
        '[Pod a/migrate-1]: container "c" completed with exit code 3'
    ]
    assert pod_warnings([pod(reason="Error", exitCode=3, message="no database")]) == [
        "[Pod a/migrate-1]: [Error] no database"
    ]


def test_a_pod_in_the_default_namespace_is_named_without_it() -> None:
    pod = _pod("web-1", **CRASHING)
    pod["metadata"] = {"name": "p", "namespace": "default"}
    assert pod_warnings([pod])[0].startswith("[Pod p]: ")


def test_a_pod_that_found_no_node_is_no_reason_of_a_failure_and_shown_as_status() -> None:
    message = "0/1 nodes are available"
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    pod = _pod("x", conditions=[condition])
    rule = Pod(pod, None)
    assert not rule.ready(Sight(pod), 0)
    assert rule.reasons() == []
    assert rule.progress == message


def test_a_pod_that_succeeded_is_ready() -> None:
    pod = _pod("x", phase="Succeeded", conditions=_conditions(PodScheduled="True", Initialized="True", Ready="False"))
    assert _rule(pod).ready(Sight(pod), 0)


def test_the_address_of_a_registry_is_not_buried_in_the_words_of_the_container_runtime() -> None:
    text = "rpc error: code = Unknown desc = Error response from daemon: manifest for x not found: manifest unknown"
    status = {"name": "c", "ready": False, "state": {"waiting": {"reason": "ErrImagePull", "message": text}}}
    crashing: Status = {**CRASHING, "containerStatuses": [status]}
    pod = _pod("x", **crashing)
    assert pod_warnings([pod])[0].endswith("[ErrImagePull] manifest for x not found")
