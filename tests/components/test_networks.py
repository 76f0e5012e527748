import ipaddress
from typing import Any

import pulumi

from components.kubernetes import networks
from tests.harness import deploy

METADATA_SERVICES = ("169.254.169.254", "169.254.170.2", "169.254.170.23")


def policy(**flows: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
    """The specification of the NetworkPolicy of `open_flows`."""

    def program() -> None:
        networks.open_flows("x", "mlflow", to_pods={"app": "x"}, opts=pulumi.ResourceOptions(), **flows)

    return deploy(program)["x-network"].inputs["spec"]


def test_a_closed_namespace_allows_dns_and_nothing_else() -> None:
    got = deploy(lambda: networks.closed_namespace("x", "team-a", pulumi.ResourceOptions(), dns=networks.Dns()))
    inputs = got["x-closed"].inputs
    assert inputs["metadata"] == {"name": "default-deny", "namespace": "team-a"}
    assert inputs["spec"]["podSelector"] == {}
    assert inputs["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in inputs["spec"]
    (names,) = inputs["spec"]["egress"]
    assert names["ports"] == [
        {"protocol": protocol, "port": port} for port in (53, 5353) for protocol in ("UDP", "TCP")
    ]
    assert names["to"][0] == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }


def test_an_opened_direction_leaves_the_other_one_closed() -> None:
    inward = policy(ingress=[networks.Flow(peers=[networks.pods({"app": "y"})], ports=[5432])])
    assert inward == {
        "podSelector": {"matchLabels": {"app": "x"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [{"podSelector": {"matchLabels": {"app": "y"}}}], "ports": [{"protocol": "TCP", "port": 5432}]}
        ],
        "egress": [],
    }
    outward = policy(egress=[networks.Flow(peers=[networks.pods({"app": "y"})], ports=[5432, 8333])])
    assert outward["ingress"] == []
    assert [port["port"] for port in outward["egress"][0]["ports"]] == [5432, 8333]


def test_anywhere_excludes_the_metadata_services() -> None:
    spec = policy(egress=[networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[443])])
    block = spec["egress"][0]["to"][0]["ipBlock"]
    assert block["cidr"] == "0.0.0.0/0"
    holes = [ipaddress.ip_network(hole) for hole in block["except"]]
    for address in METADATA_SERVICES:
        assert any(ipaddress.ip_address(address) in hole for hole in holes), address


def test_pods_of_another_namespace_are_named_with_it() -> None:
    peers = [
        networks.namespace("traefik"),
        networks.namespace("mlflow", {"app": "y"}),
        networks.namespaces({"mlflow-enabled": "true"}),
        networks.namespaces({"mlflow-enabled": "true"}, {"app": "y"}),
    ]
    by_name = {"matchLabels": {"kubernetes.io/metadata.name": "mlflow"}}
    by_label = {"matchLabels": {"mlflow-enabled": "true"}}
    pod = {"matchLabels": {"app": "y"}}
    assert policy(ingress=[networks.Flow(peers=peers, ports=[80])])["ingress"][0]["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}},
        {"namespaceSelector": by_name, "podSelector": pod},
        {"namespaceSelector": by_label},
        {"namespaceSelector": by_label, "podSelector": pod},
    ]
