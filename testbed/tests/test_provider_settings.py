from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.providers.kubernetes.settings import (
    Settings,
    active_cluster,
    ambient_kubeconfig,
    default_namespace,
    kubeconfig_file,
    parse_kubeconfig,
    read,
    replaced_inputs,
)
from testbed.providers.protocol import ProviderError
from testbed.providers.values import UNKNOWN, Object


def _config(server: str = "https://one", token: str = "t", **context: str) -> str:  # noqa: S107 - a sample
    document: Any = {
        "current-context": "c",
        "contexts": [
            {"name": "c", "context": {"cluster": "k", "user": "u", **context}},
            {"name": "other", "context": {"cluster": "l", "user": "u", "namespace": "team-b"}},
        ],
        "clusters": [
            {"name": "k", "cluster": {"server": server}},
            {"name": "l", "cluster": {"server": "https://other"}},
        ],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    return yaml.safe_dump(document)


def test_an_input_wins_over_the_environment_and_only_true_counts() -> None:
    environment = {"PULUMI_K8S_DELETE_UNREACHABLE": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "yes"}
    assert read({}, environment).delete_unreachable
    assert not read({"deleteUnreachable": "false"}, environment).delete_unreachable
    assert not read({}, environment).patch_force
    assert read({"enableSecretMutable": "true"}, {}).mutable_secrets


@pytest.mark.parametrize(
    "inputs", [{"renderYamlToDirectory": "out"}, {"enableServerSideApply": "false"}, {"strictMode": "true"}]
)
def test_what_the_stand_in_does_not_have_is_refused_by_name(inputs: Any) -> None:  # noqa: ANN401 - provider inputs
    with pytest.raises(ProviderError, match="stand-in does not have"):
        read(inputs, {})


def test_a_kubeconfig_is_a_file_if_there_is_one_of_that_name_and_contents_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(_config())
    assert kubeconfig_file(str(path)) == path
    assert kubeconfig_file(_config()) is None
    assert parse_kubeconfig(str(path)) == parse_kubeconfig(_config())
    assert parse_kubeconfig("") == {}


def test_a_path_that_no_longer_exists_is_taken_for_contents_and_refused(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="failed to parse kubeconfig"):
        parse_kubeconfig(str(tmp_path / "gone"))


def test_the_default_namespace_is_the_providers_then_the_contexts() -> None:
    config = parse_kubeconfig(_config(namespace="team-a"))
    assert default_namespace(config, Settings(namespace="own")) == "own"
    assert default_namespace(config, Settings()) == "team-a"
    assert default_namespace(config, Settings(context="other")) == "team-b"
    assert default_namespace(parse_kubeconfig(_config()), Settings()) == "default"


def test_the_cluster_can_be_chosen_by_context_or_by_name() -> None:
    config = parse_kubeconfig(_config())
    assert active_cluster(config, Settings()) == {"server": "https://one"}
    assert active_cluster(config, Settings(context="other")) == {"server": "https://other"}
    assert active_cluster(config, Settings(cluster="l")) == {"server": "https://other"}


def test_another_server_replaces_the_provider_and_other_credentials_do_not() -> None:
    old: Object = {"kubeconfig": _config()}
    assert replaced_inputs(old, {"kubeconfig": _config(token="new")}) == []  # noqa: S106 - a sample
    assert replaced_inputs(old, {"kubeconfig": _config("https://two")}) == ["kubeconfig"]
    assert replaced_inputs(old, {**old, "context": "other"}) == ["context"]


def test_while_the_cluster_identifier_is_the_same_nothing_replaces_the_provider() -> None:
    old: Object = {"kubeconfig": _config(), "clusterIdentifier": "a"}
    assert replaced_inputs(old, {"kubeconfig": _config("https://two"), "clusterIdentifier": "a"}) == []
    assert replaced_inputs(old, {**old, "clusterIdentifier": "b"}) == ["clusterIdentifier"]


def test_adding_a_cluster_identifier_does_not_replace_the_provider() -> None:
    assert replaced_inputs({"kubeconfig": _config()}, {"kubeconfig": _config(), "clusterIdentifier": "a"}) == []


def test_a_kubeconfig_that_is_not_known_yet_replaces_the_provider() -> None:
    assert replaced_inputs({"kubeconfig": _config()}, {"kubeconfig": UNKNOWN}) == ["kubeconfig"]


def test_without_an_input_the_kubeconfig_of_kubectl_is_used(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(_config())
    assert ambient_kubeconfig({"KUBECONFIG": f"{tmp_path / 'missing'}:{path}"}) == str(path)
    assert ambient_kubeconfig({"KUBECONFIG": str(tmp_path / "missing")}) == ""
