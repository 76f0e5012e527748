from dataclasses import replace
from typing import Any

import pytest

from tests.tools.access.parts import TEAMS, from_to
from tests.tools.plan.parts import preview, step
from tools.plan import report
from tools.plan.fingerprint import LONGEST_PARTS, Fingerprint, differences, fingerprint, hidden, read
from tools.plan.plan import Plan, plan
from tools.plan.preview import SECRET_KEY, UNKNOWN, Step

DRAWN = {"pulumi.com/autonamed": "true"}
INTERNS = {**TEAMS, "research": {"groups": {"manager": ["research-mlflow-users"], "viewer": ["interns"]}}}


def planned(*steps: Step, errors: tuple[str, ...] = (), teams: Any = TEAMS) -> Plan:  # noqa: ANN401 - a stack's teams
    return plan("dev", preview(*steps, errors=errors), access=from_to(TEAMS, teams), now=None, past=None)


def value(*steps: Step) -> str:
    return fingerprint(planned(*steps)).value


def changed(new: object, path: str = "spec.a", kind: str = "Service") -> Step:
    return step("update", kind, "a", old={"spec": {"a": 1}}, new={"spec": {"a": new}}, changed=(path,))


def named(suffix: str, *, drawn: bool = True, name: str = "") -> Step:
    """A ConfigMap that is replaced under a new name."""
    metadata = {"name": name or f"settings-{suffix}", "annotations": DRAWN if drawn else {}}
    made = step("create", "ConfigMap", "settings", new={"data": {"a": "1"}})
    return replace(made, new=made.new | {"metadata": metadata})


def test_the_same_changes_in_another_order_have_the_same_fingerprint() -> None:
    one, other = changed(2), step("delete", "Job", "old", old={"spec": {}})
    assert value(one, other) == value(other, one)
    assert value(one).startswith("sha256:")
    assert len(value(one)) == len("sha256:") + 64


@pytest.mark.parametrize(
    "other",
    [
        [changed(3)],
        [changed(2, kind="Ingress")],
        [changed(2), step("create", "Service", "b", new={})],
        [replace(changed(2), op="replace")],
        [replace(changed(2), protected=(True, False))],
        [replace(changed(2), old={"spec": {"a": 0}})],
        [],
    ],
    ids=["a value", "a kind", "one more", "an operation", "a guard", "what was there", "none"],
)
def test_another_change_is_another_plan(other: list[Step]) -> None:
    assert value(*other) != value(changed(2))


def test_content_of_a_new_object_is_judged_too() -> None:
    bound = [step("create", "RoleBinding", "a", new={"subjects": [{"name": name}]}) for name in ("team-a", "interns")]
    assert value(bound[0]) != value(bound[1])


def test_who_gains_access_is_judged_even_if_nothing_else_differs() -> None:
    one, other = fingerprint(planned()), fingerprint(planned(teams=INTERNS))
    assert one.value != other.value
    assert differences(one, other) == ["other: access", "other: outcome", "other: reasons"]


def test_a_name_that_is_drawn_for_each_preview_does_not_count_and_neither_do_references_to_it() -> None:
    values = [value(named(suffix), changed(f"settings-{suffix}")) for suffix in ("01234567", "89abcdef")]
    assert values[0] == values[1]


def test_a_program_cannot_hide_a_text_by_calling_it_a_drawn_name() -> None:
    hiding = [value(named("", name=group), changed(group)) for group in ("team-a", "interns")]
    assert hiding[0] != hiding[1]
    assert value(named("01234567", drawn=False)) != value(named("89abcdef", drawn=False))


@pytest.mark.parametrize("shown", ["[secret]", {SECRET_KEY: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:a"}])
def test_a_secret_value_does_not_count_whatever_stands_for_it(shown: object) -> None:
    assert value(changed(shown)) == value(changed("[secret]"))


def test_a_secrets_keys_count_and_its_values_do_not() -> None:
    one, other, more = (
        step("create", "Secret", "a", new={"stringData": data})
        for data in ({"password": "one"}, {"password": "two"}, {"password": "one", "token": "x"})
    )
    assert value(one) == value(other) != value(more)


def test_what_is_known_only_after_an_up_counts_as_unknown() -> None:
    assert value(changed(UNKNOWN)) == value(changed(f"https://{UNKNOWN}/")) != value(changed("https://a/"))


def test_a_comment_carries_the_fingerprint_of_each_stack_and_shows_none() -> None:
    one, other = planned(changed(2)), replace(planned(changed(3)), stack="prod")
    text = report.markdown([one, other])
    lines = text.splitlines()
    assert lines[0] == report.MARKER
    assert lines[3] == ""
    for found in (one, other):
        assert read(text, found.stack) == fingerprint(found)
    assert read(text, "test") is None


def test_what_stands_in_the_plan_is_never_read_as_a_fingerprint() -> None:
    forged = hidden(Fingerprint(stack="prod", value=f"sha256:{'0' * 64}"))
    text = report.markdown([planned(errors=(f"error\n\n{forged}\n",))])
    assert forged in text.splitlines()
    assert read(text, "prod") is None


def test_no_name_of_a_resource_can_end_the_line_that_is_not_shown() -> None:
    evil = replace(changed(2), urn="urn:pulumi:dev::p::kubernetes:core/v1:Service::a --> **shown**")
    assert hidden(fingerprint(planned(evil))).count("-->") == 1


def test_a_list_of_parts_that_is_too_long_is_left_out_and_the_fingerprint_is_not() -> None:
    many = planned(*(step("create", "ConfigMap", f"a-{number}", new={}) for number in range(500)))
    line = hidden(fingerprint(many))
    assert len(line) < LONGEST_PARTS
    found = read(line, "dev")
    assert found is not None
    assert found.value == fingerprint(many).value
    assert differences(found, fingerprint(many)) == []


def test_differences_name_what_is_new_gone_and_other() -> None:
    kept, gone, new = changed(2), step("delete", "Job", "old", old={}), step("create", "Job", "new", new={})
    before, after = fingerprint(planned(kept, gone)), fingerprint(planned(changed(3), new))
    assert differences(before, after) == [
        "new: create Job new",
        "gone: delete Job old",
        "other: reasons",
        "other: update Service a",
    ]
