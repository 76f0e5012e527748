"""From policies to the packet filter's rules: exact text, case by case."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from testbed.network_policies.objects import Object
from testbed.network_policies.pods import pods
from testbed.network_policies.ruleset import ruleset
from testbed.network_policies.selection import selects

CLOSED = Path(__file__).parents[2] / "testbed/node/files/etc/mlflow-platform/closed.nft"
WEB, CLIENT, FOREIGN = "10.244.0.2", "10.244.0.3", "10.244.0.10"


def in_order(value: object) -> str:
    """A case's name, the same in each process: sets have no order of their own."""
    return str(sorted(cast("set[str]", value))) if isinstance(value, set) else str(value)


def namespace(name: str, **labels: str) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": name, **labels}
    return {"kind": "Namespace", "metadata": {"name": name, "uid": f"n-{name}", "labels": labels}}


def pod(space: str, name: str, address: str | None, labels: Mapping[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    status: dict[str, Any] = {"phase": "Running", **({"podIP": address} if address else {})}
    spec: dict[str, Any] = {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]}
    return {
        "kind": "Pod",
        "metadata": {"namespace": space, "name": name, "uid": f"p-{name}", "labels": labels},
        "spec": {**spec, **more.get("spec", {})},
        "status": {**status, **more.get("status", {})},
    }


def policy(spec: dict[str, Any], space: str = "shop") -> dict[str, Any]:
    return {"kind": "NetworkPolicy", "metadata": {"namespace": space, "name": "x", "uid": "x"}, "spec": spec}


CLUSTER = [
    namespace("shop", team="shop"),
    namespace("other", team="other"),
    pod("shop", "web", WEB, {"app": "web"}),
    pod("shop", "client", CLIENT, {"app": "client", "tier": "front"}),
    pod("other", "client", FOREIGN, {"app": "client"}),
]


def rendered(*policies: dict[str, Any], announced: Mapping[tuple[str, str], str] | None = None) -> str:
    return ruleset(cast("list[Object]", [*CLUSTER, *policies]), announced)


def chain(text: str, name: str) -> list[str]:
    """The rules of a chain, without comments."""
    found = re.search(rf"chain {re.escape(name)} {{\n(.*?)\n    }}", text, re.DOTALL)
    assert found, f"no chain {name} in\n{text}"
    return [line.strip() for line in found[1].splitlines() if not line.strip().startswith("#")]


def ingress(*rules: dict[str, Any]) -> list[str]:
    """Ingress that a policy for the pod `web` allows, without the rules for the pod itself and for refusal."""
    text = rendered(policy({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": list(rules)}))
    first, *found, last = chain(text, f"to-{WEB}")
    assert (first, last) == (f"ip saddr {WEB} accept", "goto refuse")
    return found


def egress(*rules: dict[str, Any]) -> list[str]:
    """Egress that a policy for the pod `web` allows, without the rules for the pod itself and for refusal."""
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": list(rules)}
    first, *found, last = chain(rendered(policy(spec)), f"from-{WEB}")
    assert (first, last) == (f"ip daddr {WEB} goto arrive", "goto refuse")
    return found


def test_the_whole_text_of_one_policy() -> None:
    text = rendered(
        policy({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 8080}]}]}),
    )
    assert (
        text
        == f"""\
# Who may connect to whom, as the cluster's NetworkPolicies say. Test equipment: written by testbed/network_policies.
table ip network_policies
delete table ip network_policies
table ip network_policies {{
    chain refuse {{
        # A program learns at once that it is refused.
        meta l4proto tcp reject with tcp reset
        drop
    }}
    chain to-{WEB} {{
        # shop/web
        ip saddr {WEB} accept
        tcp dport 8080 accept
        goto refuse
    }}
    chain arrive {{
        fib daddr type local accept
        ip daddr vmap {{ {WEB} : goto to-{WEB}, {CLIENT} : accept, {FOREIGN} : accept }}
        # A pod that nothing is known of yet.
        ip daddr 10.244.0.0/16 drop
        accept
    }}
    chain leave {{
        ip saddr vmap {{ {WEB} : goto arrive, {CLIENT} : goto arrive, {FOREIGN} : goto arrive }}
        drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname "cni0" goto leave
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        ct state established,related accept
        iifname "cni0" goto leave
    }}
}}
"""
    )


def test_the_node_starts_with_the_rules_of_a_cluster_without_pods() -> None:
    assert CLOSED.read_text() == ruleset([])


ADMITS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["accept"]),
    ({"from": [], "ports": []}, ["accept"]),
    ({"from": [{"podSelector": {}}]}, [f"ip saddr {{ {WEB}, {CLIENT} }} accept"]),
    ({"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}, [f"ip saddr {{ {CLIENT} }} accept"]),
    ({"from": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]}, []),
    ({"from": [{"namespaceSelector": {}}]}, [f"ip saddr {{ {WEB}, {CLIENT}, {FOREIGN} }} accept"]),
    ({"from": [{"namespaceSelector": {"matchLabels": {"team": "other"}}}]}, [f"ip saddr {{ {FOREIGN} }} accept"]),
    (
        {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "client"}}}]},
        [f"ip saddr {{ {CLIENT}, {FOREIGN} }} accept"],
    ),
    (
        {"from": [{"podSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}]},
        [f"ip saddr {{ {WEB} }} accept"],
    ),
    (
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.1.2.0/24"]}}]},
        ["ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 ip saddr != 10.1.2.0/24 accept"],
    ),
    ({"from": [{"ipBlock": {"cidr": "fd00::/8"}}]}, []),
    ({"ports": [{"protocol": "UDP"}]}, ["meta l4proto udp accept"]),
    ({"ports": [{"port": 80}]}, ["tcp dport 80 accept"]),
    ({"ports": [{"port": 80, "endPort": 90}]}, ["tcp dport 80-90 accept"]),
    ({"ports": [{"protocol": "SCTP", "port": 7}]}, ["sctp dport 7 accept"]),
    ({"ports": [{"port": "http"}]}, ["tcp dport 8080 accept"]),
    ({"ports": [{"port": "http", "protocol": "UDP"}]}, []),
    (
        {"from": [{"podSelector": {}}], "ports": [{"port": 80}, {"port": 81}]},
        [f"ip saddr {{ {WEB}, {CLIENT} }} tcp dport {port} accept" for port in (80, 81)],
    ),
]


@pytest.mark.parametrize(("rule", "matches"), ADMITS, ids=in_order)
def test_what_a_rule_admits(rule: dict[str, Any], matches: list[str]) -> None:
    assert ingress(rule) == matches


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({}, ["goto arrive"]),
        ({"to": [{"podSelector": {"matchLabels": {"app": "client"}}}]}, [f"ip daddr {{ {CLIENT} }} goto arrive"]),
        (
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}], "ports": [{"port": 443}]},
            ["ip daddr 0.0.0.0/0 ip daddr != 169.254.0.0/16 tcp dport 443 goto arrive"],
        ),
        # A named port is the destination's.
        (
            {"to": [{"namespaceSelector": {"matchLabels": {"team": "other"}}}], "ports": [{"port": "http"}]},
            [f"ip daddr {FOREIGN} tcp dport 8080 goto arrive"],
        ),
        (
            {"to": [{"ipBlock": {"cidr": f"{CLIENT}/32"}}], "ports": [{"port": "http"}, {"port": 53}]},
            [f"ip daddr {CLIENT} tcp dport 8080 goto arrive", f"ip daddr {CLIENT}/32 tcp dport 53 goto arrive"],
        ),
    ],
    ids=in_order,
)
def test_where_a_rule_leads(rule: dict[str, Any], matches: list[str]) -> None:
    assert egress(rule) == matches


def test_policies_add_up_and_say_nothing_twice() -> None:
    both = [{"ports": [{"port": 1}]}, {"ports": [{"port": 2}]}]
    text = rendered(policy({"ingress": both}), policy({"ingress": both[:1]}))
    assert chain(text, f"to-{WEB}") == [
        f"ip saddr {WEB} accept",
        "tcp dport 1 accept",
        "tcp dport 2 accept",
        "goto refuse",
    ]


CLOSES: list[tuple[dict[str, Any], set[str]]] = [
    ({"podSelector": {}}, {"to"}),
    ({"podSelector": {}, "egress": []}, {"to"}),
    ({"podSelector": {}, "egress": [{}]}, {"to", "from"}),
    ({"podSelector": {}, "policyTypes": ["Egress"]}, {"from"}),
    ({"podSelector": {}, "policyTypes": ["Egress", "Ingress"]}, {"to", "from"}),
]


@pytest.mark.parametrize(("spec", "ways"), CLOSES, ids=in_order)
def test_which_ways_a_policy_closes(spec: dict[str, Any], ways: set[str]) -> None:
    text = rendered(policy(spec))
    assert {way for way in ("to", "from") if f"chain {way}-{WEB}" in text} == ways


def test_a_policy_is_about_its_own_namespace() -> None:
    assert f"{FOREIGN} : accept" in rendered(policy({"podSelector": {}}))
    assert f"{WEB} : accept" in rendered(policy({"podSelector": {}}, space="other"))


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": {"hostNetwork": True}},
        {"status": {"phase": "Succeeded"}},
        {"status": {"phase": "Failed"}},
        {"status": {"podIP": None}},
    ],
    ids=in_order,
)
def test_what_has_no_address_of_its_own_is_no_pod(changed: dict[str, Any]) -> None:
    objects = [namespace("shop"), pod("shop", "x", WEB, {}, **changed)]
    assert pods(cast("list[Object]", objects), {}) == []


def test_an_announced_address_counts_before_the_api_server_knows_it() -> None:
    objects = [namespace("shop"), pod("shop", "x", None, {})]
    found = pods(cast("list[Object]", objects), {("shop", "x"): WEB})
    assert [(one.name, one.address) for one in found] == [("x", WEB)]


def test_an_address_that_was_given_out_again_is_the_new_pods() -> None:
    objects = [namespace("shop"), pod("shop", "new", None, {}), pod("shop", "old", WEB, {})]
    found = pods(cast("list[Object]", objects), {("shop", "new"): WEB})
    assert [one.name for one in found] == ["new"]


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["a", "b"], {"a"}),
        ("NotIn", ["a"], {"c", "none"}),
        ("Exists", [], {"a", "c"}),
        ("DoesNotExist", [], {"none"}),
    ],
)
def test_expressions_of_a_selector(operator: str, values: list[str], selected: set[str]) -> None:
    labels: dict[str, dict[str, str]] = {"a": {"key": "a"}, "c": {"key": "c"}, "none": {}}
    expression = {"matchExpressions": [{"key": "key", "operator": operator, "values": values}]}
    assert {name for name, found in labels.items() if selects(cast("Any", expression), found)} == selected


def test_all_parts_of_a_selector_have_to_agree() -> None:
    both: Any = {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}
    assert selects(both, {"a": "1", "b": ""})
    assert not selects(both, {"a": "1"})
    assert not selects(both, {"b": ""})


def test_an_operator_that_nobody_knows_opens_nothing() -> None:
    with pytest.raises(ValueError, match="unknown operator 'Gt'"):
        selects({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}, {})
