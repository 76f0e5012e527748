from typing import Any

import pytest

from tests.tools.plan.parts import step
from tools.plan.networks import connections, of_new_namespaces, without_effect
from tools.plan.preview import Step

Rule = dict[str, Any]
DNS: Rule = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]}

# Admits everything.
NO_LIMIT: Rule = {}


def to(cidr: str, *ports: int, **block: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an ipBlock
    rule: dict[str, Any] = {"to": [{"ipBlock": {"cidr": cidr, **block}}]}
    return {**rule, "ports": [{"port": port} for port in ports]} if ports else rule


def policy(*egress: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": list(egress)}}


def opened(steps: list[Step], **known: str) -> list[str]:
    return [each.sentence for each in connections(steps, known) if each.opens]


def closed(steps: list[Step]) -> list[str]:
    return [each.sentence for each in connections(steps) if each.closes]


def told(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    return opened([step("update", "NetworkPolicy", "team", old=policy(*before), new=policy(*after))])


def test_a_new_rule_is_a_sentence_with_pods_addresses_and_ports() -> None:
    assert told([DNS], [DNS, to("10.89.0.2/32", 443, 6443)]) == [
        "pods of namespace mlflow can newly connect to 10.89.0.2, port 443, 6443"
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "mlflow"}}},
        {"policyTypes": ["Ingress"]},
    ],
    ids=["other pods", "another direction"],
)
def test_a_policy_for_other_pods_or_directions_needs_a_look_at_the_whole(changed: dict[str, Any]) -> None:
    after = {"spec": {**policy(DNS)["spec"], **changed}}
    found, lost = opened([step("update", "NetworkPolicy", "team", old=policy(DNS), new=after)])
    assert found.endswith("have a policy that now selects other pods or directions: compare the whole policy below")
    assert lost == "pods of namespace mlflow lose their default deny: they may connect to everything"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([to("0.0.0.0/0", 443)], [to("10.0.0.1/32", 443)]),
        ([to("10.0.0.0/8", 443, 80)], [to("10.0.0.0/8", 443)]),
        ([to("10.0.0.0/8")], [to("10.0.0.0/8", 443)]),
        ([DNS, to("10.0.0.0/8")], [DNS]),
        ([to("0.0.0.0/0", **{"except": ["169.254.0.0/16"]})], [to("10.0.0.1/32")]),
        ([NO_LIMIT], [DNS]),
    ],
    ids=["a smaller range", "fewer ports", "ports at last", "a rule less", "beside what is left out", "all before"],
)
def test_what_admits_less_is_not_opened(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert told(before, after) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([to("10.0.0.1/32", 443)], [to("0.0.0.0/0", 443)]),
        ([to("10.0.0.0/8", 443)], [to("10.0.0.0/8", 443, 80)]),
        ([to("10.0.0.0/8", 443)], [to("10.0.0.0/8")]),
        ([to("0.0.0.0/0", **{"except": ["169.254.0.0/16"]})], [to("0.0.0.0/0")]),
        ([to("10.0.0.0/8")], [to("fd00::/8")]),
        ([DNS], [NO_LIMIT]),
        ([DNS], [{"to": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]),
    ],
    ids=["a larger range", "more ports", "any port", "what was left out", "another family", "everything", "other pods"],
)
def test_what_admits_more_is_opened(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert len(told(before, after)) == 1


LOST = "pods of namespace mlflow lose their default deny: they may connect to everything"
OTHERS: Rule = {"matchLabels": {"app.kubernetes.io/name": "dex"}}


@pytest.mark.parametrize("rules", [[], [DNS], [DNS, to("10.0.0.0/8")]], ids=["no rule", "DNS", "more"])
def test_a_deleted_policy_that_alone_closed_pods_opens_everything(rules: list[Rule]) -> None:
    assert opened([step("delete", "NetworkPolicy", "closed", old=policy(*rules))]) == [LOST]


@pytest.mark.parametrize(
    ("changed", "closes"),
    [
        ({}, "everything"),
        ({"policyTypes": ["Egress", "Ingress"]}, "everything"),
        # By default a policy with a rule for egress closes both directions.
        ({"policyTypes": None, "egress": [DNS]}, "everything"),
        ({"policyTypes": None, "egress": []}, "nothing"),
        ({"policyTypes": ["Ingress"]}, "nothing"),
        ({"podSelector": OTHERS}, "nothing"),
        ({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}, "nothing"),
    ],
)
@pytest.mark.parametrize("op", ["same", "create", "update", "delete"])
def test_pods_stay_closed_as_long_as_another_policy_closes_them(op: str, changed: Rule, closes: str) -> None:
    spec = {name: value for name, value in {**policy()["spec"], **changed}.items() if value is not None}
    other = {"spec": spec}
    sides = {"create": {"new": other}, "delete": {"old": other}}.get(op, {"old": other, "new": other})
    steps = [step("delete", "NetworkPolicy", "closed", old=policy(DNS)), step(op, "NetworkPolicy", "other", **sides)]
    told = any(
        sentence.endswith("lose their default deny: they may connect to everything") for sentence in opened(steps)
    )
    assert told == (closes == "nothing" or op == "delete")


@pytest.mark.parametrize("left", [["Egress"], ["Ingress"], []])
def test_a_policy_that_no_longer_closes_a_direction_opens_it(left: list[str]) -> None:
    before = {"spec": {"podSelector": OTHERS, "policyTypes": ["Egress", "Ingress"], "egress": [DNS]}}
    after = {"spec": {**before["spec"], "policyTypes": left}}
    sentences = " ".join(opened([step("update", "NetworkPolicy", "dex", old=before, new=after)]))
    # An empty list is as none: the default, which closes both for a policy with a rule for egress.
    assert ("may connect to everything" in sentences) == (left == ["Ingress"])
    assert ("may be reached by everything" in sentences) == (left == ["Egress"])


@pytest.mark.parametrize("op", ["create", "delete"])
def test_policies_of_a_new_or_a_deleted_namespace_open_nothing(op: str) -> None:
    side = "new" if op == "create" else "old"
    space = step(op, "Namespace", "mlflow", **{side: {}})
    made = [step(op, "NetworkPolicy", name, **{side: policy(*rules)}) for name, rules in (("a", [DNS]), ("b", []))]
    assert opened([space, *made]) == []


def test_the_same_of_several_namespaces_is_one_sentence() -> None:
    made = [
        step("update", "NetworkPolicy", space, old=inside(space), new=inside(space, to("10.0.0.1/32", 443)))
        for space in ("team-b", "team-a")
    ]
    assert opened(made) == ["pods of namespaces team-a, team-b can newly connect to 10.0.0.1, port 443"]


def inside(space: str, *egress: Rule) -> Rule:
    spec: Rule = {"podSelector": {}, "policyTypes": ["Egress", "Ingress"], "egress": list(egress)}
    return {"metadata": {"name": "network", "namespace": space}, "spec": spec}


def test_a_smaller_range_in_the_place_of_a_larger_one_is_what_is_left_and_no_opening() -> None:
    before = to("0.0.0.0/0", 443, **{"except": ["169.254.0.0/16"]})
    made = step("update", "NetworkPolicy", "mlflow", old=policy(before), new=policy(to("10.0.0.1/32", 443)))
    assert closed([made]) == [
        (
            "pods of namespace mlflow can connect to less than before, on port 443. Before: every address except"
            " 169.254.0.0/16. After: only 10.0.0.1"
        )
    ]
    assert (opened([made]), without_effect([made])) == ([], [])


def test_a_new_rule_that_another_one_contains_is_said_to_open_nothing() -> None:
    wide = to("0.0.0.0/0", 443, 6443)
    made = step("update", "NetworkPolicy", "mlflow", old=policy(wide, DNS), new=policy(wide, to("0.0.0.0/0", 443)))
    assert opened([made]) == []
    assert without_effect([made]) == [
        (
            "pods of namespace mlflow have a new rule that opens nothing: another rule already allows them to connect"
            " to every address, port 443"
        )
    ]


def test_every_peer_of_a_rule_is_named() -> None:
    rule = {"to": [{"ipBlock": {"cidr": f"10.0.0.{number}/32"}} for number in range(9)]}
    assert all(f"10.0.0.{number}" in told([], [rule])[0] for number in range(9))


def test_a_new_namespace_says_what_its_pods_reach_and_that_it_is_all() -> None:
    space = step("create", "Namespace", "team-c", new={})
    names: Rule = {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    made = step("create", "NetworkPolicy", "network", new=inside("team-c", names, to("10.0.0.2/32", 443)))
    assert of_new_namespaces([space, made]) == [
        "pods of namespace team-c may connect to name servers; 10.0.0.2, port 443; nothing else"
    ]
    assert of_new_namespaces([made]) == []


def of_pods(*names: str) -> Rule:
    peers = [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}} for name in names]
    return {"to": peers, "ports": [{"port": 8333}]}


def of_team(name: str, *egress: Rule) -> Step:
    parent = f"urn:pulumi:dev::p::mlflow-platform:index:Workspace::{name}"
    return step("update", "NetworkPolicy", name, old=inside(name), new=inside(name, *egress), parent=parent)


def test_a_closing_with_other_ports_lists_before_and_after_whole() -> None:
    before = [to("10.0.0.0/8", 443), to("10.0.0.0/8", 80)]
    made = step("update", "NetworkPolicy", "a", old=policy(*before), new=policy(to("10.0.0.1/32", 443, 80)))
    assert opened([made]) != []
    made = step("update", "NetworkPolicy", "a", old=policy(*before), new=policy(to("10.0.0.1/32", 443)))
    assert closed([made]) == [
        (
            "pods of namespace mlflow can connect to less than before. Before: 10.0.0.0/8, port 443; 10.0.0.0/8, port"
            " 80. After, on these ports: only 10.0.0.1, port 443"
        )
    ]


def test_teams_are_named_and_so_are_addresses_that_the_stack_file_knows() -> None:
    made = [of_team(name, to("10.89.0.2/32", 443)) for name in ("team-b", "team-a")]
    (found,) = connections(made, {"10.89.0.2/32": "the Kubernetes API server"})
    assert found.headline == "programs of team-a and team-b can newly connect to the Kubernetes API server (10.89.0.2)"


@pytest.mark.parametrize(
    ("rule", "closes"),
    [(of_pods("object-store"), False), (of_pods("object-store", "other"), True), (to("10.0.0.1/32"), True)],
    ids=["what is deleted", "something besides", "something else"],
)
def test_a_connection_to_what_the_plan_deletes_is_no_closing_that_somebody_has_to_judge(
    rule: Rule, *, closes: bool
) -> None:
    gone = step("delete", "StatefulSet", "object-store", old={})
    update = step("update", "NetworkPolicy", "mlflow", old=policy(rule), new=policy())
    (found,) = connections([gone, update])
    assert found.closes is closes
    assert found.sentence.endswith("which this plan deletes") is not closes
    (alone,) = connections([update])
    assert alone.closes


def test_the_platforms_own_pods_are_named_for_people() -> None:
    pods = {"matchLabels": {"app.kubernetes.io/name": "mlflow"}}
    spec = {"podSelector": pods, "policyTypes": ["Egress"], "egress": [of_pods("object-store")]}
    closing = step("update", "NetworkPolicy", "a", old={"spec": spec}, new={"spec": {**spec, "egress": []}})
    (found,) = connections([closing])
    assert found.sentence == (
        "MLflow (pods mlflow of namespace mlflow) can no longer connect to the artifact store (pods object-store),"
        " port 8333"
    )
    assert found.headline == "MLflow can no longer connect to the artifact store (pods object-store)"
