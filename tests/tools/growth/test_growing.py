import json
from collections.abc import Callable

import pytest

from tests.tools.growth.conftest import Scene
from tests.tools.growth.world import DATA, POSTGRES, STORE, stack
from tools.growth import claims, recreation
from tools.preflight.wanted import Wanted

GROWN = ["kubectl patch", "kubectl delete", "kubectl apply", "pulumi refresh"]
DATABASE_FOLDER = {"database": {"kind": "sqlite", "storage": "5Gi"}, "server": {"replicas": 1}}


def answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let somebody type this."""

    def typed(_question: str) -> str:
        return text

    monkeypatch.setattr("builtins.input", typed)


def test_a_larger_size_grows_claim_template_and_state(scene: Scene) -> None:
    assert scene.grow() == 0
    assert scene.world.changes == GROWN
    assert (scene.world.size(DATA), scene.world.size(POSTGRES)) == ("8Gi", "8Gi")
    assert "8Gi" in json.dumps(scene.world.recorded(POSTGRES)["inputs"]["spec"]["volumeClaimTemplates"])
    assert scene.out.splitlines()[-1] == "done: run `make up STACK=dev` for whatever else the stack file changes"


def test_what_will_happen_is_said_first(scene: Scene) -> None:
    scene.grow()
    assert scene.out.splitlines()[:5] == [
        "To enlarge the volumes of stack dev:",
        "- enlarge PersistentVolumeClaim mlflow/data-postgres-0 from 5Gi to 8Gi (StorageClass fast)",
        (
            "- delete and create again StatefulSet mlflow/postgres with volumes of 8Gi: Kubernetes cannot change them."
            " Its pods go on"
        ),
        "- read StatefulSet mlflow/postgres into the stack's Pulumi state (`pulumi refresh`)",
        "A pod restarts only if the driver of its volume cannot enlarge a file system in use.",
    ]


@pytest.mark.parametrize("answer", ["", "yes", "prod"])
def test_another_answer_than_the_stacks_name_changes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    answers(monkeypatch, answer)
    assert scene.run("grow", "dev") == 1
    assert scene.world.changes == []
    assert scene.out.endswith("nothing was changed\n")


def test_the_stacks_name_is_the_confirmation(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "dev")
    assert scene.run("grow", "dev") == 0
    assert scene.world.changes == GROWN


def test_other_volumes_stay_as_they_are(scene: Scene) -> None:
    before = scene.world.objects[STORE]
    scene.grow()
    assert scene.world.objects[STORE] == before
    assert not any("data-object-store-0" in call for call in scene.world.calls)


def test_all_volumes_of_the_stack_grow_at_once(scene: Scene) -> None:
    scene.wanted = stack(database={"storage": "8Gi"}, artifacts={"storage": "20Gi"})
    assert scene.grow() == 0
    assert scene.world.changes == ["kubectl patch"] * 2 + ["kubectl delete", "kubectl apply"] * 2 + ["pulumi refresh"]
    assert (scene.world.size(DATA), scene.world.size(STORE)) == ("8Gi", "20Gi")


def test_the_new_stateful_set_is_the_old_one_but_for_the_size(scene: Scene) -> None:
    before = scene.world.objects[POSTGRES]["spec"]
    scene.grow()
    after = scene.world.objects[POSTGRES]["spec"]
    assert json.dumps(after).replace("8Gi", "5Gi") == json.dumps(before)
    assert scene.world.objects[POSTGRES]["metadata"]["manager"] == "pulumi-kubernetes-0123abcd"


def test_a_claim_of_its_own_has_no_template(deploy: Callable[[Wanted], Scene]) -> None:
    scene = deploy(stack(**DATABASE_FOLDER))
    scene.wanted = stack(**{**DATABASE_FOLDER, "database": {"kind": "sqlite", "storage": "8Gi"}})
    assert scene.grow() == 0
    assert scene.world.changes == ["kubectl patch", "pulumi refresh"]


def test_nothing_is_done_and_asked_when_all_sizes_are_reached(scene: Scene) -> None:
    scene.wanted = stack()
    assert scene.run("grow", "dev") == 0
    assert scene.out == "all 2 volumes of stack dev have the sizes in its file\n"
    assert scene.world.changes == []


def test_a_stack_that_is_not_deployed_has_nothing_to_grow(scene: Scene) -> None:
    scene.world.state["deployment"] = {}
    assert scene.run("grow", "dev") == 0
    assert scene.out == "stack dev has deployed no volumes\n"


def test_an_earlier_run_that_was_stopped_before_the_state_knew_goes_on_after_the_same_question(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.world.state["fails"] = ["refresh"]
    assert scene.grow() == 1
    assert "state does not know it yet: error: refresh failed" in scene.err
    assert "run `make grow` again" in scene.err
    scene.world.state["fails"] = []
    answers(monkeypatch, "no")
    assert scene.run("grow", "dev") == 1
    assert scene.world.changes == []
    assert scene.grow() == 0
    assert scene.world.changes == ["pulumi refresh"]


def test_a_stateful_set_that_a_killed_run_has_deleted_is_created(scene: Scene) -> None:
    del scene.world.objects[POSTGRES]
    assert scene.grow() == 0
    assert "create the missing StatefulSet mlflow/postgres" in scene.out
    assert scene.world.changes == ["kubectl patch", "kubectl apply", "pulumi refresh"]
    assert scene.world.size(POSTGRES) == "8Gi"


def test_a_claim_that_an_earlier_up_left_small_grows_and_nothing_else_happens(scene: Scene) -> None:
    scene.wanted = stack()
    scene.world.objects[DATA]["spec"]["resources"]["requests"]["storage"] = "2Gi"
    scene.world.objects[DATA]["status"]["capacity"]["storage"] = "2Gi"
    assert scene.grow() == 0
    assert scene.world.changes == ["kubectl patch"]
    assert scene.world.size(DATA) == "5Gi"


def test_a_claim_that_was_enlarged_by_hand_is_a_note(scene: Scene) -> None:
    scene.wanted = stack()
    scene.world.objects[DATA]["spec"]["resources"]["requests"]["storage"] = "8Gi"
    assert scene.grow() == 0
    assert (
        "note: PersistentVolumeClaim mlflow/data-postgres-0 requests 8Gi, more than database.storage: 5Gi: set it"
        in (scene.out)
    )
    assert scene.world.changes == []


def test_kubectl_gets_the_stacks_context(scene: Scene) -> None:
    scene.wanted = stack(database={"storage": "8Gi"}, cluster={"context": "production"})
    scene.world.cluster["context"] = "production"
    assert scene.grow() == 0
    assert all(" --context=production " in call for call in scene.world.calls if call.startswith("kubectl"))
    scene.world.cluster["context"] = "another"
    assert scene.grow() == 1
    assert "context production does not exist" in scene.err


def test_the_request_is_written_by_a_manager_whose_fields_the_provider_takes_over(scene: Scene) -> None:
    scene.grow()
    patches = [call for call in scene.world.calls if " patch persistentvolumeclaim " in call]
    assert len(patches) == 2  # the first is the dry run
    assert all(" --field-manager=pulumi-kubernetes " in call for call in patches)


def test_pulumi_gets_the_stacks_name(scene: Scene) -> None:
    scene.grow()
    calls = [call for call in scene.world.calls if call.startswith("pulumi")]
    assert calls
    assert all(" --stack dev" in call for call in calls)
    (refresh,) = [call for call in calls if "refresh" in call]
    assert refresh.count("--target") == 1
    assert scene.world.recorded(POSTGRES)["urn"] in refresh


def test_a_state_that_keeps_the_old_size_after_the_refresh_is_a_failure(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_stack: str, _urns: list[str]) -> None:
        return None

    monkeypatch.setattr("tools.growth.state.refresh", nothing)
    assert scene.grow() == 1
    assert "after its refresh the state has other sizes in the inputs of StatefulSet mlflow/postgres: 5Gi" in scene.err


def event(scene: Scene, op: str, path: str) -> None:
    urn = scene.world.recorded(POSTGRES)["urn"]
    metadata: dict[str, object] = {"op": op, "urn": urn, "detailedDiff": {path: None}}
    scene.world.state["events"] = [{"resourcePreEvent": {"metadata": metadata}}, {"summaryEvent": {}}]


def test_a_replacement_that_the_next_up_would_still_make_is_a_failure(scene: Scene) -> None:
    event(scene, "replace", "spec.serviceName")
    assert scene.grow() == 1
    assert "`up` would replace StatefulSet mlflow/postgres (spec.serviceName): do not run it" in scene.err


def test_what_the_next_up_changes_in_place_is_said(scene: Scene) -> None:
    event(scene, "update", "spec.template")
    assert scene.grow() == 0
    assert "`up` also changes StatefulSet mlflow/postgres in place: spec.template" in scene.out


def test_a_volume_that_does_not_grow_in_time_ends_the_command_with_the_way_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "WAIT_SECONDS", 0)
    scene.world.cluster["resizes"] = False
    assert scene.grow() == 1
    assert "data-postgres-0 has 5Gi of 8Gi" in scene.err
    assert "describe persistentvolumeclaim data-postgres-0 --namespace mlflow" in scene.err
    assert scene.world.changes == ["kubectl patch"]


def test_a_run_that_waited_in_vain_goes_on_where_it_stopped(scene: Scene) -> None:
    scene.world.objects[DATA]["spec"]["resources"]["requests"]["storage"] = "8Gi"
    scene.world.objects[DATA]["status"]["capacity"]["storage"] = "8Gi"
    assert scene.grow() == 0
    assert scene.world.changes == ["kubectl delete", "kubectl apply", "pulumi refresh"]


def test_pods_restart_once_if_the_file_system_does_not_grow_in_use(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "ONLINE_SECONDS", 0)
    monkeypatch.setattr(claims, "WAIT_SECONDS", 0.5)
    scene.world.cluster["resizes"] = False
    scene.world.objects[DATA]["status"]["conditions"] = [{"type": "FileSystemResizePending", "message": "waiting"}]
    volumes = [{"persistentVolumeClaim": {"claimName": "data-postgres-0"}}]
    for name, mounted in (("postgres-0", volumes), ("mlflow-1", [])):
        scene.world.objects[f"Pod mlflow/{name}"] = {"metadata": {"name": name}, "spec": {"volumes": mounted}}
    assert scene.grow() == 1
    assert "FileSystemResizePending (waiting)" in scene.out
    assert "pod mlflow/postgres-0 restarts: its volume cannot grow while it is in use" in scene.out
    assert scene.world.changes == ["kubectl patch", "kubectl delete"]
    assert "Pod mlflow/mlflow-1" in scene.world.objects


def test_a_stateful_set_without_its_pods_ends_the_command(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recreation, "READY_SECONDS", 0)
    scene.wanted = stack(database={"storage": "8Gi"})
    scene.world.state["deployment"]["resources"] = [
        one if one["id"] != "mlflow/postgres" or one["inputs"]["kind"] != "StatefulSet" else many(one)
        for one in scene.world.state["deployment"]["resources"]
    ]
    scene.world.objects[POSTGRES]["spec"]["replicas"] = 3
    assert scene.grow() == 1
    assert "StatefulSet mlflow/postgres: 1 of 3 pods are ready" in scene.err


def many(one: dict[str, object]) -> dict[str, object]:
    changed = json.loads(json.dumps(one))
    changed["inputs"]["spec"]["replicas"] = 3
    return changed
