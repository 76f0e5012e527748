"""Computed connections; testbed/e2e compares them with the enforced network."""

from typing import Any, cast

import pytest

from tools.reachability import Cell, Host, Network, Pod, Port, any_pod, as_json, as_markdown, as_text, cells, network

Object = dict[str, Any]
OUTSIDE = Host(name="outside", address="203.0.113.1")


def in_order(value: object) -> str:
    """A case's name, the same in each process: sets have no order of their own."""
    return str(sorted(cast("set[str]", value))) if isinstance(value, set) else str(value)


def pod(namespace: str, name: str, address: str, **more: Any) -> Object:  # noqa: ANN401 - JSON
    ports = [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
    return {
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app.kubernetes.io/name": name}},
        "spec": {"containers": [{"ports": ports}], **more},
        "status": {"podIP": address, "phase": "Running"},
    }


def policy(spec: Object) -> Object:
    return {"kind": "NetworkPolicy", "metadata": {"namespace": "shop", "name": "x"}, "spec": spec}


CLUSTER: list[Object] = [
    {"kind": "Namespace", "metadata": {"name": "shop"}},
    {"kind": "Namespace", "metadata": {"name": "other", "labels": {"side": "other"}}},
    pod("shop", "web", "10.244.0.2"),
    pod("shop", "client", "10.244.0.3"),
    pod("other", "client", "10.244.0.4"),
    pod("other", "node", "10.89.0.2", hostNetwork=True),
]
WEB: Object = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "web"}}}
ADMITTED: list[tuple[Object, set[str]]] = [
    ({}, set()),
    ({"ingress": [{}]}, {"shop/client", "other/client"}),
    ({"ingress": [{"from": [{"podSelector": {}}]}]}, {"shop/client"}),
    ({"ingress": [{"from": [{"namespaceSelector": {}}]}]}, {"shop/client", "other/client"}),
    ({"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"side": "other"}}}]}]}, {"other/client"}),
    ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/24", "except": ["10.244.0.3/32"]}}]}]}, {"other/client"}),
    ({"ingress": [{"ports": [{"port": 8080}]}]}, {"shop/client", "other/client"}),
    ({"ingress": [{"ports": [{"port": "http"}]}]}, {"shop/client", "other/client"}),
    ({"ingress": [{"ports": [{"port": 8000, "endPort": 8100}]}]}, {"shop/client", "other/client"}),
    ({"ingress": [{"ports": [{"port": 8080, "protocol": "UDP"}]}]}, set()),
    ({"ingress": [{"ports": [{"port": 80}]}]}, set()),
    ({"ingress": [{"ports": [{"port": 80}]}, {"from": [{"podSelector": {}}]}]}, {"shop/client"}),
    ({"policyTypes": ["Egress"]}, {"shop/client", "other/client"}),
]


def known(*policies: Object) -> tuple[Network, dict[str, Pod]]:
    """The cluster under these policies, and its pods by group."""
    found = network([*CLUSTER, *policies])
    return found, {pod.group: pod for pod in found.pods}


@pytest.mark.parametrize(("spec", "clients"), ADMITTED, ids=in_order)
def test_who_may_connect_to_a_pod_that_a_policy_selects(spec: Object, clients: set[str]) -> None:
    found, pods = known(policy({**WEB, **spec}))
    others = {group: pod for group, pod in pods.items() if group != "shop/web"}
    assert {group for group, pod in others.items() if found.may_connect(pod, pods["shop/web"], 8080)} == clients


@pytest.mark.parametrize(
    ("operator", "values", "clients"),
    [
        ("In", ["client"], {"shop/client"}),
        ("NotIn", ["client"], set[str]()),
        ("Exists", [], {"shop/client"}),
        ("DoesNotExist", [], set[str]()),
    ],
)
def test_expressions_of_a_selector(operator: str, values: list[str], clients: set[str]) -> None:
    expression = {"key": "app.kubernetes.io/name", "operator": operator, "values": values}
    spec: Object = {**WEB, "ingress": [{"from": [{"podSelector": {"matchExpressions": [expression]}}]}]}
    found, pods = known(policy(spec))
    assert {g for g in ("shop/client", "other/client") if found.may_connect(pods[g], pods["shop/web"], 8080)} == clients


def test_both_ends_have_to_agree() -> None:
    closed = policy({"podSelector": {}, "policyTypes": ["Egress"]})
    found, pods = known(closed, policy({**WEB, "ingress": [{}]}))
    assert not found.may_connect(pods["shop/client"], pods["shop/web"], 8080)
    assert found.may_connect(pods["other/client"], pods["shop/web"], 8080)


def test_a_pod_reaches_itself_and_the_node_reaches_every_pod() -> None:
    found, pods = known(policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}))
    assert found.may_connect(pods["shop/web"], pods["shop/web"], 8080)
    assert found.may_connect(Host(name="node", address="10.89.0.2"), pods["shop/web"], 8080)


def test_an_address_outside_of_the_cluster_is_reached_by_range_alone() -> None:
    spec: Object = {**WEB, "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": {}}]}]}
    found, pods = known(policy(spec))
    assert not found.may_connect(pods["shop/web"], OUTSIDE, 443)
    spec = {**WEB, "egress": [{"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "ports": [{"port": 443}]}]}
    found, pods = known(policy(spec))
    assert found.may_connect(pods["shop/web"], OUTSIDE, 443)
    assert not found.may_connect(pods["shop/web"], OUTSIDE, 80)


def test_pods_of_the_nodes_own_network_are_the_node() -> None:
    assert {pod.group for pod in known()[0].pods} == {"shop/web", "shop/client", "other/client"}


def test_the_matrix_has_every_source_and_every_declared_port_and_one_that_nobody_declares() -> None:
    found = network([*CLUSTER, any_pod("shop"), policy({**WEB, "ingress": [{"ports": [{"port": 8080}]}]})])
    matrix = cells(found, [(OUTSIDE, [Port(number=443)])])
    from_any = {
        f"{cell.destination}:{cell.port}": cell.admitted for cell in matrix if cell.source == "shop/any other pod"
    }
    assert from_any == {
        "shop/web:8080": True,
        "shop/web:53/UDP": False,
        "shop/web:other": False,
        **{
            f"{group}:{port}": True for group in ("shop/client", "other/client") for port in ("8080", "53/UDP", "other")
        },
        "outside:443": True,
    }
    assert {cell.source for cell in matrix} == {"shop/any other pod", "shop/web", "shop/client", "other/client"}


MATRIX = [
    Cell(source="a/x", destination="b/y", port="80", admitted=True),
    Cell(source="a/x", destination="c/z", port="53/UDP", admitted=True),
    Cell(source="b/y", destination="c/z", port="53/UDP", admitted=False),
]


def test_the_table_has_a_column_for_each_source_and_a_line_for_each_port() -> None:
    assert as_text(MATRIX).splitlines()[:6] == [
        " 1  a/x",
        " 2  b/y",
        "",
        "to, from     1  2",
        "b/y:80       x",
        "c/z:53/UDP   x  .",
    ]


def test_the_table_of_the_documentation_has_a_line_for_each_source() -> None:
    assert as_markdown(MATRIX) == "| from | to |\n|---|---|\n| a/x | b/y 80; c/z 53/UDP |\n| b/y | nothing |"


def test_programs_get_one_object_for_each_cell() -> None:
    assert '"source": "b/y",\n    "destination": "c/z",\n    "port": "53/UDP",\n    "admitted": false' in as_json(
        MATRIX
    )
