"""What restores an object that a test has deleted or changed, and under which field manager."""

from typing import Any

import pytest

from testbed.e2e.field_managers import restoration

PULUMI = "pulumi-kubernetes-1a2b3c4d"
Object = dict[str, Any]


def entry(manager: str, fields: Object, *, operation: str = "Apply", subresource: str = "") -> Object:
    """An entry of `managedFields`."""
    more = {"subresource": subresource} if subresource else {}
    return {"manager": manager, "operation": operation, "time": "2026-12-01T00:00:00Z", "fieldsV1": fields} | more


def deployment(*entries: Object) -> Object:
    """A Deployment as the API server shows it."""
    container = {"name": "main", "image": "one:1", "terminationMessagePath": "/dev/termination-log"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "server",
            "namespace": "mlflow",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 2,
            "creationTimestamp": "2026-12-01T00:00:00Z",
            "labels": {"app": "server"},
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "managedFields": list(entries),
        },
        "spec": {
            "replicas": 1,
            "progressDeadlineSeconds": 600,
            "template": {"spec": {"containers": [container], "tolerations": [{"key": "gpu"}]}},
        },
        "status": {"readyReplicas": 1},
    }


CONTAINERS: Object = {"f:containers": {'k:{"name":"main"}': {".": {}, "f:name": {}, "f:image": {}}}}
OURS: Object = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {**CONTAINERS, "f:tolerations": {}}}},
}
CONTROLLER = entry(
    "kube-controller-manager",
    {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}, "f:status": {}},
    operation="Update",
)


def test_an_object_is_applied_by_the_manager_that_applied_it_with_the_fields_that_it_owned() -> None:
    got = restoration(deployment(entry(PULUMI, OURS), CONTROLLER))
    assert (got.manager, got.applies) == (PULUMI, True)
    assert got.command == (
        "apply",
        "--server-side",
        "--force-conflicts",
        f"--field-manager={PULUMI}",
        "--filename=-",
    )
    assert got.manifest == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "mlflow", "labels": {"app": "server"}},
        "spec": {
            "replicas": 1,
            "template": {"spec": {"containers": [{"name": "main", "image": "one:1"}], "tolerations": [{"key": "gpu"}]}},
        },
    }


def test_an_object_that_pulumi_has_only_created_is_created_under_its_name() -> None:
    got = restoration(deployment(entry("pulumi-kubernetes", OURS, operation="Update"), CONTROLLER))
    assert (got.manager, got.applies) == ("pulumi-kubernetes", False)
    assert got.command == ("create", "--field-manager=pulumi-kubernetes", "--filename=-")


def test_what_others_than_kubernetes_have_taken_becomes_the_managers_again() -> None:
    without: Object = {"f:spec": {"f:template": OURS["f:spec"]["f:template"]}}
    scaled = entry("kubectl", {"f:spec": {"f:replicas": {}}}, operation="Update", subresource="scale")
    got = restoration(deployment(entry(PULUMI, without), scaled))
    assert got.manager == PULUMI
    assert got.manifest["spec"]["replicas"] == 1


def test_the_last_apply_counts_more_than_a_later_writer_of_another_name() -> None:
    later = entry("kubectl-patch", {"f:metadata": {"f:labels": {"f:app": {}}}}, operation="Update")
    later["time"] = "2026-12-02T00:00:00Z"
    assert restoration(deployment(later, entry(PULUMI, OURS))).manager == PULUMI


def test_an_object_that_pulumi_did_not_write_stays_its_writers() -> None:
    got = restoration(deployment(entry("kubectl-create", OURS, operation="Update"), CONTROLLER))
    assert (got.manager, got.applies) == ("kubectl-create", False)


@pytest.mark.parametrize("entries", [(), (CONTROLLER,)])
def test_without_a_writer_everything_but_the_api_servers_own_fields_is_created(entries: tuple[Object, ...]) -> None:
    got = restoration(deployment(*entries))
    assert got.command == ("create", "--filename=-")
    assert set(got.manifest["metadata"]) == {"name", "namespace", "labels", "annotations"}
    assert "status" not in got.manifest


def test_a_secrets_values_come_back_whatever_field_they_were_written_to() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "key",
            "namespace": "mlflow",
            "managedFields": [entry(PULUMI, {"f:stringData": {"f:password": {}}, "f:type": {}})],
        },
        "type": "Opaque",
        "data": {"password": "cGFzcw=="},
    }
    got = restoration(secret)
    assert got.manifest["data"] == {"password": "cGFzcw=="}
    assert got.manifest["type"] == "Opaque"


def test_an_item_of_a_set_is_kept_by_its_value() -> None:
    one = deployment(entry(PULUMI, {"f:metadata": {"f:finalizers": {'v:"ours"': {}}}}))
    one["metadata"]["finalizers"] = ["theirs", "ours"]
    assert restoration(one).manifest["metadata"]["finalizers"] == ["ours"]
