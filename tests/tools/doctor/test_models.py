"""The doctor's chapter about models that teams serve."""

from typing import Any

import pytest

from components.scripts import follow_aliases
from components.serving import contract, served_model
from tests.tools.doctor.scene import Scene
from tools.doctor.chapters import diagnose, models
from tools.doctor.collect import kinds

TEAM = "team-a"
STUCK = "version 4 has not become ready in time: see the log of its pod; version 3 answers"


@pytest.fixture
def scene() -> Scene:
    """A healthy platform whose team serves a model with a challenger."""
    scene = Scene()
    for name, says in (
        ("model-rollout", None),
        ("fraud", "version 3 answers"),
        ("fraud-challenger", "version 4 answers"),
    ):
        scene.document["expected"].append({"kind": "Deployment", "namespace": TEAM, "name": name, "fields": {}})
        live = scene.add("Deployment", TEAM, name, spec={"replicas": 1}, status={"readyReplicas": 1})
        live["metadata"] |= {"labels": {kinds.SERVED: "fraud"}}
        if says:
            live["metadata"]["annotations"] = {kinds.ROLLOUT_SAYS: says}
    return scene


def server(scene: Scene, name: str) -> dict[str, Any]:
    """The live Deployment of this exact name."""
    (found,) = [
        one for one in scene.document["live"] if one["kind"] == "Deployment" and one["metadata"]["name"] == name
    ]
    return found


def test_the_names_are_those_of_the_rollout_and_of_the_servers() -> None:
    assert kinds.ROLLOUT_SAYS == follow_aliases.STATUS
    assert (kinds.ROLLOUT, kinds.SERVED) == (contract.ROLLOUT, served_model.SERVED)
    stuck = {
        "metadata": {"generation": 2},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False"}]},
    }
    script: Any = follow_aliases
    assert models.STUCK in script.judged(stuck, "4", "3")[0]


def test_models_that_answer_are_healthy(scene: Scene) -> None:
    assert diagnose(scene.facts) is None


def test_a_version_that_does_not_become_ready_is_named_with_the_server_and_what_still_answers(scene: Scene) -> None:
    server(scene, "fraud-challenger")["metadata"]["annotations"][kinds.ROLLOUT_SAYS] = STUCK
    found = diagnose(scene.facts)
    assert found is not None
    assert (found.chapter, found.fault.cause) == ("served models", "model-version")
    assert found.fault.subject == f"Deployment {TEAM}/fraud-challenger"
    assert found.fault.evidence == STUCK
    assert f"--selector={kinds.SERVED}=fraud " in found.fault.mend


def pod(scene: Scene, name: str, served_as: str, **status: object) -> None:
    """Add a pod that serves a model."""
    added = scene.add("Pod", TEAM, name, spec={}, status=status)
    added["metadata"]["labels"] = {kinds.SERVED: served_as}


def test_a_pod_that_no_node_can_run_is_named_and_not_its_version(scene: Scene) -> None:
    server(scene, "fraud-challenger")["metadata"]["annotations"][kinds.ROLLOUT_SAYS] = STUCK
    message = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    pod(scene, "other-1", "other", phase="Pending", conditions=[condition])
    assert scene.verdict()[1:] == ("model-version", f"Deployment {TEAM}/fraud-challenger")
    pod(scene, "fraud-challenger-1", "fraud", phase="Pending", conditions=[condition])
    found = diagnose(scene.facts)
    assert found is not None
    assert (found.chapter, found.fault.cause) == ("served models", "unschedulable")
    assert (found.fault.subject, found.fault.evidence) == (f"Pod {TEAM}/fraud-challenger-1", message)


def test_a_pod_that_cannot_load_its_version_is_not_named_instead_of_the_version(scene: Scene) -> None:
    server(scene, "fraud-challenger")["metadata"]["annotations"][kinds.ROLLOUT_SAYS] = STUCK
    waiting = {"reason": "CrashLoopBackOff"}
    crash = {
        "name": "model",
        "ready": False,
        "state": {"waiting": waiting},
        "lastState": {"terminated": {"exitCode": 1}},
    }
    pod(scene, "fraud-challenger-1", "fraud", phase="Running", containerStatuses=[crash])
    assert scene.verdict()[:2] == ("served models", "model-version")


def test_an_alias_that_nobody_has_set_yet_is_no_fault(scene: Scene) -> None:
    waiting = server(scene, "fraud")
    waiting["metadata"]["annotations"][kinds.ROLLOUT_SAYS] = "there is no alias champion of a registered model fraud"
    waiting["status"] = {}
    assert diagnose(scene.facts) is None


def test_a_rollout_that_does_not_run_comes_before_the_servers_that_wait_for_it(scene: Scene) -> None:
    for name in ("fraud", "model-rollout"):
        one = server(scene, name)
        one["status"] = {}
        one["metadata"].pop("annotations", None)
    assert scene.verdict() == ("served models", "not-ready", f"Deployment {TEAM}/model-rollout")


def test_a_server_that_was_deleted_is_deployed_again(scene: Scene) -> None:
    scene.document["live"].remove(server(scene, "fraud"))
    assert scene.verdict() == ("served models", "missing", f"Deployment {TEAM}/fraud")


def test_the_rollouts_word_is_kept_of_what_is_read_and_no_other_annotation() -> None:
    metadata = {"name": "fraud", "namespace": TEAM, "annotations": {kinds.ROLLOUT_SAYS: STUCK, "other": "x"}}
    found = kinds.kept("Deployment", {"metadata": metadata, "spec": {}, "status": {}})
    assert found is not None
    assert found["metadata"]["annotations"] == {kinds.ROLLOUT_SAYS: STUCK}
