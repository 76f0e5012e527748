"""Namespaces that a stack takes over, and changes of `createNamespace` that no `up` may make."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned
from tools.access.words import PLAIN
from tools.plan.decision import before_approving, way_out
from tools.plan.plan import CODES, Plan
from tools.plan.preview import Step

LABELS = {"mlflow-enabled": "true"}


def space(op: str, kind: str = "Namespace", name: str = "research", **fields: Any) -> Step:  # noqa: ANN401
    side = "old" if op == "delete" else "new"
    return step(op, kind, f"{kind}-{name}", **{side: {"metadata": {"name": name, "labels": LABELS}}}, **fields)


def inside(op: str) -> Step:
    side = {"metadata": {"name": "quota", "namespace": "research"}}
    sides = {"create": {"new": side}, "delete": {"old": side}}.get(op, {"old": side, "new": side})
    return step(op, "ResourceQuota", "quota", **sides)


def told(*steps: Step) -> Plan:
    return planned(preview(*steps))


def test_a_namespace_that_is_taken_over_needs_approval_and_a_step_before() -> None:
    found = told(space("create", "NamespacePatch"))
    assert found.reasons == ["namespace research is taken over: its pods may lose connections"]
    assert CODES[found.outcome] == 1
    (asked,) = before_approving(found, PLAIN)
    assert asked.startswith("Ask those who use Namespace research which connections its pods need")


@pytest.mark.parametrize("op", ["same", "update", "delete"])
def test_a_namespace_that_was_taken_over_before_is_no_reason(op: str) -> None:
    found = told(space(op, "NamespacePatch"))
    assert [each for each in found.reasons if "taken over" in each] == []
    assert [each for each in before_approving(found, PLAIN) if each.startswith("Ask those")] == []


def test_a_namespace_of_the_stacks_own_is_not_taken_over() -> None:
    assert [each for each in told(space("create")).reasons if "taken over" in each] == []


@pytest.mark.parametrize(
    "beside",
    [space("create", "NamespacePatch"), inside("same"), inside("update"), inside("create"), inside("replace")],
    ids=["taken over", "content stays", "content changes", "content begins", "content is replaced"],
)
def test_a_namespace_that_would_be_deleted_although_it_is_used_refuses_the_plan(beside: Step) -> None:
    found = told(space("delete"), beside)
    assert CODES[found.outcome] == 2
    (said,) = way_out(found, PLAIN)
    assert said.startswith("Namespace research would be deleted with everything in it, although the stack goes on to")
    assert said.endswith("the author must remove `createNamespace: false`.")


@pytest.mark.parametrize(
    "steps",
    [
        [space("delete"), inside("delete")],
        [space("delete"), space("create", "NamespacePatch", "another")],
        [space("delete", retained=(True, False)), space("create", "NamespacePatch")],
        [space("create", "NamespacePatch"), inside("create")],
        [space("delete", "NamespacePatch"), inside("delete")],
        [space("create"), inside("create")],
        [space("delete", "NamespacePatch"), space("create", name="another")],
    ],
    ids=["a removed team", "another's", "kept", "taken over", "given back", "a new team", "another is new"],
)
def test_other_changes_of_namespaces_are_not_refused(steps: list[Step]) -> None:
    found = told(*steps)
    assert found.outcome != "refused"
    assert way_out(found, PLAIN) == []


def test_a_namespace_that_exists_and_would_be_created_refuses_the_plan() -> None:
    found = told(space("delete", "NamespacePatch"), space("create"), inside("same"))
    assert CODES[found.outcome] == 2
    (said,) = way_out(found, PLAIN)
    assert said.startswith("Namespace research exists already, so that `up` would stop in the middle.")
    assert said.endswith("the author must set `createNamespace: false` again.")


def test_a_namespace_under_another_name_of_the_programs_own_needs_an_alias_and_nothing_else() -> None:
    found = told(space("delete"), replace(space("create"), urn="urn:a::other"), inside("same"))
    assert CODES[found.outcome] == 2
    assert not any("createNamespace" in each for each in way_out(found, PLAIN))
