"""`tools.heal` and objects whose creation was interrupted."""

from typing import Any

import pytest

from tests.program.stacks import STACKS, recorded
from tests.tools.begun import CONFIG_MAP, MANAGER, live, state_of
from tools.heal import field_manager, object_id, settled, with_adopted


def conflicts(there: dict[str, Any], manager: str) -> list[str]:
    """Another field manager that has applied an object and keeps the fields that it has set."""
    entries = there["metadata"]["managedFields"]
    return [entry["manager"] for entry in entries if entry["operation"] == "Apply" and entry["manager"] != manager]


def objects_of(stack: str) -> list[tuple[str, dict[str, Any]]]:
    """Every Kubernetes object of a committed stack, by its URN, as the engine's check leaves it."""
    return [
        (it.urn, {**it.document, "metadata": {"name": f"{it.name}-1a2b3c4d", **it.document.get("metadata", {})}})
        for it in recorded(stack)
        if it.custom and it.type.startswith("kubernetes:")
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_that_is_taken_in_is_applied_again_by_whom_it_was_applied(stack: str) -> None:
    objects = objects_of(stack)
    others = ("Update", "kube-controller-manager", "2026-11-01T10:00:09Z")
    cluster = {object_id(inputs) + inputs["kind"]: live(inputs, others) for _, inputs in objects}
    begun = [{"type": "creating", "resource": {"urn": urn, "inputs": inputs}} for urn, inputs in objects]
    state, taken_in = settled({"pending_operations": begun}, lambda it: cluster[object_id(it) + it["kind"]])
    assert len(taken_in) == len(objects) > 20
    for resource in state["resources"]:
        there = cluster[resource["id"] + resource["inputs"]["kind"]]
        # A provider that finds no name in the state draws one.
        assert conflicts(there, resource["outputs"].get("__fieldManager", "pulumi-kubernetes-drawn")) == []
        assert resource["outputs"] == {**resource["inputs"], **state_of(resource["inputs"])}


def test_an_object_belongs_to_the_provider_that_applied_it_last() -> None:
    later = ("Apply", "pulumi-kubernetes-0a0a0a0a", "2026-11-01T10:00:01Z")
    assert field_manager(live(CONFIG_MAP, ("Apply", "kubectl", "2026-11-01T10:00:02Z"))) == MANAGER
    assert field_manager(live(CONFIG_MAP, later)) == "pulumi-kubernetes-0a0a0a0a"


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [{"operation": "Update", "manager": "pulumi-kubernetes"}],
        [{"operation": "Apply", "manager": MANAGER, "subresource": "status"}],
    ],
)
def test_an_object_that_the_provider_did_not_apply_has_no_manager_to_keep(fields: list[dict[str, str]]) -> None:
    assert field_manager({"metadata": {"name": "scripts", "managedFields": fields}}) is None
    assert field_manager({"metadata": {"name": "scripts"}}) is None


@pytest.mark.parametrize(
    ("fields", "adopted"),
    [
        ([], False),
        ([{"operation": "Update", "manager": "kubectl-create"}], False),
        ([{"operation": "Update", "manager": "kubectl-create"}, {"operation": "Apply", "manager": MANAGER}], True),
        # With server-side apply switched off.
        ([{"operation": "Update", "manager": "pulumi-kubernetes"}], True),
    ],
)
def test_an_object_that_the_provider_has_not_written_is_not_adopted(
    fields: list[dict[str, str]], *, adopted: bool
) -> None:
    there: dict[str, Any] = {**CONFIG_MAP, "metadata": {"name": "scripts", "managedFields": fields}}
    begun = {"type": "creating", "resource": {"urn": "urn:a", "inputs": CONFIG_MAP}}
    state, urns = settled({"pending_operations": [begun]}, lambda _: there)
    assert (len(state["resources"]), urns) == ((1, ["urn:a"]) if adopted else (0, []))


def test_a_patch_is_made_again_and_an_object_of_another_stack_is_not_taken_for_it() -> None:
    fields = [{"operation": "Update", "manager": "pulumi-kubernetes"}]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}}
    begun = {"urn": "urn:a", "type": "kubernetes:core/v1:NamespacePatch", "inputs": namespace}
    there = {**namespace, "metadata": {"name": "team-a", "managedFields": fields}}
    assert settled({"pending_operations": [{"type": "creating", "resource": begun}]}, lambda _: there)[1] == []


OLD = {"urn": "urn:b", "id": "mlflow/b-1"}


@pytest.mark.parametrize(
    ("old", "left"),
    [
        pytest.param({**OLD, "pendingReplacement": True}, [], id="deleted first"),
        pytest.param(OLD, [{**OLD, "delete": True}], id="to be deleted afterwards"),
        pytest.param({**OLD, "delete": True}, None, id="being deleted already"),
    ],
)
def test_a_replacement_that_was_interrupted_has_the_place_of_what_it_replaces(
    old: dict[str, Any], left: list[dict[str, Any]] | None
) -> None:
    new = {"urn": "urn:b", "id": "mlflow/b-2"}
    expected = [{"urn": "urn:a"}, old, {"urn": "urn:c"}, new]
    if left is not None:
        expected = [{"urn": "urn:a"}, new, *left, {"urn": "urn:c"}]
    assert with_adopted([{"urn": "urn:a"}, old, {"urn": "urn:c"}], new) == expected


def test_an_object_that_the_state_has_is_not_taken_in_again() -> None:
    new = {**OLD, "initErrors": ["object creation was interrupted"]}
    assert with_adopted([OLD], new) == [OLD]
