from typing import Any

import pytest

from tests.tools.drifted.parts import PULUMI, Object, fields_of, known, live, resource, written
from tools.drifted.compared import changes
from tools.plan.preview import SECRET_KEY

HAND = "kubectl-patch"
BINDING = resource(
    "RoleBinding", "team-a", "rbac.authorization.k8s.io/v1", subjects=[{"kind": "Group", "name": "team-a-mlflow-users"}]
)
SETTINGS = resource("ConfigMap", "settings", data={"key": "one"})
POD: Object = {"containers": [{"name": "main", "image": "a:1", "resources": {"limits": {"cpu": "1000m"}}}]}
SERVER = resource("Deployment", "server", "apps/v1", spec={"replicas": 1, "template": {"spec": POD}})


def by_hand(**fields: Any) -> Object:  # noqa: ANN401 - fields that somebody has written
    return written(HAND, fields_of(fields))


def pods(**container: Any) -> Object:  # noqa: ANN401 - fields of a container
    return {"replicas": 1, "template": {"spec": {"containers": [{**POD["containers"][0], **container}]}}}


def told(one: Object, there: Object) -> list[tuple[str, Any, Any, list[str]]]:
    found = changes(known(one), there)
    return [(each.field, each.stack, each.cluster, [by.name for by in each.by]) for each in found]


def test_an_object_as_it_was_applied_has_no_drift_whatever_the_api_server_and_controllers_add() -> None:
    there = live(
        SERVER,
        written(
            "kube-controller-manager", {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}
        ),
        written("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status"),
        metadata={"generation": 3, "annotations": {"deployment.kubernetes.io/revision": "2"}},
        spec={**pods(imagePullPolicy="IfNotPresent", resources={"limits": {"cpu": "1"}}), "paused": False},
        status={"replicas": 1},
    )
    assert told(SERVER, there) == []


def test_a_field_that_somebody_else_has_written_is_named_with_both_values() -> None:
    there = live(SETTINGS, by_hand(data={"key": ""}), ours={}, data={"key": "two"})
    (found,) = changes(known(SETTINGS), there)
    assert (found.field, found.stack, found.cluster) == ("data.key", "one", "two")
    (by,) = found.by
    assert (by.name, by.operation, by.time) == (HAND, "Update", "2026-11-02T10:00:00Z")


def test_a_container_is_found_by_its_name() -> None:
    container = {"name": "main", "image": "a:2"}
    there = live(
        SERVER,
        by_hand(spec={"template": {"spec": {"containers": [container]}}}),
        ours={"f:spec": {"f:replicas": {}}},
        spec=pods(image="a:2"),
    )
    assert told(SERVER, there) == [("spec.template.spec.containers[0].image", "a:1", "a:2", [HAND])]


def test_what_somebody_has_added_to_a_list_is_named() -> None:
    """An additional subject has access that no plan has shown."""
    more = {"kind": "User", "name": "mallory"}
    there = live(BINDING, written(HAND, {"f:subjects": {}}), ours={}, subjects=[*BINDING["inputs"]["subjects"], more])
    assert told(BINDING, there) == [("subjects[1]", None, more, [HAND])]


def test_a_key_that_somebody_has_added_is_named_and_a_default_is_not() -> None:
    there = live(SETTINGS, by_hand(data={"more": ""}), data={"key": "one", "more": "x"}, immutable=False)
    assert told(SETTINGS, there) == [("data.more", None, "x", [HAND])]


def test_a_label_that_somebody_has_set_is_named() -> None:
    label = {"pod-security.kubernetes.io/enforce": "privileged"}
    there = live(SETTINGS, by_hand(metadata={"labels": label}), metadata={"labels": label})
    assert told(SETTINGS, there) == [
        ('metadata.labels["pod-security.kubernetes.io/enforce"]', None, "privileged", [HAND])
    ]


def test_what_others_have_set_in_an_object_that_the_stack_only_patches_is_no_drift_but_another_value_is() -> None:
    ours = {"mlflow-enabled": "true"}
    patched = resource("NamespacePatch", "team-a", metadata={"name": "team-a", "labels": ours})
    for labels, drift in (
        ({**ours, "owner": "somebody"}, []),
        ({"mlflow-enabled": "false"}, [("metadata.labels.mlflow-enabled", "true", "false", [HAND])]),
    ):
        there = live(patched, by_hand(metadata={"labels": labels}), ours={}, metadata={"labels": labels})
        assert told(patched, there) == drift


def test_what_kubectl_leaves_behind_is_no_drift() -> None:
    traces = {"kubectl.kubernetes.io/restartedAt": "2026", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    there = live(SETTINGS, by_hand(metadata={"annotations": traces}), metadata={"annotations": traces})
    assert told(SETTINGS, there) == []


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        (pods(image=None), "spec.template.spec.containers[0].image", "a:1"),
        ({"template": {"spec": POD}}, "spec.replicas", 1),
        (
            {"replicas": 1, "template": {"spec": {"containers": [{"name": "other"}]}}},
            "spec.template.spec.containers[0]",
            POD["containers"][0],
        ),
    ],
    ids=["a field of an item", "a field", "an item"],
)
def test_what_was_removed_is_named_without_a_manager(spec: Object, field: str, value: object) -> None:
    """The API server does not record who removes a field."""
    assert told(SERVER, live(SERVER, spec=spec)) == [(field, value, None, [])]


def test_a_list_without_names_that_has_become_shorter_is_named() -> None:
    policy = resource("NetworkPolicy", "a", "networking.k8s.io/v1", spec={"egress": [{"ports": [1]}, {"ports": [2]}]})
    there = live(policy, spec={"egress": [{"ports": [1]}]})
    assert told(policy, there) == [("spec.egress", [{"ports": [1]}, {"ports": [2]}], [{"ports": [1]}], [])]


def test_what_is_empty_and_left_out_is_the_same() -> None:
    policy = resource("NetworkPolicy", "a", "networking.k8s.io/v1", spec={"podSelector": {}, "ingress": [], "x": False})
    assert told(policy, live(policy, spec={})) == []


def test_an_annotation_that_is_meant_for_pulumi_need_not_be_there() -> None:
    one = resource("ConfigMap", "a")
    one["inputs"]["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    there = live(one)
    there["metadata"] = {**there["metadata"], "annotations": {}}
    assert told(one, there) == []


def test_fields_that_the_program_leaves_to_others_are_not_compared() -> None:
    scaled = written("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    by_somebody = written("autoscaler", {"f:spec": {"f:replicas": {}}})
    for entry in (scaled, by_somebody):
        there = live(SERVER, entry, ours={"f:spec": {"f:template": {}}}, spec={**pods(), "replicas": 4})
        assert told(SERVER, there) == ([] if entry is scaled else [("spec.replicas", 1, 4, ["autoscaler"])])
        assert told({**SERVER, "ignoreChanges": ["spec.replicas"]}, there) == []


@pytest.mark.parametrize("whole", [False, True], ids=["each value is secret", "all of it is one"])
def test_a_secrets_values_are_never_shown_and_a_key_that_was_changed_or_added_is_named(*, whole: bool) -> None:
    masked = {SECRET_KEY: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    one = resource("Secret", "key", stringData=masked if whole else {"password": masked})
    data = {"password": "Y2hhbmdlZA==", "more": "eA=="}
    there = live(one, by_hand(data=data), ours={}, data=data)
    there.pop("stringData", None)
    fields = [("data", "(secret)")] if whole else [("data.password", "(secret)"), ("data.more", None)]
    assert told(one, there) == [(field, stack, "(secret)", [HAND]) for field, stack in fields]


def test_a_secret_that_pulumi_alone_has_written_has_no_drift() -> None:
    one = resource("Secret", "key", stringData={"password": "[secret]"})
    there = live(one, ours={"f:data": {"f:password": {}}}, data={"password": "b25l"})
    there.pop("stringData")
    assert told(one, there) == []


def test_pulumi_is_known_by_its_own_field_managers() -> None:
    there = live(SETTINGS, data={"key": "in another form"})
    assert there["metadata"]["managedFields"][0]["manager"] == PULUMI
    assert told(SETTINGS, there) == []
