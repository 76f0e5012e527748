from dataclasses import replace

import pytest

from tests.tools.plan.parts import ALLOWED, EVENTS, MIGRATION, URN, preview, step, stream
from tools.plan.preview import Step, Violation, is_masked, parse


def test_the_engines_events_become_steps_violations_and_errors() -> None:
    found = parse(stream(*EVENTS))
    description = 'metadata.annotations["mlflow.kubeflow.org/workspace-description"]'
    assert [(step.op, step.shown, step.changed) for step in found.changes] == [
        ("replace", "Job migration-job", (ALLOWED,)),
        ("update", "Namespace team-b-namespace", (description,)),
    ]
    what = "container `migrate`: securityContext.allowPrivilegeEscalation must be false"
    assert found.violations == (
        Violation(rule="pods-are-restricted", level="mandatory", where="Job migration-job", what=what),
    )
    assert found.errors == ("preview failed",)
    assert found.refused


def test_a_step_knows_its_inputs_its_guards_and_its_component() -> None:
    old = {"inputs": {"a": 1}, "protect": True, "parent": f"{URN}PostgreSQL::postgres"}
    new = {"inputs": {"a": 2}, "retainOnDelete": True, "parent": f"{URN}PostgreSQL::postgres"}
    metadata = {
        "op": "update",
        "urn": f"{URN}PostgreSQL$kubernetes:apps/v1:StatefulSet::server",
        "old": old,
        "new": new,
    }
    (found,) = parse(stream({"resourcePreEvent": {"metadata": metadata}})).steps
    assert (found.old, found.new) == ({"a": 1}, {"a": 2})
    assert (found.protected, found.retained) == ((True, False), (False, True))
    assert (found.component, found.kind) == ("PostgreSQL postgres", "StatefulSet")


def test_an_object_is_named_as_in_the_cluster() -> None:
    named = {"metadata": {"name": "postgres", "namespace": "mlflow"}}
    assert Step(op="create", urn="a::server", type="kubernetes:apps/v1:StatefulSet", new=named).object == (
        "StatefulSet mlflow/postgres"
    )
    assert Step(op="create", urn="a::bucket", type="aws:s3/bucket:Bucket").object == "Bucket bucket"


def test_blank_lines_between_events_are_nothing() -> None:
    assert parse(f"\n{stream(EVENTS[3])}\n\n") == parse(stream(EVENTS[3]))


@pytest.mark.parametrize(
    ("message", "what"),
    [("Closed.\nb is open\n", "b is open"), ("Closed.\n", "Closed.")],
    ids=["a violation", "a description alone"],
)
def test_a_rule_about_the_whole_stack_names_the_stack(message: str, what: str) -> None:
    event: dict[str, object] = {
        "policyEvent": {"message": message, "policyName": "closed", "enforcementLevel": "advisory"}
    }
    found = parse(stream(event, {"summaryEvent": {}}))
    assert found.violations == (Violation(rule="closed", level="advisory", where="the stack", what=what),)
    assert not found.refused


@pytest.mark.parametrize("text", ["error: no such stack", "{\n}", "[]"])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1|expected one JSON object"):
        parse(text)


def test_a_preview_that_ended_early_is_not_taken_for_one_without_changes() -> None:
    assert parse(stream(EVENTS[0])).errors == ("The preview did not finish; see the log of the workflow.",)


def test_steps_that_belong_to_a_replacement_are_counted_once() -> None:
    pieces: list[dict[str, object]] = [
        {"resourcePreEvent": {"metadata": {"op": op, "urn": MIGRATION}}} for op in ("create-replacement", "replace")
    ]
    assert [step.op for step in parse(stream(*pieces)).steps] == ["replace"]


def test_a_masked_value_is_known_as_a_secret() -> None:
    assert is_masked("[secret]")
    assert is_masked({"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"})
    assert not is_masked({"a": "b"})


def test_what_the_engine_says_after_an_error_is_left_out_and_kept_if_nothing_else_is_there() -> None:
    def error(message: str) -> dict[str, object]:
        return {"diagnosticEvent": {"severity": "error", "message": message}}

    after = error("an unhandled error occurred: program exited with non-zero exit code: 1")
    assert parse(stream(error("1 mistake in Pulumi.dev.yaml"), after)).errors == ("1 mistake in Pulumi.dev.yaml",)
    assert len(parse(stream(after)).errors) == 1


def test_a_rename_without_an_alias_is_refused_because_the_object_exists() -> None:
    steps = (step("create", "Ingress", "mlflow", new={}), step("delete", "Ingress", "mlflow", old={}))
    renamed = replace(steps[0], urn="urn:a::entrance")
    found = preview(renamed, steps[1])
    assert found.refused
    assert found.clashes == ("Ingress mlflow/mlflow (mlflow → entrance)",)
    assert preview(*steps).clashes == ()
