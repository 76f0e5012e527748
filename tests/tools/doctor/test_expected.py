from typing import Any

import pytest

from tools.doctor.expected import ENCRYPTED, difference, digests, from_state
from tools.doctor.facts import Expected


def resource(kind: str, identity: str, inputs: dict[str, Any], **more: object) -> dict[str, Any]:
    whole: dict[str, Any] = {"kind": kind, "metadata": {}, **inputs}
    return {"type": f"kubernetes:v1:{kind}", "id": identity, "inputs": whole, **more}


def test_the_state_says_which_objects_were_deployed_and_where() -> None:
    state = [
        {"type": "pulumi:pulumi:Stack", "urn": "stack"},
        {"type": "random:index/randomPassword:RandomPassword", "id": "none", "inputs": {"length": 32}},
        resource("ServiceAccount", "team-a/mlflow-client", {}),
        resource("ClusterRole", "mlflow-integration", {"rules": [{"verbs": ["get"]}]}),
        resource("Secret", "mlflow/old", {}, delete=True),
    ]
    assert [(str(one), one.fields) for one in from_state(state)] == [
        ("ServiceAccount team-a/mlflow-client", {}),
        ("ClusterRole mlflow-integration", {"rules": [{"verbs": ["get"]}]}),
    ]


def test_nothing_of_a_secret_is_among_the_facts_and_nothing_readable_of_a_config_map() -> None:
    state = [
        resource("Secret", "mlflow/key", {"stringData": {"password": "hunter2"}}),
        resource("ConfigMap", "mlflow/settings", {"data": {"file": "hunter2"}}),
    ]
    secret, settings = from_state(state)
    assert (secret.fields, settings.fields) == ({}, {"data": digests({"file": "hunter2"})})
    assert "hunter2" not in str(settings)


def service(**spec: object) -> Expected:
    return Expected(kind="NetworkPolicy", namespace="mlflow", name="one", fields={"spec": {"podSelector": {}, **spec}})


@pytest.mark.parametrize(
    ("deployed", "live"),
    [
        ({"ingress": [{"ports": [{"port": 1}]}]}, {"ingress": [{"ports": [{"port": 1, "protocol": "TCP"}]}]}),
        ({"egress": []}, {}),
        ({"note": {ENCRYPTED: "x", "ciphertext": "y"}}, {"note": "plain"}),
        ({"note": {ENCRYPTED: "x", "ciphertext": "y"}}, {"note": {"a": 1}}),
        ({}, {"policyTypes": ["Ingress"]}),
    ],
    ids=["defaults", "left out", "encrypted", "encrypted object", "more fields"],
)
def test_what_kubernetes_adds_or_leaves_out_is_no_difference(deployed: dict[str, Any], live: dict[str, Any]) -> None:
    assert difference(service(**deployed), {"spec": {"podSelector": {}, **live}}) == ""


@pytest.mark.parametrize(
    ("deployed", "live", "said"),
    [
        ({"a": 1}, {"a": 2}, "spec.a is 2; the stack deployed 1"),
        ({"a": [1]}, {"a": [1, 2]}, "spec.a has 2 entries; the stack deployed 1"),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, "spec.a[0].b is y; the stack deployed x"),
        ({"a": {"b": "x"}}, {}, "spec.a is missing; the stack deployed {'b': 'x'}"),
        ({"a": [1]}, {}, "spec.a is missing; the stack deployed [1]"),
    ],
)
def test_a_difference_is_named_with_its_field_and_both_values(
    deployed: dict[str, Any], live: dict[str, Any], said: str
) -> None:
    assert difference(service(**deployed), {"spec": {"podSelector": {}, **live}}) == said


def test_replicas_are_no_difference_because_an_autoscaler_writes_them() -> None:
    deployed = Expected(kind="Deployment", namespace="mlflow", name="mlflow", fields={"spec.replicas": 2})
    assert difference(deployed, {"spec": {"replicas": 5}}) == ""
