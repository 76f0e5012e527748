"""The API server's configuration for an external token issuer."""

import json
from typing import Any

from testbed.node import issuers

ISSUER = "https://dex.mlflow.localhost"
MANIFEST: dict[str, Any] = {
    "spec": {"containers": [{"command": ["kube-apiserver", "--secure-port=6443"], "volumeMounts": []}], "volumes": []}
}


def jwt(authority: str | None = None) -> dict[str, Any]:
    (found,) = json.loads(issuers.configuration(ISSUER, ["mlflow"], authority))["jwt"]
    return found


def test_without_an_issuer_only_the_clusters_own_tokens_are_accepted() -> None:
    assert json.loads(issuers.configuration(None, [], None)) == {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [],
    }


def test_an_issuers_tokens_are_accepted_for_its_audiences_only() -> None:
    assert jwt()["issuer"] == {"url": ISSUER, "audiences": ["mlflow"], "audienceMatchPolicy": "MatchAny"}
    assert jwt("PEM")["issuer"]["certificateAuthority"] == "PEM"


def test_names_have_no_prefix_and_reserved_names_are_refused() -> None:
    assert jwt()["claimMappings"]["username"] == {"claim": "email", "prefix": ""}
    assert jwt()["claimMappings"]["groups"] == {"claim": "groups", "prefix": ""}
    rules = [rule["expression"] for rule in jwt()["userValidationRules"]]
    assert rules == ["!user.username.startsWith('system:')", "user.groups.all(name, !name.startsWith('system:'))"]


def test_the_flag_is_added_once() -> None:
    once = issuers.reading(MANIFEST, "dex.mlflow.localhost")
    assert issuers.reading(once, "dex.mlflow.localhost") == once
    (container,) = once["spec"]["containers"]
    assert container["command"][-1] == "--authentication-config=/etc/kubernetes/authentication/issuers.json"
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/etc/kubernetes/authentication"]
    assert once["spec"]["hostAliases"] == [{"ip": "10.96.0.80", "hostnames": ["dex.mlflow.localhost"]}]
    assert MANIFEST["spec"]["volumes"] == []


def test_removing_the_issuer_needs_no_restart() -> None:
    once = issuers.reading(MANIFEST, "dex.mlflow.localhost")
    assert issuers.reading(once, None) == once
