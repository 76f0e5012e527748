from __future__ import annotations

from testbed.providers.kubernetes.kinds import Kind
from testbed.providers.kubernetes.normalise import is_known, normalise, prune
from testbed.providers.values import UNKNOWN, Object, objects


def _deployment(container: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def _container(obj: Object) -> object:
    return objects(obj, "spec", "template", "spec", "containers")[0]


def test_a_misspelt_field_of_a_built_in_kind_vanishes_silently() -> None:
    normalised = normalise(_deployment({"name": "c", "imagePullPolice": "Always"}))
    assert _container(normalised) == {"name": "c"}


def test_zero_values_that_go_omits_vanish_and_pointers_to_zero_stay() -> None:
    container: Object = {
        "name": "c",
        "stdin": False,
        "env": [],
        "resources": {},
        "securityContext": {"readOnlyRootFilesystem": False},
        "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": False}],
    }
    assert _container(normalise(_deployment(container))) == {
        "name": "c",
        "resources": {},
        "securityContext": {"readOnlyRootFilesystem": False},
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }


def test_zero_replicas_are_a_wish_and_not_an_absence() -> None:
    obj: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"replicas": 0}}
    assert normalise(obj)["spec"] == {"replicas": 0}


def test_quantities_become_canonical_in_limits_and_quotas() -> None:
    container: Object = {"name": "c", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}
    assert _container(normalise(_deployment(container))) == {
        "name": "c",
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
    }
    quota: Object = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {},
        "spec": {"hard": {"pods": 10, "requests.cpu": "2000m"}},
    }
    assert normalise(quota)["spec"] == {"hard": {"pods": "10", "requests.cpu": "2"}}


def test_a_value_of_the_wrong_type_leaves_the_whole_object_for_the_server_to_refuse() -> None:
    wrong = _deployment({"name": "c", "stdin": "yes", "imagePullPolice": "Always"})
    assert normalise(wrong) == wrong


def test_nothing_is_rewritten_while_something_is_unknown() -> None:
    obj = _deployment({"name": "c", "image": UNKNOWN, "resources": {"limits": {"cpu": "1000m"}}})
    assert normalise(obj) == obj


def test_an_empty_selector_of_a_network_policy_stays_and_an_empty_list_of_rules_does_not() -> None:
    obj: Object = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []},
    }
    assert normalise(obj)["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_string_data_becomes_base64_data_and_wins_over_it() -> None:
    obj: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {},
        "data": {"a": "eA==", "b": "eQ=="},
        "stringData": {"a": "z"},
    }
    assert normalise(obj) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {},
        "data": {"a": "eg==", "b": "eQ=="},
    }


def test_base64_with_line_breaks_is_written_without() -> None:
    obj: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"a": "eHh4\neHh4\n", "b": "*"}}
    assert normalise(obj)["data"] == {"a": "eHh4eHh4", "b": "*"}


def test_custom_resources_are_not_typed() -> None:
    obj: Object = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {}, "spec": {"cpu": "1000m", "x": []}}
    assert normalise(obj) == obj


def test_a_definition_of_a_kind_loses_its_status_only() -> None:
    obj: Object = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {},
        "spec": {"group": "example.com", "preserveUnknownFields": False},
        "status": {"conditions": []},
    }
    normalised = normalise(obj)
    assert normalised["spec"] == {"group": "example.com"}
    assert "status" not in normalised


def test_metadata_that_only_the_server_writes_is_never_sent() -> None:
    obj: Object = {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "n", "uid": "u", "resourceVersion": "1", "managedFields": [], "labels": {"a": "b"}},
    }
    assert normalise(obj)["metadata"] == {"name": "n", "labels": {"a": "b"}}


def test_a_live_object_is_cut_down_to_the_keys_and_the_list_lengths_of_the_inputs() -> None:
    live: Object = {"a": {"b": 1, "c": 2}, "list": [{"x": 1, "y": 2}, {"x": 3}], "d": 1}
    assert prune(live, {"a": {"b": 0}, "list": [{"x": 0}]}) == {"a": {"b": 1}, "list": [{"x": 1}]}


def test_the_table_knows_the_stable_kinds() -> None:
    assert is_known(Kind("apps/v1", "Deployment"))
    assert is_known(Kind("autoscaling/v2", "HorizontalPodAutoscaler"))
    assert not is_known(Kind("example.com/v1", "Thing"))
