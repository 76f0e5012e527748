from __future__ import annotations

import pytest

from testbed.providers.kubernetes.changes import Changes, Question, compare
from testbed.providers.kubernetes.checkpoint import checkpoint, parse, with_secrets
from testbed.providers.kubernetes.diff import Change, parse_path, write_path
from testbed.providers.kubernetes.settings import Settings
from testbed.providers.values import UNKNOWN, Json, Object, Secret


def _state(inputs: Object, live: Object | None = None) -> Object:
    return checkpoint(inputs, live or inputs, {}, initial_api_version="v1", field_manager="pulumi-kubernetes-1")


def _compare(
    state: Object, new: Object, *, ignored: tuple[str, ...] = (), settings: Settings | None = None, patch: bool = False
) -> Changes:
    return compare(Question(state, new, ignored, namespaced=True, patch=patch), settings or Settings())


def _config_map(data: Object, *, autonamed: bool = False, **more: str) -> Object:
    annotations: Object = {"annotations": {"pulumi.com/autonamed": "true"}} if autonamed else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "n", "namespace": "a", **annotations, **more},
        "data": data,
    }


def _deployment(**spec: Json) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "n", "namespace": "a"}, "spec": spec}


def _thing(**spec: Json) -> Object:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "n", "namespace": "a"}, "spec": spec}


def test_fields_that_only_the_server_wrote_are_no_change() -> None:
    inputs = _config_map({"x": "1"})
    live: Object = {**inputs, "metadata": {"name": "n", "namespace": "a", "uid": "u", "labels": {"server": "1"}}}
    assert _compare(_state(inputs, live), inputs) == Changes()


def test_drift_that_a_refresh_has_saved_is_a_change() -> None:
    inputs = _deployment(replicas=1)
    changes = _compare(_state(inputs, _deployment(replicas=3)), inputs)
    assert [(str(found), found.change, found.value) for found in changes.found] == [("spec.replicas", Change.UPDATE, 1)]
    assert not changes.replaces


def test_an_item_that_the_server_appended_to_a_list_does_not_show_and_one_that_it_prepended_does() -> None:
    inputs = _thing(items=["a", "b"])
    assert _compare(_state(inputs, _thing(items=["a", "b", "c"])), inputs) == Changes()
    prepended = _compare(_state(inputs, _thing(items=["c", "a", "b"])), inputs)
    assert [str(found) for found in prepended.found] == ["spec.items[0]", "spec.items[1]"]


@pytest.mark.parametrize(("old", "new"), [("", "default"), ("default", "")])
def test_no_namespace_and_the_default_one_are_the_same(old: str, new: str) -> None:
    changes = _compare(_state(_config_map({}, namespace=old)), _config_map({}, namespace=new))
    assert changes == Changes()


def test_data_of_a_config_map_with_an_explicit_name_is_replaced_delete_first() -> None:
    changes = _compare(_state(_config_map({"x": "1"})), _config_map({"x": "2"}))
    assert changes.replaces == {"data.x"}
    assert changes.delete_first


def test_data_of_an_autonamed_config_map_is_replaced_create_first() -> None:
    changes = _compare(_state(_config_map({"x": "1"}, autonamed=True)), _config_map({"x": "2"}, autonamed=True))
    assert changes.replaces == {"data.x"}
    assert not changes.delete_first


def test_a_rename_or_another_namespace_is_a_replacement_that_creates_first() -> None:
    for changed in (_config_map({}, name="m"), _config_map({}, namespace="b")):
        changes = _compare(_state(_config_map({})), changed)
        assert changes.replaces
        assert not changes.delete_first


def test_config_maps_and_secrets_can_be_made_mutable_unless_they_say_immutable() -> None:
    mutable = Settings(mutable_config_maps=True, mutable_secrets=True)
    old, new = _config_map({"x": "1"}), _config_map({"x": "2"})
    assert not _compare(_state(old), new, settings=mutable).replaces
    assert _compare(_state({**old, "immutable": True}), {**new, "immutable": True}, settings=mutable).replaces
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "type": "Opaque"}
    assert _compare(_state(secret), {**secret, "type": "x/y"}, settings=mutable).replaces == {"type"}


@pytest.mark.parametrize(
    ("kind", "old", "new", "replaced"),
    [
        (
            "apps/v1/Deployment",
            {"selector": {"matchLabels": {"a": "b"}}},
            {"selector": {"matchLabels": {"a": "c"}}},
            True,
        ),
        ("apps/v1/Deployment", {"paused": True}, {}, False),
        ("apps/v1/StatefulSet", {"serviceName": "a"}, {"serviceName": "b"}, True),
        ("apps/v1/StatefulSet", {"replicas": 1}, {"replicas": 2}, False),
        (
            "batch/v1/Job",
            {"template": {"spec": {"restartPolicy": "Never"}}},
            {"template": {"spec": {"restartPolicy": "OnFailure"}}},
            True,
        ),
        ("batch/v1/Job", {"backoffLimit": 1}, {"backoffLimit": 2}, False),
        ("v1/Pod", {"containers": [{"name": "c", "image": "a"}]}, {"containers": [{"name": "c", "image": "b"}]}, True),
        ("v1/Pod", {"activeDeadlineSeconds": 1}, {"activeDeadlineSeconds": 2}, False),
        ("v1/Service", {"clusterIP": "10.0.0.1"}, {"clusterIP": "None"}, True),
        ("v1/Service", {"type": "ClusterIP"}, {"type": "NodePort"}, False),
        (
            "v1/PersistentVolumeClaim",
            {"resources": {"requests": {"storage": "1Gi"}}},
            {"resources": {"requests": {"storage": "2Gi"}}},
            False,
        ),
        ("v1/PersistentVolumeClaim", {"storageClassName": "a"}, {"storageClassName": "b"}, True),
        ("v1/PersistentVolumeClaim", {}, {"storageClassName": "b"}, True),
        ("networking.k8s.io/v1/Ingress", {"ingressClassName": "a"}, {"ingressClassName": "b"}, False),
        ("example.com/v1/Thing", {"anything": 1}, {"anything": 2}, False),
    ],
)
def test_what_is_replaced_and_what_is_changed_in_place(kind: str, old: Object, new: Object, *, replaced: bool) -> None:
    version, _, name = kind.rpartition("/")
    head: Object = {"apiVersion": version, "kind": name, "metadata": {"name": "n", "namespace": "a"}}
    changes = _compare(_state({**head, "spec": old}), {**head, "spec": new})
    assert changes.found
    assert bool(changes.replaces) is replaced


def test_another_role_in_a_binding_is_a_replacement() -> None:
    head: Object = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "n"}}
    changes = _compare(_state({**head, "roleRef": {"name": "a"}}), {**head, "roleRef": {"name": "b"}})
    assert changes.replaces == {"roleRef.name"}


def test_a_patch_is_replaced_for_its_identity_only() -> None:
    assert not _compare(_state(_config_map({"x": "1"})), _config_map({"x": "2"}), patch=True).replaces


def test_an_unknown_value_counts_as_a_change() -> None:
    changes = _compare(_state(_config_map({"x": "1"})), _config_map({"x": UNKNOWN}))
    assert changes.replaces == {"data.x"}


def test_metadata_taken_away_altogether_are_a_replacement() -> None:
    old = _config_map({})
    changes = compare(
        Question(_state(old), {"apiVersion": "v1", "kind": "ConfigMap"}, (), namespaced=False, patch=False), Settings()
    )
    assert "metadata" in changes.replaces or "metadata.name" in changes.replaces


def test_ignored_paths_are_no_difference() -> None:
    old, new = _deployment(replicas=1, paused=True), _deployment(replicas=2, paused=True)
    assert _compare(_state(old), new, ignored=("spec.replicas",)) == Changes()
    labelled = _config_map({"app.kubernetes.io/x": "1"})
    ignored = ('data["app.kubernetes.io/x"]',)
    assert _compare(_state(labelled), _config_map({"app.kubernetes.io/x": "2"}), ignored=ignored) == Changes()


def test_an_unfinished_job_can_ask_to_be_replaced() -> None:
    job: Object = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "n", "namespace": "a"}}
    question = Question(_state(job), job, (), namespaced=True, patch=False, unready=True)
    changes = compare(question, Settings())
    assert changes.replaces
    assert changes.delete_first


@pytest.mark.parametrize(
    "path", ["spec.replicas", 'metadata.annotations["pulumi.com/x"]', "spec.containers[0].image", "spec.ports[*].name"]
)
def test_property_paths_are_read_and_written(path: str) -> None:
    assert write_path(parse_path(path)).replace(".*", "[*]") == path


def test_what_is_not_a_path_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a property path"):
        parse_path('a["b')


def test_the_data_of_a_secret_are_secret_whatever_the_program_said() -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "data": {"a": "eA=="}}
    state = checkpoint(secret, secret, {}, initial_api_version="v1", field_manager="m")
    assert state["data"] == Secret({"a": "eA=="})
    assert state["__inputs"] == {**secret, "data": Secret({"a": "eA=="})}
    assert parse(state) == (secret, secret)


def test_one_secret_in_a_list_makes_the_whole_list_secret() -> None:
    marked: Object = {"spec": {"containers": [{"env": [{"value": Secret("p")}]}], "replicas": 1}}
    plain: Object = {"spec": {"containers": [{"env": [{"value": "p"}]}], "replicas": 1}}
    assert with_secrets(plain, marked) == {
        "spec": {"containers": Secret([{"env": [{"value": "p"}]}]), "replicas": 1},
    }
