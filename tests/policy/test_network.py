from typing import Any

import pytest

from tests.policy.judge import ABSENT, UNKNOWN, Asked, changed, stack_violations, violations

INGRESS: dict[str, Any] = {
    "spec": {
        "tls": [{"hosts": ["mlflow.example.com"], "secretName": "mlflow-tls"}],
        "rules": [{"host": "mlflow.example.com", "http": {"paths": []}}],
    }
}
DNS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
KUBE_SYSTEM = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
DENY: dict[str, Any] = {
    "metadata": {"namespace": "team-a"},
    "spec": {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"namespaceSelector": KUBE_SYSTEM}], "ports": DNS}],
    },
}
LINK_LOCAL = "169.254.0.0/16"
TOO_OPEN: list[dict[str, Any]] = [
    {"ingress": [{"ports": [{"port": 80}]}]},
    {"ingress": [{"from": []}]},
    {"ingress": [{"from": [{"namespaceSelector": {}}]}]},
    {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {}}, "podSelector": {"matchLabels": {"app": "x"}}}]}]},
    {"ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
    {"ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [LINK_LOCAL]}}]}]},
    {"ingress": [{"from": [{"ipBlock": {"cidr": "::/0"}}]}]},
    {"egress": [{"to": [{"namespaceSelector": {}}]}]},
    {"egress": [{"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]}]},
    {"egress": [{}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 53}, {"port": 80}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 80}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"port": 80, "endPort": 90}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.170.0/24"}}], "ports": [{"port": 80}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": LINK_LOCAL}}], "ports": DNS}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": LINK_LOCAL, "except": ["169.254.1.0/24"]}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}]},
]
NARROW: list[dict[str, Any]] = [
    DENY["spec"],
    {"ingress": [{"from": [{"podSelector": {}}]}]},
    {"ingress": [{"from": [{"namespaceSelector": KUBE_SYSTEM}]}]},
    {"ingress": [{"from": [{"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}]}]},
    {"ingress": [{"from": [{"namespaceSelector": UNKNOWN}]}]},
    {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": UNKNOWN}}]}]},
    {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    {"ingress": [{"from": [{"ipBlock": {"cidr": UNKNOWN}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [LINK_LOCAL]}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": DNS}]},
    # EKS Pod Identity.
    {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": UNKNOWN}}]}]},
    {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": UNKNOWN}}]}]},
    {"egress": [{"to": UNKNOWN}], "ingress": [{"from": UNKNOWN}]},
    {"egress": UNKNOWN, "ingress": UNKNOWN},
]
# What opens a namespace that DENY closes.
OPENINGS: list[tuple[str, Any]] = [
    ("metadata.namespace", "team-b"),
    ("spec.podSelector", {"matchLabels": {"app": "x"}}),
    ("spec.podSelector", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
    ("spec.policyTypes", ["Ingress"]),
    ("spec.policyTypes", ["Egress"]),
    ("spec.ingress", [{"from": [{"podSelector": {}}]}]),
    ("spec.egress.0.ports.0.port", 443),
    ("spec.egress.0.ports.0.endPort", 65535),
    ("spec.egress.0.ports", ABSENT),
]


def of_service(spec: dict[str, Any]) -> list[str]:
    return violations("services-are-internal", Asked(type="kubernetes:core/v1:Service", inputs={"spec": spec}))


def of_ingress(inputs: dict[str, Any]) -> list[str]:
    return violations("ingresses-are-encrypted", Asked(type="kubernetes:networking.k8s.io/v1:Ingress", inputs=inputs))


def of_policy(spec: dict[str, Any]) -> list[str]:
    asked = Asked(type="kubernetes:networking.k8s.io/v1:NetworkPolicy", inputs={"spec": spec})
    return violations("network-policies-name-their-peers", asked)


def of_namespace(*policies: dict[str, Any]) -> list[str]:
    namespace = Asked(type="kubernetes:core/v1:Namespace", inputs={"metadata": {"name": "team-a"}})
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    return stack_violations("namespaces-are-closed", [namespace, *(Asked(type=kind, inputs=one) for one in policies)])


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_a_service_that_is_reached_from_outside_is_a_violation(kind: str) -> None:
    assert of_service({"type": kind}) == [
        f"spec.type must not be {kind}: expose the Service through an Ingress that requires sign-in"
    ]
    assert len(of_service({"externalIPs": ["192.0.2.1"]})) == 1


@pytest.mark.parametrize("spec", [{}, {"type": "ClusterIP"}, {"clusterIP": "None"}, {"type": UNKNOWN}])
def test_a_service_of_the_cluster_is_none(spec: dict[str, Any]) -> None:
    assert of_service(spec) == []


def test_an_ingress_whose_hosts_have_certificates_is_admitted() -> None:
    assert of_ingress(INGRESS) == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("spec.tls", ABSENT, "spec.tls: mlflow.example.com has no certificate"),
        ("spec.tls.0.hosts", ["other.example.com"], "spec.tls: mlflow.example.com has no certificate"),
        ("spec.tls.0.secretName", ABSENT, "spec.tls: secretName is missing"),
        ("spec.rules.0.host", ABSENT, "spec.rules: host is missing"),
    ],
)
def test_an_ingress_without_a_certificate_is_a_violation(path: str, value: object, sentence: str) -> None:
    (found,) = of_ingress(changed(INGRESS, path, value))
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    "path", ["spec", "spec.tls", "spec.tls.0.hosts", "spec.tls.0.hosts.0", "spec.tls.0.secretName", "spec.rules.0.host"]
)
def test_an_ingress_that_is_not_decided_yet_is_none(path: str) -> None:
    assert of_ingress(changed(INGRESS, path, UNKNOWN)) == []


@pytest.mark.parametrize("spec", TOO_OPEN)
def test_a_policy_that_opens_more_than_it_says_is_a_violation(spec: dict[str, Any]) -> None:
    assert len(of_policy(spec)) == 1


@pytest.mark.parametrize("spec", NARROW)
def test_a_policy_that_names_its_peers_is_none(spec: dict[str, Any]) -> None:
    assert of_policy(spec) == []


def test_a_namespace_that_denies_all_traffic_is_admitted() -> None:
    assert of_namespace(DENY) == []
    assert of_namespace(changed(DENY, "spec.egress", ABSENT)) == []
    assert of_namespace(changed(DENY, "spec.podSelector", ABSENT)) == []


@pytest.mark.parametrize(("path", "value"), OPENINGS)
def test_a_namespace_that_is_open_in_any_way_is_a_violation(path: str, value: object) -> None:
    sentence = "namespace team-a has no NetworkPolicy that denies all ingress and egress except DNS: add one"
    assert of_namespace(changed(DENY, path, value)) == [sentence]


def test_a_namespace_without_any_policy_is_a_violation() -> None:
    assert len(of_namespace()) == 1


@pytest.mark.parametrize("path", ["metadata.namespace", "spec.podSelector", "spec.policyTypes", "spec.egress.0.ports"])
def test_a_policy_that_is_not_decided_yet_may_close_one_namespace(path: str) -> None:
    undecided = changed(DENY, path, UNKNOWN)
    assert of_namespace(undecided) == []
    other = Asked(type="kubernetes:core/v1:Namespace", inputs={"metadata": {"name": "team-b"}})
    policies = [Asked(type="kubernetes:networking.k8s.io/v1:NetworkPolicy", inputs=undecided)]
    namespace = Asked(type="kubernetes:core/v1:Namespace", inputs={"metadata": {"name": "team-a"}}, name="other")
    assert len(stack_violations("namespaces-are-closed", [namespace, other, *policies])) == 1


def test_a_host_that_is_not_known_yet_hides_no_other_one_without_a_certificate() -> None:
    two = changed(INGRESS, "spec.rules", [{"host": UNKNOWN}, {"host": "other.example.com"}, {}])
    assert len(of_ingress(two)) == 2
    assert len(of_ingress(changed(changed(INGRESS, "spec.rules.0.host", UNKNOWN), "spec.tls", ABSENT))) == 1
