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
        live["metadata"] |= {"labels": {models.SERVED: "fraud"}}
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
    assert (models.ROLLOUT, models.SERVED) == (contract.ROLLOUT, served_model.SERVED)
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
    assert f"--selector={models.SERVED}=fraud " in found.fault.mend


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
