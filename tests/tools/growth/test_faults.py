"""Everything that prevents growing is said before the first change."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.growth.conftest import Scene
from tests.tools.growth.world import DATA, POSTGRES, stack
from tools.plan.preview import SECRET_KEY

SERVICE = "Service mlflow/postgres"
Break = Callable[[Scene], None]


def smaller(scene: Scene) -> None:
    scene.wanted = stack(database={"storage": "3Gi"})


def smaller_than_the_claim(scene: Scene) -> None:
    scene.world.objects[DATA]["spec"]["resources"]["requests"]["storage"] = "9Gi"


def taken_back_after_half_a_run(scene: Scene) -> None:
    scene.wanted = stack()
    template(scene.world.objects[POSTGRES])["resources"]["requests"]["storage"] = "8Gi"


def template(live: dict[str, Any]) -> dict[str, Any]:
    return live["spec"]["volumeClaimTemplates"][0]["spec"]


def another_cluster(scene: Scene) -> None:
    scene.world.objects[SERVICE]["metadata"]["uid"] = "of another cluster"


def an_empty_cluster(scene: Scene) -> None:
    scene.world.objects.clear()


def no_expansion(scene: Scene) -> None:
    del scene.world.objects["StorageClass /fast"]["allowVolumeExpansion"]


def no_class(scene: Scene) -> None:
    del scene.world.objects["StorageClass /fast"]


def a_static_volume(scene: Scene) -> None:
    del scene.world.objects[DATA]["spec"]["storageClassName"]


def unbound(scene: Scene) -> None:
    scene.world.objects[DATA]["status"]["phase"] = "Pending"


def denied(*rights: str) -> Break:
    return lambda scene: scene.world.cluster["denied"].extend(rights)


def refuses(words: str, said: str) -> Break:
    return lambda scene: scene.world.cluster["refuses"].update({words: said})


def killed_deployment(scene: Scene) -> None:
    scene.world.state["deployment"]["pending_operations"] = [{"type": "updating"}]


def two_of_a_name(scene: Scene) -> None:
    scene.world.state["deployment"]["resources"].append(scene.world.recorded(POSTGRES))


def secret(scene: Scene) -> None:
    containers = scene.world.recorded(POSTGRES)["inputs"]["spec"]["template"]["spec"]["containers"]
    containers[0]["env"].append({"name": "TOKEN", "value": {SECRET_KEY: "1b47", "ciphertext": "v1:abc"}})


def changed_by_hand(scene: Scene) -> None:
    scene.world.objects[POSTGRES]["spec"]["template"]["spec"]["containers"][0]["image"] = "postgres:patched"


def scaled_by_hand(scene: Scene) -> None:
    scene.world.objects[POSTGRES]["spec"]["replicas"] = 0


FAULTS: list[tuple[Break, str]] = [
    (smaller, "database.storage: 3Gi is less than the 5Gi of StatefulSet mlflow/postgres: a volume cannot shrink"),
    (smaller_than_the_claim, "database.storage: 8Gi is less than the 9Gi of StatefulSet mlflow/postgres"),
    (taken_back_after_half_a_run, "database.storage: 5Gi is less than the 8Gi of StatefulSet mlflow/postgres"),
    (another_cluster, "Service mlflow/postgres is not the one in the stack's state: is this another cluster?"),
    (an_empty_cluster, "Service mlflow/postgres is not the one in the stack's state"),
    (no_expansion, "StorageClass fast of PersistentVolumeClaim mlflow/data-postgres-0 does not allow volumes to grow"),
    (no_class, "StorageClass fast of PersistentVolumeClaim mlflow/data-postgres-0 does not exist"),
    (a_static_volume, "PersistentVolumeClaim mlflow/data-postgres-0 has no StorageClass"),
    (unbound, "PersistentVolumeClaim mlflow/data-postgres-0 is Pending"),
    (denied("list persistentvolumeclaims mlflow"), "the right to list persistentvolumeclaims in namespace mlflow"),
    (
        denied("get storageclasses.storage.k8s.io"),
        "the right to get storageclasses.storage.k8s.io in the whole cluster",
    ),
    (denied("patch persistentvolumeclaims mlflow"), "the right to patch persistentvolumeclaims in namespace mlflow"),
    (denied("create statefulsets.apps mlflow"), "the right to create statefulsets.apps in namespace mlflow"),
    (denied("delete statefulsets.apps mlflow"), "the right to delete statefulsets.apps in namespace mlflow"),
    (
        refuses("dry patch data-postgres-0", "exceeded quota"),
        "refuses to enlarge mlflow/data-postgres-0: exceeded quota",
    ),
    (
        refuses('"8Gi"', "denied by a policy"),
        "refuses StatefulSet mlflow/postgres with the new size: denied by a policy",
    ),
    (killed_deployment, "the state has unfinished operations of a killed deployment"),
    (two_of_a_name, "the state has StatefulSet postgres-server more than once"),
    (secret, "the state of StatefulSet mlflow/postgres has encrypted values"),
    (changed_by_hand, "not as the stack's state has it (spec.template.spec.containers[0].image)"),
    (scaled_by_hand, "not as the stack's state has it (spec.replicas)"),
]


@pytest.mark.parametrize(("broken", "said"), FAULTS, ids=[said[:60] for _, said in FAULTS])
def test_a_fault_is_said_before_anything_is_changed(scene: Scene, broken: Break, said: str) -> None:
    broken(scene)
    assert scene.grow() == 1
    assert any(said in fault for fault in scene.faults), scene.err
    assert scene.world.changes == []


def test_all_faults_are_said_at_once(scene: Scene) -> None:
    scene.wanted = stack(database={"storage": "8Gi"}, artifacts={"storage": "1Gi"})
    unbound(scene)
    changed_by_hand(scene)
    killed_deployment(scene)
    scene.grow()
    assert len(scene.faults) == 4


def test_all_rights_that_are_lacking_are_said_at_once(scene: Scene) -> None:
    denied("patch persistentvolumeclaims mlflow", "delete statefulsets.apps mlflow", "delete pods mlflow")(scene)
    scene.grow()
    assert len(scene.faults) == 3


def test_rights_to_change_are_not_needed_where_nothing_changes(scene: Scene) -> None:
    scene.wanted = stack()
    denied("patch persistentvolumeclaims mlflow", "delete statefulsets.apps mlflow")(scene)
    assert scene.grow() == 0


def test_a_cluster_that_does_not_answer_is_an_error_and_no_fault(scene: Scene) -> None:
    refuses("get persistentvolumeclaims", "connection refused")(scene)
    assert scene.grow() == 1
    assert scene.err == "connection refused\n"
    assert scene.world.changes == []
