from dataclasses import replace
from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned, restarted
from tools.access.words import MARKDOWN, PLAIN
from tools.plan import report
from tools.plan.decision import before_approving, way_out
from tools.plan.edits import Edit
from tools.plan.plan import Plan
from tools.plan.preview import Preview, Violation

Rule = dict[str, Any]


def policy(*egress: Rule) -> Rule:
    return {"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": list(egress)}}


def host(name: str) -> dict[str, Any]:
    return {"spec": {"rules": [{"host": name}]}}


def refused(*errors: str) -> list[str]:
    found = planned(preview(errors=errors))
    assert found.outcome == "refused"
    return way_out(found, PLAIN)


def test_what_to_do_before_data_is_lost_comes_first_with_names_that_cannot_leave_their_place() -> None:
    found = planned(preview(step("delete", "Namespace", "team-b", old={"metadata": {"name": "team-b"}})))
    assert before_approving(found, MARKDOWN)[0] == (
        "Ask those who use `Namespace team-b` what they still need of its pods, Secrets and volumes, and copy"
        " it: this plan does not see them, `kubectl --namespace team-b get pods,secrets,pvc` lists them. Volumes stay"
        " if their reclaim policy is Retain (docs/destroy.md)."
    )


def closing() -> Plan:
    rule: Rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    return planned(preview(step("update", "NetworkPolicy", "a", old=policy(rule), new=policy())))


def test_a_network_that_is_closed_needs_approval_because_nobody_knows_who_uses_it() -> None:
    found = closing()
    assert found.reasons == ["pods of namespace mlflow can no longer connect to 10.0.0.0/8"]
    assert before_approving(found, PLAIN) == [
        (
            "Make sure that pods of namespace mlflow can do without the connections that are closed: this plan cannot"
            " see which are in use."
        )
    ]
    assert "no interruption" not in report.markdown([found])


def test_an_address_that_ends_has_to_be_announced() -> None:
    made = step("update", "Ingress", "mlflow", old=host("a.b"), new=host("c.d"))
    found = planned(preview(made))
    assert found.reasons == ["a.b becomes c.d"]
    assert before_approving(found, PLAIN) == [
        "Tell everybody: from the `up` on, use https://c.d instead of https://a.b.",
        "Make sure that the name server knows c.d: this plan does not check it.",
    ]


def test_an_address_without_a_successor_is_said_to_have_none() -> None:
    found = planned(preview(step("delete", "Ingress", "mlflow", old=host("a.b"))))
    assert found.reasons == ["a.b is no longer an address"]
    assert before_approving(found, PLAIN) == ["Tell everybody who uses a.b: no address replaces it."]


def test_an_approval_for_which_nothing_can_be_prepared_says_so() -> None:
    (only,) = before_approving(planned(preview(restarted())), PLAIN)
    assert only.startswith("Nothing to prepare. Decide")


@pytest.mark.parametrize(
    ("after", "way"),
    [("20Gi", "The author must run `make grow STACK=dev`"), ("5Gi", "The author must set it back: a volume")],
)
def test_a_volume_of_another_size_names_the_setting_and_the_way(after: str, way: str) -> None:
    size = Edit(key="artifacts.storage", before="10Gi (default)", after=after)
    found = replace(planned(preview(errors=("updates to statefulset spec for fields",))), edits=[size])
    (said,) = way_out(found, PLAIN)
    assert said.startswith(f"artifacts.storage: 10Gi (default) → {after}. `up` cannot change the size of a volume")
    assert way in said


def test_a_safe_plan_asks_for_nothing() -> None:
    assert before_approving(planned(preview()), PLAIN) == []


@pytest.mark.parametrize(
    ("error", "way"),
    [
        (
            "1 mistake in Pulumi.dev.yaml (docs)\n  - host: expected a name",
            "correct Pulumi.dev.yaml: host: expected a name",
        ),
        (
            "spec: Forbidden: updates to statefulset spec for fields",
            "If it is larger, the author must run `make grow STACK=dev` with this stack file",
        ),
        ("spec: Forbidden: updates to statefulset spec for fields", "If it is smaller, the author must set it back"),
        ("as it is protected", "keep the resource"),
        ("no such cluster", "fix the error below"),
    ],
)
def test_a_failing_plan_says_what_its_author_must_do(error: str, way: str) -> None:
    (found,) = refused(error)
    assert "he author must " in found
    assert way in found


def test_a_broken_rule_and_a_rename_have_a_way_out() -> None:
    broken = Violation(rule="a", level="mandatory", where="Job a", what="b")
    (rule,) = way_out(planned(Preview(steps=(), violations=(broken,), errors=())), PLAIN)
    assert rule.startswith("The author must fix what breaks a mandatory rule")
    new = replace(step("create", "Ingress", "mlflow", new={}), urn="urn:a::entrance")
    found = planned(preview(new, step("delete", "Ingress", "mlflow", old={})))
    assert way_out(found, PLAIN)[-1].startswith("The author must give the resource an alias of its old name")


def test_a_mistake_that_quotes_the_stack_file_cannot_leave_its_place() -> None:
    text = "1 mistake in Pulumi.dev.yaml (docs)\n  - host: expected a name, found @everybody [click](https://evil)"
    (found,) = way_out(planned(preview(errors=(text,))), MARKDOWN)
    assert "`host: expected a name, found @everybody [click](https://evil)`" in found
