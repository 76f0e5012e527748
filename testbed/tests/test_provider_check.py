from __future__ import annotations

import re

import pytest

from testbed.providers.kubernetes.check import Defaults, Naming, check
from testbed.providers.kubernetes.kinds import Kind
from testbed.providers.protocol import ProviderError, name_of, type_of
from testbed.providers.values import UNKNOWN, Object, Secret, dig

URN = "urn:pulumi:dev::project::my:component:Team$kubernetes:core/v1:ConfigMap::settings"
DEFAULTS = Defaults("team-a", lambda kind: kind.name != "Namespace")
SEED = Naming(b"seed")


def _config_map(**metadata: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata}, "data": {"a": "b"}}


def test_the_type_of_a_child_of_a_component_is_its_own() -> None:
    assert type_of(URN) == "kubernetes:core/v1:ConfigMap"
    assert name_of("urn:pulumi:dev::project::kubernetes:core/v1:ConfigMap::a::b") == "a::b"


def test_a_resource_without_a_name_gets_its_logical_name_and_eight_digits() -> None:
    inputs = check(URN, {}, _config_map(), SEED, DEFAULTS)
    assert re.fullmatch(r"settings-[0-9a-f]{8}", str(dig(inputs, "metadata", "name")))
    assert dig(inputs, "metadata", "annotations") == {"pulumi.com/autonamed": "true"}


def test_the_same_seed_gives_the_same_name_and_another_seed_another_one() -> None:
    first, again, other = (
        dig(check(URN, {}, _config_map(), Naming(seed), DEFAULTS), "metadata", "name") for seed in (b"1", b"1", b"2")
    )
    assert first == again != other


def test_an_explicit_name_is_kept_and_not_marked() -> None:
    inputs = check(URN, {}, _config_map(name="fixed"), SEED, DEFAULTS)
    assert inputs["metadata"] == {"name": "fixed", "namespace": "team-a"}


def test_a_name_that_is_not_known_yet_is_not_replaced_by_an_automatic_one() -> None:
    obj = _config_map()
    obj["metadata"] = {"name": UNKNOWN}
    inputs = check(URN, {}, obj, SEED, DEFAULTS)
    assert inputs["metadata"] == {"name": UNKNOWN, "namespace": "team-a"}


def test_metadata_that_are_not_known_yet_are_left_alone() -> None:
    obj = _config_map()
    obj["metadata"] = UNKNOWN
    assert check(URN, {}, obj, SEED, DEFAULTS)["metadata"] == UNKNOWN


def test_an_automatic_name_is_kept_over_updates() -> None:
    old = check(URN, {}, _config_map(), SEED, DEFAULTS)
    assert check(URN, old, _config_map(), Naming(b"other"), DEFAULTS)["metadata"] == old["metadata"]


def test_an_explicit_name_that_was_given_up_is_not_adopted() -> None:
    old = check(URN, {}, _config_map(name="fixed"), SEED, DEFAULTS)
    assert dig(check(URN, old, _config_map(), SEED, DEFAULTS), "metadata", "name") is None


def test_a_namespaced_object_gets_the_namespace_of_the_provider_unless_it_has_one() -> None:
    assert dig(check(URN, {}, _config_map(), SEED, DEFAULTS), "metadata", "namespace") == "team-a"
    own = check(URN, {}, _config_map(namespace="team-b"), SEED, DEFAULTS)
    assert dig(own, "metadata", "namespace") == "team-b"
    obj: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert check(URN.replace("ConfigMap", "Namespace"), {}, obj, SEED, DEFAULTS)["metadata"] == {"name": "n"}


def test_a_namespace_that_is_not_known_yet_is_not_replaced_by_the_default() -> None:
    obj = _config_map()
    obj["metadata"] = {"name": "n", "namespace": UNKNOWN}
    assert check(URN, {}, obj, SEED, DEFAULTS)["metadata"] == {"name": "n", "namespace": UNKNOWN}


def test_the_stack_can_propose_names_or_forbid_them() -> None:
    proposed = check(URN, {}, _config_map(), Naming(b"", proposed="settings-dev"), DEFAULTS)
    assert dig(proposed, "metadata", "name") == "settings-dev"
    with pytest.raises(ProviderError, match="settings needs"):
        check(URN, {}, _config_map(), Naming(b"", forbidden=True), DEFAULTS)


def test_generated_names_and_lists_are_refused() -> None:
    with pytest.raises(ProviderError, match="generateName"):
        check(URN, {}, _config_map(generateName="x-"), SEED, DEFAULTS)
    a_list: Object = {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {}}
    with pytest.raises(ProviderError, match="cannot be created directly"):
        check(URN + "List", {}, a_list, SEED, DEFAULTS)


def test_a_custom_kind_may_end_in_list() -> None:
    obj: Object = {"apiVersion": "example.com/v1", "kind": "AllowList", "metadata": {"name": "n"}}
    assert check(URN, {}, obj, SEED, Defaults("", lambda _kind: True))["metadata"] == {"name": "n"}


def test_a_patch_needs_the_name_of_what_it_patches() -> None:
    with pytest.raises(ProviderError, match=r"metadata\.name"):
        check(URN.replace("ConfigMap", "ConfigMapPatch"), {}, _config_map(), SEED, DEFAULTS)


def test_schema_extensions_are_spelt_with_dashes_as_the_api_has_them() -> None:
    schema: Object = {"properties": [{"x_kubernetes_list_map_keys": ["a_b"], "x_other": 1}]}
    obj: Object = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": schema}
    checked = check(URN, {}, obj, SEED, DEFAULTS)
    assert checked["spec"] == {"properties": [{"x-kubernetes-list-map-keys": ["a_b"], "x_other": 1}]}


def test_secret_marks_do_not_hinder_and_are_put_back_by_the_caller() -> None:
    obj = _config_map(name="n")
    obj["data"] = Secret({"a": "b"})
    assert check(URN, {}, obj, SEED, DEFAULTS)["data"] == {"a": "b"}


def test_resources_that_the_stand_in_does_not_have_are_named_in_the_error() -> None:
    with pytest.raises(ProviderError, match=r"helm\.sh/v3:Release"):
        check("urn:pulumi:dev::p::kubernetes:helm.sh/v3:Release::r", {}, {"chart": "x"}, SEED, DEFAULTS)


def test_without_a_server_built_in_kinds_are_known_to_be_namespaced_or_not() -> None:
    assert not Kind("rbac.authorization.k8s.io/v1", "ClusterRole").probably_namespaced
    assert Kind("example.com/v1", "Thing").probably_namespaced
