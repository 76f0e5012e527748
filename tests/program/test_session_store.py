"""The whole program with a session store, for each place of the login."""

import functools
import re
from typing import Any

import pytest
import yaml

from tests.harness import PROJECT, Recording
from tests.program.stacks import ROOT, run
from tests.program.taint import leaks

FOLDER = "/run/secrets/session-store"
STORE = {
    "podSelector": {
        "matchLabels": {"app.kubernetes.io/name": "session-store", "app.kubernetes.io/part-of": "mlflow-platform"}
    }
}


@functools.cache
def stored(login: str) -> Recording:
    return run("dev", sessions={"store": "valkey"}, gateway={"kind": "ingress", "login": login})


def pod(got: Recording, workload: str) -> dict[str, Any]:
    return got[workload].inputs["spec"]["template"]["spec"]


def proxy(got: Recording, workload: str) -> dict[str, Any]:
    spec = pod(got, workload)
    (found,) = [
        one for one in (*spec.get("initContainers", ()), *spec["containers"]) if one["name"].startswith("oauth2-proxy")
    ]
    return found


def uses_store(got: Recording, workload: str, network: str) -> list[bool]:
    """Three flags: a workload's OAuth2-Proxy has the store's address, the password, and network access."""
    found = proxy(got, workload)
    egress = got[network].inputs["spec"]["egress"]
    return [
        "--session-store-type=redis" in found["args"],
        FOLDER in [mount["mountPath"] for mount in found["volumeMounts"]],
        "session-store" in [volume["name"] for volume in pod(got, workload)["volumes"]],
        [STORE] in [rule["to"] for rule in egress],
    ]


def test_as_sidecar_the_login_keeps_its_sessions_in_the_store() -> None:
    assert uses_store(stored("reverse-proxy"), "mlflow-server", "mlflow-network") == [True] * 4
    assert "session-store-service" in stored("reverse-proxy")["mlflow-server"].dependencies


def test_with_forward_auth_only_the_login_of_browsers_uses_the_store() -> None:
    got = stored("forward-auth")
    assert uses_store(got, "forward-auth-server", "forward-auth-network") == [True] * 4
    assert uses_store(got, "mlflow-server", "mlflow-network") == [False] * 4
    assert "session-store-service" in got["forward-auth-server"].dependencies


@pytest.mark.parametrize(("login", "client"), [("reverse-proxy", "mlflow"), ("forward-auth", "forward-auth")])
def test_the_store_lets_in_the_pods_that_use_it(login: str, client: str) -> None:
    (rule,) = stored(login)["session-store-network"].inputs["spec"]["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == client


@pytest.mark.parametrize("login", ["reverse-proxy", "forward-auth"])
def test_what_the_page_about_keycloak_adds_to_a_stack_file_is_right(login: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "keycloak.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = {key.removeprefix(f"{PROJECT}:"): value for key, value in yaml.safe_load(block)["config"].items()}
    got = run("dev", **shown, gateway={"kind": "ingress", "login": login})
    words = proxy(got, "forward-auth-server" if login == "forward-auth" else "mlflow-server")["args"]
    assert "--scope=openid profile email groups" in words
    assert "--session-store-type=redis" in words
    assert f"--backend-logout-url={shown['login']['logoutUrl']}" in words


def test_no_secret_of_the_store_leaves_a_secret() -> None:
    assert leaks(stored("reverse-proxy")) == []


def test_without_the_setting_there_is_no_store() -> None:
    got = run("dev")
    assert [one.name for one in got if "session-store" in one.name] == []
