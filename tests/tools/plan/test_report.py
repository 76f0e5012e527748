import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from settings.schema.approval import Approval
from tests.tools.access.parts import TEAMS, from_to
from tests.tools.plan.parts import preview, step, stream
from tools.plan import report
from tools.plan.as_json import as_json
from tools.plan.fingerprint import HIDDEN, fingerprint
from tools.plan.plan import CODES, Plan, plan
from tools.plan.preview import Preview, Step, Violation, parse

# What GitHub takes.
GITHUBS_LIMIT = 65_536
INTERNS = {**TEAMS, "research": {"groups": {"manager": ["research-mlflow-users"], "viewer": ["interns"]}}}
GAIN = "**Group interns** gains *read* on team research (experiments, runs, artifacts, datasets, registered models)"
IMAGE = "spec.template.spec.containers[0].image"


def planned(found: Preview, **fields: Any) -> Plan:  # noqa: ANN401 - arguments of `plan`
    given: dict[str, Any] = {"access": from_to(TEAMS, TEAMS), "now": None, "past": None, **fields}
    return plan("dev", found, **given)


def image(name: str) -> dict[str, Any]:
    requests = {"cpu": "100m", "memory": "512Mi"}
    container = {"image": name, "resources": {"requests": requests}}
    return {"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}}


def restarted() -> Step:
    return step("update", "StatefulSet", "postgres", old=image("a:1"), new=image("a:2"), changed=(IMAGE,))


# Reviewed by people: what a comment looks like.
REVIEW = Path(__file__).with_name("review.md").read_text(encoding="utf-8").rstrip()


def test_the_comment_says_who_what_data_how_long_and_how_much_before_the_difference() -> None:
    made = step(
        "update",
        "StatefulSet",
        "postgres",
        old=image("a:1"),
        new=image("a:2"),
        changed=(IMAGE,),
        parent="urn:pulumi:dev::p::mlflow-platform:index:PostgreSQL::postgres",
    )
    found = planned(preview(made), access=from_to(TEAMS, INTERNS))
    assert HIDDEN.sub("<!-- fingerprint -->", report.markdown([found])) == REVIEW
    assert report.markdown([found]) == report.markdown([found])


def test_a_stack_that_stays_as_it_is_says_so_in_its_headline() -> None:
    assert report.headline(planned(preview())) == "dev: changes nothing"


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (
            planned(preview(step("update", "LimitRange", "a", old={}, new={}, changed=("spec.limits[0]",)))),
            "safe",
        ),
        (planned(preview(step("update", "Service", "a", old={}, new={}, changed=("spec.ports",)))), "approval"),
        (planned(preview(restarted())), "approval"),
        (planned(preview(), access=from_to(TEAMS, INTERNS)), "approval"),
        (planned(preview(), access=from_to(INTERNS, TEAMS)), "safe"),
        (planned(preview(), access="The stack file has mistakes."), "approval"),
        (planned(preview(step("delete", "Namespace", "team-b", old={}))), "approval"),
        (planned(preview(errors=("no such cluster",))), "refused"),
    ],
    ids=[
        "harmless",
        "a field",
        "an interruption",
        "a gain",
        "a loss",
        "unknown access",
        "data",
        "an error",
    ],
)
def test_the_outcome_follows_from_access_data_interruptions_and_errors(found: Plan, outcome: str) -> None:
    assert found.outcome == outcome
    assert CODES[found.outcome] == ["safe", "approval", "refused"].index(outcome)


@pytest.mark.parametrize(("level", "refused"), [("mandatory", True), ("advisory", False)])
def test_a_broken_rule_refuses_if_it_is_mandatory(level: str, *, refused: bool) -> None:
    broken = Violation(rule="pods-are-restricted", level=level, where="Job a", what="runs as root")
    found = planned(Preview(steps=(), violations=(broken,), errors=()))
    assert (found.outcome == "refused") is refused
    assert f"- pods-are-restricted ({level}): `Job a`: `runs as root`" in report.markdown([found])


def test_what_the_stack_file_allows_needs_no_approval() -> None:
    found = planned(preview(restarted()))
    allowed = Approval.model_validate({"interruptionSeconds": 60})
    assert replace(found, approval=allowed).outcome == "safe"


def test_growth_and_money_are_told_and_need_approval() -> None:
    old, new = image("a:1"), image("a:1")
    new["spec"]["replicas"] = 3
    made = step("update", "Deployment", "mlflow", old=old, new=new, changed=("spec.replicas",))
    found = planned(preview(made), prices={"cpu": 25.0, "memory": 3.0})
    assert found.reasons == ["it reserves 200 % more (your limit without approval is 20 %)"]
    text = report.markdown([found])
    assert "- Reserved for all pods (requests): 0.1 → 0.3 cores of CPU, 0.5 → 1.5 GiB of memory, 1 → 3 pods" in text
    assert "- Money a month, by the price list: 4.00 → 12.00" in text


def test_values_are_shown_and_secrets_are_not() -> None:
    masked: dict[str, Any] = {"data": "[secret]"}
    made = [
        step("update", "Secret", "key", old=masked, new=masked, changed=("data",)),
        step("replace", "ConfigMap", "list", old={"data": {"a": "x" * 500}}, new={}, changed=("data",)),
        step(
            "update",
            "Service",
            "a",
            old={"spec": {"a": 1}},
            new={"spec": {"b": "x" * 500}},
            changed=("spec.a", "spec.b"),
        ),
    ]
    lines = report.markdown([planned(preview(*made))]).splitlines()
    assert "    data: changes (secret)" in lines
    assert "± ConfigMap list: new content" in lines
    assert "    spec.a: 1 is removed" in lines
    assert f"    spec.b: {'x' * 157}... is new" in lines


def test_what_is_known_only_after_an_up_is_named() -> None:
    unknown = {"spec": {"a": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}
    found = planned(preview(step("update", "Service", "a", old={"spec": {"a": "1"}}, new=unknown, changed=("spec.a",))))
    text = report.markdown([found])
    assert "### Known only after an `up`, in part\n\n- `Service a`" in text
    assert "    spec.a: 1 → known after `up`" in text


@pytest.mark.parametrize(
    "said",
    [
        "StatefulSet is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas'",
        'unable to replace resource "a::StatefulSet::postgres-server"\nas it is currently marked for protection.',
    ],
)
def test_an_error_of_the_engine_is_explained_if_its_meaning_is_known(said: str) -> None:
    text = report.markdown([planned(preview(errors=(said, said)))])
    assert text.count("the author must set it back") == 1


MANY = [f"x{'y' * 200}-{number}" for number in range(2 * report.LONGEST // 200)]
LONG = {
    "the difference": preview(*(step("create", "ConfigMap", name, new={}) for name in MANY)),
    "the errors": preview(errors=tuple(MANY)),
    "the data": preview(*(step("delete", "Namespace", name, old={}) for name in MANY)),
}


@pytest.mark.parametrize("where", LONG)
def test_a_long_comment_is_shortened_to_what_github_takes_with_its_fences_closed(where: str) -> None:
    danger = step("delete", "StatefulSet", "postgres", old={})
    text = report.markdown([planned(LONG[where]), planned(preview(danger))])
    assert text.startswith(report.MARKER)
    assert len(text) <= report.LONGEST < GITHUBS_LIMIT
    assert "more: `make plan` shows them" in text
    assert "- `StatefulSet mlflow/postgres`: is deleted: its pods end." in text
    assert sum(line.startswith("```") for line in text.splitlines()) % 2 == 0


def test_the_text_has_the_same_sections_and_colours_only_on_request() -> None:
    found = planned(preview(restarted()), access=from_to(TEAMS, INTERNS))
    plain = report.text([found], coloured=False)
    assert "\033[" not in plain
    assert plain.splitlines()[:6] == [
        report.headline(found),
        "",
        "Before approving",
        "  Nothing to prepare. Decide whether you accept what the headline says, and when it may happen.",
        "",
        "Who gains or loses access",
    ]
    assert "  Group interns gains read on team research (experiments, runs, artifacts" in plain
    assert report.text([found], coloured=True).startswith(report.YELLOW)


def test_the_json_has_the_same_fields_whatever_is_found() -> None:
    found = [planned(preview()), planned(preview(restarted(), step("delete", "Namespace", "b", old={})))]
    one, other = json.loads(as_json(found))["plans"]
    assert one.keys() == other.keys()
    assert (one["outcome"], one["reasons"], one["changes"]) == ("safe", [], [])
    assert one["fingerprint"] == fingerprint(found[0]).value != other["fingerprint"]
    assert other["changes"][1] == {
        "op": "update",
        "resource": "StatefulSet postgres",
        "component": "",
        "properties": [IMAGE],
    }


def test_no_name_or_error_of_the_program_can_leave_its_place_in_the_comment() -> None:
    evil = "a\n```\n@everybody [click](https://evil.example.com)"
    event: dict[str, Any] = {
        "op": "delete",
        "urn": f"urn:pulumi:dev::p::kubernetes:core/v1:Namespace::{evil}",
        "old": {"inputs": {}},
    }
    found = parse(stream({"resourcePreEvent": {"metadata": event}}, {"summaryEvent": {}}))
    text = report.markdown([planned(found), planned(preview(errors=("```\n@everybody",)))])
    inside = False
    for line in text.splitlines():
        if line.startswith("````"):
            inside = not inside
        elif "@everybody" in line and not inside:
            name = "```` Namespace a ``` @everybody [click](https://evil.example.com) ````"
            assert line.count("@everybody") == line.count(name)


@pytest.mark.parametrize(
    ("plans", "how"),
    [
        ([preview()], "No approval is needed. After the merge exactly this plan is applied"),
        ([preview(), preview(restarted())], "To approve: a review with *Approve* after this comment"),
        ([preview(restarted()), preview(errors=("no",))], "Nothing can be applied until the author has corrected"),
    ],
    ids=["safe", "approval", "refused"],
)
def test_the_comment_ends_with_how_to_approve_the_strictest_of_its_plans(plans: list[Preview], how: str) -> None:
    text = report.markdown([planned(each) for each in plans], commit="0123456789abcdef")
    assert text.rpartition("---\n")[2].startswith(f"Plan of commit 0123456789ab. {how}")


@pytest.mark.parametrize("commit", ["", "main", "@everybody"])
def test_only_a_commit_is_named_as_one(commit: str) -> None:
    assert "Plan of commit" not in report.markdown([planned(preview())], commit=commit)


def test_components_are_no_objects_and_are_not_counted() -> None:
    component = step("create", "Gateway", "edge", type="mlflow-platform:index:Gateway", new={})
    inside = step("create", "Ingress", "edge-ingress", new={})
    assert "<summary>Changes: 1 to create</summary>" in report.markdown([planned(preview(component, inside))])


def test_a_plan_that_fails_says_that_nothing_happens_instead_of_what_would() -> None:
    found = planned(preview(restarted(), step("delete", "Namespace", "b", old={}), errors=("forbidden",)))
    text = report.markdown([found])
    assert "- Nothing: this plan stops before anything is changed." in text
    assert "### Data at risk" not in text
    assert "### Before approving" not in text
    assert "<summary>What the change would have done (nothing was changed): 1 to update, 1 to delete</summary>" in text
    assert "~ StatefulSet postgres" in text


def test_a_variable_is_named_and_a_generated_name_is_no_difference() -> None:
    def pod(value: str, secret: str) -> dict[str, Any]:
        container = {"env": [{"name": "SHARED_BUFFERS", "value": value}]}
        return {"spec": {"template": {"spec": {"containers": [container], "volumes": [{"secret": secret}]}}}}

    paths = ("spec.template.spec.containers[0].env[0].value", "spec.template.spec.volumes[0].secret")
    made = step("update", "Deployment", "a", old=pod("1", "key-0123abcd"), new=pod("2", "key-89abcdef"), changed=paths)
    lines = report.markdown([planned(preview(made))]).splitlines()
    assert "    spec.template.spec.containers[].env[SHARED_BUFFERS].value: 1 → 2" in lines
    assert "    spec.template.spec.volumes[].secret: a new name" in lines


def test_claims_that_stay_are_not_counted_as_freed() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "10Gi"}}}}
    store: dict[str, Any] = {"spec": {"replicas": 1, "volumeClaimTemplates": [claim]}}
    text = report.markdown([planned(preview(step("delete", "StatefulSet", "object-store", old=store)))])
    said = "- Volumes: 10 GiB before, 0 GiB in use afterwards; 10 GiB stay in volume claims that nothing uses, until"
    assert said in text


def test_the_order_in_which_the_engine_reaches_its_steps_changes_nothing() -> None:
    made = [
        step("replace", "ConfigMap", name, old={"data": {"ca.crt": "a"}}, new={}) for name in ("mlflow-ca", "a", "b")
    ]
    made += [step("replace", "Job", name, old={}, new={}) for name in ("x", "w")]
    one, other = (report.markdown([planned(preview(*steps))]) for steps in (made, reversed(made)))
    assert one == other
