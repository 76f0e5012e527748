from __future__ import annotations

from typing import Any

from testbed.providers.kubernetes.fields import forced, relinquishing, take_over, without_ignored
from testbed.providers.kubernetes.settings import Settings
from testbed.providers.values import Object

OURS = "pulumi-kubernetes-1234abcd"


def _entry(manager: str, operation: str, fields: Any, **more: str) -> Any:  # noqa: ANN401 - JSON samples
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def _live(*entries: Any) -> Object:  # noqa: ANN401 - JSON samples
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "n", "resourceVersion": "7", "managedFields": list(entries)},
        "spec": {"replicas": 3, "paused": True},
    }


def test_what_the_create_owned_becomes_the_resources_own() -> None:
    live = _live(
        _entry("pulumi-kubernetes", "Update", {"f:spec": {"f:paused": {}}}),
        _entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status"),
    )
    assert take_over(live, OURS) == [
        {
            "op": "replace",
            "path": "/metadata/managedFields",
            "value": [
                _entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status"),
                _entry(OURS, "Apply", {"f:spec": {"f:paused": {}}}),
            ],
        },
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
    ]


def test_fields_of_kubectl_are_added_to_those_already_owned() -> None:
    live = _live(
        _entry(OURS, "Apply", {"f:spec": {"f:paused": {}}}),
        _entry("kubectl-edit", "Update", {"f:spec": {"f:replicas": {}}}),
    )
    operations = take_over(live, OURS)
    assert operations is not None
    assert operations[0] == {
        "op": "replace",
        "path": "/metadata/managedFields",
        "value": [_entry(OURS, "Apply", {"f:spec": {"f:paused": {}, "f:replicas": {}}})],
    }


def test_what_was_scaled_by_somebody_else_stays_theirs() -> None:
    scaled = _entry("kubectl", "Update", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    assert take_over(_live(scaled), OURS) is None


def test_an_object_that_is_already_ours_needs_no_patch() -> None:
    assert take_over(_live(_entry(OURS, "Apply", {})), OURS) is None


def test_an_update_is_not_forced_and_its_preview_only_before_the_first_apply() -> None:
    created = _live(_entry("pulumi-kubernetes", "Update", {}))
    applied = _live(_entry(OURS, "Apply", {}))
    assert not forced({}, created, Settings(), preview=False)
    assert forced({}, created, Settings(), preview=True)
    assert not forced({}, applied, Settings(), preview=True)


def test_force_can_be_asked_for_by_annotation_or_for_the_whole_provider() -> None:
    inputs: Object = {"metadata": {"annotations": {"pulumi.com/patchForce": "true"}}}
    assert forced(inputs, _live(), Settings(), preview=False)
    assert forced({}, _live(), Settings(patch_force=True), preview=False)


def test_an_ignored_field_of_another_manager_is_not_sent_and_our_own_is_sent_as_it_is() -> None:
    live = _live(
        _entry("kubectl", "Update", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
        _entry(OURS, "Apply", {"f:spec": {"f:paused": {}}}),
    )
    inputs: Object = {"spec": {"replicas": 1, "paused": False}}
    sent = without_ignored(inputs, live, ["spec.replicas", "spec.paused"], OURS)
    assert sent == {"spec": {"paused": True}}
    assert inputs == {"spec": {"replicas": 1, "paused": False}}


def test_an_ignored_path_through_a_list_changes_nothing() -> None:
    inputs: Object = {"spec": {"containers": [{"image": "new"}]}}
    assert without_ignored(inputs, _live(), ["spec.containers[0].image"], OURS) == inputs


def test_giving_up_every_field_leaves_the_name_only() -> None:
    assert relinquishing(_live()) == {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "n"}}
