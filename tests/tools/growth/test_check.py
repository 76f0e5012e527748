"""Messages before a preview or an `up` that stop it."""

import pytest

from tests.tools.growth.conftest import Scene
from tests.tools.growth.world import DATA, stack
from tools.growth import check
from tools.preflight.wanted import MistakeError


def test_a_larger_size_stops_up_with_the_command_to_run(scene: Scene) -> None:
    assert scene.run("check", "dev") == 1
    assert scene.err == (
        "database.storage: 8Gi is more than the 5Gi of StatefulSet mlflow/postgres, which `up` cannot enlarge: run"
        " `make grow STACK=dev` first, with the same CONTEXT= (docs/volumes.md)\n"
    )


def test_a_smaller_size_stops_up_with_the_size_to_set(scene: Scene) -> None:
    scene.wanted = stack(artifacts={"storage": "1Gi"})
    assert scene.run("check", "dev") == 1
    assert scene.err == (
        "artifacts.storage: 1Gi is less than the 10Gi of StatefulSet mlflow/object-store: a volume cannot shrink. Set"
        " it to 10Gi or more\n"
    )


def test_sizes_that_are_reached_are_not_worth_a_word(scene: Scene) -> None:
    scene.wanted = stack()
    assert scene.run("check", "dev") == 0
    assert (scene.out, scene.err) == ("", "")


def test_after_growing_up_goes_on(scene: Scene) -> None:
    scene.grow()
    assert scene.run("check", "dev") == 0
    assert scene.err == ""


def test_a_claim_that_an_earlier_up_left_small_is_a_warning(scene: Scene) -> None:
    scene.wanted = stack()
    scene.world.objects[DATA]["spec"]["resources"]["requests"]["storage"] = "2Gi"
    assert scene.run("check", "dev") == 0
    assert scene.err == (
        "warning: PersistentVolumeClaim mlflow/data-postgres-0 has only 2Gi instead of 5Gi: `make grow STACK=dev`"
        " enlarges it (docs/volumes.md)\n"
    )


def test_claims_that_may_not_be_read_are_a_warning(scene: Scene) -> None:
    scene.wanted = stack()
    scene.world.cluster["refuses"] = {"get persistentvolumeclaims": "forbidden"}
    assert scene.run("check", "dev") == 0
    assert scene.err == "warning: the sizes of the volumes could not be compared with the cluster: forbidden\n"


def test_a_state_that_cannot_be_read_is_a_warning(scene: Scene) -> None:
    scene.world.state["fails"] = ["stack"]
    assert scene.run("check", "dev") == 0
    assert scene.err == (
        "warning: the sizes of the volumes could not be compared with the stack's state: error: stack failed\n"
    )


@pytest.mark.parametrize("name", ["dev", "other"])
def test_before_the_first_up_there_is_nothing_to_compare(scene: Scene, name: str) -> None:
    scene.world.state["deployment"] = {}
    assert scene.run("check", name) == 0
    assert scene.err == ""
    assert not any(call.startswith("kubectl") for call in scene.world.calls)


def test_mistakes_of_the_stack_file_are_left_to_pulumi(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(_source: object, _stack: str) -> None:
        raise MistakeError("1 mistake in Pulumi.dev.yaml")

    monkeypatch.setattr(check, "wanted", mistaken)
    assert scene.run("check", "dev") == 0
    assert scene.err == ""


def test_nothing_is_changed(scene: Scene) -> None:
    scene.run("check", "dev")
    assert scene.world.changes == []
