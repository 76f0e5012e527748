from dataclasses import replace
from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned
from tools.access.words import MARKDOWN, PLAIN
from tools.plan.decision import before_approving, way_out
from tools.plan.plan import Plan
from tools.plan.preview import Preview, Violation

Rule = dict[str, Any]


def policy(*egress: Rule) -> Rule:
    return {"spec": {"podSelector": {}, "egress": list(egress)}}


def host(name: str) -> dict[str, Any]:
    return {"spec": {"rules": [{"host": name}]}}


def refused(*errors: str) -> list[str]:
    found = planned(preview(errors=errors))
    assert found.outcome == "refused"
    return way_out(found, PLAIN)


def test_what_to_do_before_data_is_lost_comes_first_with_names_that_cannot_leave_their_place() -> None:
    found = planned(preview(step("delete", "Namespace", "team-b", old={"metadata": {"name": "team-b"}})))
    assert before_approving(found, MARKDOWN)[0] == (
        "Copy what is still needed from the volumes of `Namespace team-b`, or set their reclaim policy to Retain"
        " (docs/destroy.md)."
    )


def closing() -> Plan:
    rule: Rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    return planned(preview(step("update", "NetworkPolicy", "a", old=policy(rule), new=policy())))


def test_a_network_that_is_closed_needs_approval_because_nobody_knows_who_uses_it() -> None:
    found = closing()
    assert found.reasons == ["a network is closed"]
    assert before_approving(found, PLAIN) == [
        "Make sure that nothing needs the connections that are closed: this plan cannot see what uses them."
    ]


def test_an_address_that_ends_has_to_be_announced() -> None:
    made = step("update", "Ingress", "mlflow", old=host("a.b"), new=host("c.d"))
    found = planned(preview(made))
    assert found.reasons == ["a.b stops permanently"]
    assert before_approving(found, PLAIN) == ["Tell everybody who uses a.b: the address ends with the `up`."]


def test_a_safe_plan_asks_for_nothing() -> None:
    assert before_approving(planned(preview()), PLAIN) == []


@pytest.mark.parametrize(
    ("error", "way"),
    [
        (
            "1 mistake in Pulumi.dev.yaml (docs)\n  - host: expected a name",
            "correct Pulumi.dev.yaml: host: expected a name",
        ),
        ("spec: Forbidden: updates to statefulset spec for fields", "run `make grow STACK=dev` with this stack file"),
        ("spec: Forbidden: updates to statefulset spec for fields", "The author must set it back if it is smaller"),
        ("as it is protected", "keep the resource"),
        ("no such cluster", "fix the error below"),
    ],
)
def test_a_failing_plan_says_what_its_author_must_do(error: str, way: str) -> None:
    (found,) = refused(error)
    assert "The author must " in found
    assert way in found


def test_a_broken_rule_and_a_rename_have_a_way_out() -> None:
    broken = Violation(rule="a", level="mandatory", where="Job a", what="b")
    (rule,) = way_out(planned(Preview(steps=(), violations=(broken,), errors=())), PLAIN)
    assert rule.startswith("The author must fix what breaks a mandatory rule")
    new = replace(step("create", "Ingress", "mlflow", new={}), urn="urn:a::entrance")
    found = planned(preview(new, step("delete", "Ingress", "mlflow", old={})))
    assert way_out(found, PLAIN)[-1].startswith("The author must give the new resource an alias")


def test_a_mistake_that_quotes_the_stack_file_cannot_leave_its_place() -> None:
    text = "1 mistake in Pulumi.dev.yaml (docs)\n  - host: expected a name, found @everybody [click](https://evil)"
    (found,) = way_out(planned(preview(errors=(text,))), MARKDOWN)
    assert "`host: expected a name, found @everybody [click](https://evil)`" in found
