"""Stacks whose tracking server is not part of them."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from components.exposure.certificate import authority_certificate
from settings import external_page
from tests.harness import PROJECT, Recording
from tests.policy.judge import as_asked, judge
from tests.program.stacks import run_document, secret_value
from tests.program.taint import leaks

URL = "https://tracking.example.com"
PASSWORD = {"kind": "password", "username": "tracking-user"}
STACK: Mapping[str, Any] = {
    "profile": "small",
    "server": {"kind": "external", "url": URL, "addresses": ["192.0.2.10/32"], "credentials": PASSWORD},
    "workspaces": {"clientVersion": "3.16.0"},
    "teams": {
        "red": {},
        "blue": {"podLabel": "uses=mlflow", "clientVersion": "3.15.1", "credentials": {"kind": "secret"}},
    },
}
DATABRICKS: Mapping[str, Any] = {
    "profile": "small",
    "server": {
        "kind": "databricks",
        "host": "https://name.cloud.databricks.com",
        "credentials": {"kind": "token"},
    },
    "teams": {"red": {}},
}
AUTHORITY = authority_certificate(b"seed", "example.com")


def external(document: Mapping[str, Any] = STACK, *secrets: str, **changes: object) -> Recording:
    return _deployed(json.dumps({**document, **changes}), secrets or ("trackingPassword",))


@functools.cache
def _deployed(document: str, secrets: tuple[str, ...]) -> Recording:
    return run_document(json.loads(document), stack="external", secrets=secrets)


def environment(got: Recording, job: str) -> dict[str, Any]:
    (container,) = got[job].inputs["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}


def test_only_what_is_in_the_teams_namespaces_is_deployed() -> None:
    got = external()
    kinds = {resource.kind for resource in got if resource.type.startswith("kubernetes:")}
    assert kinds == {
        *("ConfigMap", "Job", "LimitRange", "Namespace", "NetworkPolicy", "ResourceQuota", "Secret", "ServiceAccount")
    }
    namespaces = {
        one.inputs["metadata"]["namespace"] for one in got if "metadata" in one.inputs and one.kind != "Namespace"
    }
    assert namespaces == {"red", "blue"}


def test_a_namespace_is_no_workspace_of_a_platform_in_the_same_cluster() -> None:
    for namespace in external().of("Namespace"):
        assert "mlflow-enabled" not in namespace.inputs["metadata"]["labels"]
        assert namespace.protect


def test_the_stack_violates_no_policy_and_leaks_nothing() -> None:
    open_server = {"kind": "external", "url": URL, "credentials": PASSWORD}
    for got in (external(), external(DATABRICKS, "databricksToken"), external(server=open_server)):
        assert judge(as_asked(got, "external")) == []
        assert leaks(got) == []


def test_a_preview_shows_what_the_deployment_makes() -> None:
    shown = run_document(dict(STACK), stack="external", secrets=("trackingPassword",), preview=True)
    assert [one.urn for one in shown] == [one.urn for one in external()]
    assert judge(as_asked(shown, "external")) == []


def test_the_example_of_the_configuration_page_is_deployed() -> None:
    document = {
        key.removeprefix(f"{PROJECT}:"): value for key, value in yaml.safe_load(external_page.EXAMPLE)["config"].items()
    }
    assert {one.name for one in run_document(document, stack="external").of("Job")} == {
        "research-connectivity-job",
        "pricing-connectivity-job",
    }


def test_clients_find_the_server_and_the_credentials_of_the_stack_file() -> None:
    got = external()
    assert got["red-client"].inputs["data"] == {"MLFLOW_TRACKING_URI": URL}
    assert got["red-credentials"].inputs["metadata"] == {"name": "mlflow-credentials", "namespace": "red"}
    assert got["red-credentials"].inputs["stringData"] == {
        "MLFLOW_TRACKING_USERNAME": "tracking-user",
        "MLFLOW_TRACKING_PASSWORD": secret_value("trackingPassword"),
    }
    assert not [one for one in got.of("Secret") if one.parent == "blue"]


def test_a_token_is_a_secret_of_every_team() -> None:
    server = {"kind": "external", "url": URL, "credentials": {"kind": "token"}}
    got = external(STACK, "trackingToken", server=server, teams={"red": {}})
    assert got["red-credentials"].inputs["stringData"] == {"MLFLOW_TRACKING_TOKEN": secret_value("trackingToken")}


def test_clients_of_databricks_get_the_variables_that_it_documents() -> None:
    got = external(DATABRICKS, "databricksToken")
    assert got["red-client"].inputs["data"] == {
        "MLFLOW_TRACKING_URI": "databricks",
        "MLFLOW_REGISTRY_URI": "databricks-uc",
        "DATABRICKS_HOST": "https://name.cloud.databricks.com",
    }
    assert got["red-credentials"].inputs["stringData"] == {"DATABRICKS_TOKEN": secret_value("databricksToken")}
    assert environment(got, "red-connectivity-job")["DATABRICKS"] == "true"


def test_labelled_pods_reach_dns_and_the_server_and_nothing_else() -> None:
    got = external()
    for team, label in (("red", {"mlflow-client": "true"}), ("blue", {"uses": "mlflow"})):
        policy = got[f"{team}-egress"].inputs
        assert policy["metadata"] == {"name": "allow-mlflow-egress", "namespace": team}
        assert policy["spec"]["podSelector"] == {"matchLabels": label}
        assert policy["spec"]["policyTypes"] == ["Egress"]
        names, server = policy["spec"]["egress"]
        assert {port["port"] for port in names["ports"]} == {53, 5353}
        assert server == {
            "to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}],
            "ports": [{"protocol": "TCP", "port": 443}],
        }


@pytest.mark.parametrize(
    ("server", "ranges", "ports"),
    [
        ({"url": "http://10.0.0.5:5000"}, ["10.0.0.5/32"], [5000]),
        (
            {"url": "http://mlflow.other.svc.cluster.local", "addresses": ["10.244.0.0/16"], "ports": [5000]},
            ["10.244.0.0/16"],
            [5000],
        ),
        ({"url": f"{URL}:8443"}, ["0.0.0.0/0"], [8443]),
        ({"url": "http://tracking.example.com"}, ["0.0.0.0/0"], [80]),
    ],
)
def test_addresses_and_ports_come_from_the_url_where_the_stack_file_has_none(
    server: dict[str, object], ranges: list[str], ports: list[int]
) -> None:
    got = external(server={"kind": "external", "credentials": PASSWORD, **server}, teams={"red": {}})
    rule = got["red-egress"].inputs["spec"]["egress"][1]
    assert [peer["ipBlock"]["cidr"] for peer in rule["to"]] == ranges
    assert [port["port"] for port in rule["ports"]] == ports
    excluded = [peer["ipBlock"].get("except") for peer in rule["to"]]
    assert excluded == ([["169.254.0.0/16"]] if ranges == ["0.0.0.0/0"] else [None])


def test_the_check_runs_like_a_pod_of_the_team_once_its_network_and_credentials_exist() -> None:
    got = external()
    job = got["red-connectivity-job"]
    template = job.inputs["spec"]["template"]
    assert template["metadata"]["labels"]["mlflow-client"] == "true"
    assert template["spec"]["serviceAccountName"] == "mlflow-client"
    assert {"red-egress", "red-client", "red-credentials"} <= job.dependencies
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 240
    variables = environment(got, "red-connectivity-job")
    assert (variables["TRACKING_URL"], variables["CLIENT_VERSION"]) == (URL, "3.16.0")
    assert environment(got, "blue-connectivity-job")["CLIENT_VERSION"] == "3.15.1"
    reference = {"name": "mlflow-credentials", "key": "MLFLOW_TRACKING_PASSWORD", "optional": True}
    for team in ("red", "blue"):
        assert environment(got, f"{team}-connectivity-job")["MLFLOW_TRACKING_PASSWORD"] == {"secretKeyRef": reference}


def test_a_private_ca_is_mounted_where_clients_look_for_it() -> None:
    got = external(cluster={"authorities": AUTHORITY})
    assert got["red-authority"].inputs["data"]["ca.crt"].strip() == AUTHORITY.strip()
    path = got["red-client"].inputs["data"]["MLFLOW_TRACKING_SERVER_CERT_PATH"]
    (container,) = got["red-connectivity-job"].inputs["spec"]["template"]["spec"]["containers"]
    assert path == "/etc/mlflow/ca.crt"
    assert "/etc/mlflow" in [mount["mountPath"] for mount in container["volumeMounts"]]
    assert environment(got, "red-connectivity-job")["AUTHORITY_FILE"] == path


def test_an_archived_team_starts_no_pods_and_has_no_credentials() -> None:
    got = external(teams={"red": {"archived": True}, "blue": {}})
    assert got["red-quota"].inputs["spec"]["hard"]["pods"] == "0"
    assert {one.parent for one in (*got.of("Job"), *got.of("Secret"))} == {"blue"}
    assert not got["red-namespace"].protect


def test_the_image_of_the_check_comes_from_the_mirror() -> None:
    got = external(images={"registry": "mirror.example.com", "pullSecrets": ["mirror"]})
    pod = got["red-connectivity-job"].inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "mirror.example.com/library/python:3.13-slim"
    assert pod["imagePullSecrets"] == [{"name": "mirror"}]


def test_the_outputs_say_what_a_pod_has_to_name() -> None:
    exports = external().exports
    assert (exports["server"], exports["url"], exports["namespace"]) == ("external", URL, "")
    assert exports["teams"]["blue"] == {
        "namespace": "blue",
        "serviceAccount": "mlflow-client",
        "workspace": None,
        "podLabel": "uses=mlflow",
        "archived": False,
    }
    assert "hunter2" not in json.dumps(exports)
