from typing import Any

import pulumi
import pulumi_kubernetes
import pulumi_random
import pytest
import yaml

from benchmarks.preview_cost import (
    AUTONAMED,
    CHECKOUT,
    SECRET_MARK,
    TEAMS,
    UNKNOWN,
    class_of,
    objects,
    plain,
    platform_config,
    snake,
)

SDKS = {"k8s": pulumi_kubernetes, "random": pulumi_random}
TOKENS = sorted(
    {
        line.split()[0]
        for line in (CHECKOUT / "tests/program/snapshots/dev.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith(("kubernetes:", "random:"))
    }
)
URN = "urn:pulumi:bench::mlflow-platform::mlflow-platform:index:Postgres$"


def step(token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """One step of a preview."""
    return {"op": "create", "newState": {"urn": f"{URN}{token}::{name}", "type": token, "inputs": inputs}}


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("kubernetes:core/v1:Secret", "k8s.core.v1.Secret"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "k8s.networking.v1.NetworkPolicy"),
        ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "k8s.rbac.v1.RoleBinding"),
        ("random:index/randomPassword:RandomPassword", "random.RandomPassword"),
    ],
)
def test_a_token_names_a_class_of_the_sdk(token: str, name: str) -> None:
    assert class_of(token) == name


def test_every_object_of_the_platform_has_such_a_class() -> None:
    assert len(TOKENS) > 10
    for token in TOKENS:
        package, *names = class_of(token).split(".")
        found: Any = SDKS[package]
        for name in names:
            found = getattr(found, name)
        assert issubclass(found, pulumi.CustomResource)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("spec", "spec"),
        ("stringData", "string_data"),
        ("automountServiceAccountToken", "automount_service_account_token"),
    ],
)
def test_a_key_becomes_a_python_argument(key: str, name: str) -> None:
    assert snake(key) == name


def test_secrets_and_unknown_values_become_ordinary_strings() -> None:
    assert plain({"password": {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}}) == {
        "password": "secret"
    }
    assert plain([UNKNOWN, {"deep": [UNKNOWN]}]) == ["unknown", {"deep": ["unknown"]}]


def test_the_engines_own_keys_go_and_everything_else_stays() -> None:
    value: dict[str, Any] = {
        "text": "a",
        "number": 1,
        "flag": False,
        "nothing": None,
        "list": [1.5, {}],
        "__defaults": [],
    }
    assert plain(value) == {"text": "a", "number": 1, "flag": False, "nothing": None, "list": [1.5, {}]}


def test_an_object_is_its_type_its_name_and_its_arguments() -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "mlflow-client", "namespace": "team-a"},
        "automountServiceAccountToken": False,
    }
    found = step("kubernetes:core/v1:ServiceAccount", "team-a-account", inputs)
    assert objects({"steps": [found]}) == [
        {
            "type": "kubernetes:core/v1:ServiceAccount",
            "name": "team-a-account",
            "args": {
                "metadata": {"name": "mlflow-client", "namespace": "team-a"},
                "automount_service_account_token": False,
            },
        }
    ]


def test_a_name_that_the_provider_chose_is_left_to_it_again() -> None:
    metadata = {"name": "scripts-1a2b3c4d", "namespace": "mlflow", "annotations": {AUTONAMED: "true", "a": "b"}}
    inputs = {"metadata": metadata, "data": {"a.py": "pass"}}
    (found,) = objects({"steps": [step("kubernetes:core/v1:ConfigMap", "scripts", inputs)]})
    assert found["args"] == {
        "metadata": {"namespace": "mlflow", "annotations": {"a": "b"}},
        "data": {"a.py": "pass"},
    }


def test_what_a_preview_hides_is_filled_with_something_of_its_shape() -> None:
    mark = {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    secret = step("kubernetes:core/v1:Secret", "credential", {"stringData": mark})
    unknown = step("kubernetes:core/v1:ConfigMap", "scripts", {"data": UNKNOWN})
    assert [found["args"] for found in objects({"steps": [secret, unknown]})] == [
        {"string_data": {"tls.crt": "secret", "tls.key": "secret"}},
        {"data": {"unknown": "unknown"}},
    ]


def test_components_providers_and_deletions_are_no_objects() -> None:
    others = [
        step("mlflow-platform:index:Postgres", "postgres", {}),
        step("pulumi:providers:kubernetes", "cluster", {}),
        {"op": "delete", "oldState": {"type": "kubernetes:core/v1:Secret"}},
    ]
    assert objects({"steps": others}) == []


def test_the_measured_platform_is_the_dev_stack_with_twenty_teams() -> None:
    committed = yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    made = platform_config(TEAMS)
    teams = made["config"].pop("mlflow-platform:teams")
    assert len(teams) == 20
    assert teams.items() >= committed.pop("mlflow-platform:teams").items()
    assert made == {"config": committed | {"mlflow-platform:namespace": "bench-platform"}}
