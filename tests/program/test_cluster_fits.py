"""The cluster and the network that a company has: every registration of every committed stack follows its settings."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kubernetes import networks
from factories.context import dns
from settings.schema.network import Dns
from tests.harness import PROJECT, Recording
from tests.policy.judge import as_asked, judge_by
from tests.program.stacks import ROOT, STACKS, run_document, stack_file
from tests.settings.stack_files import validated

# Stacks of the product, and those with every setting that the scanners look at.
FILES: dict[str, Path] = {path.stem: path for path in sorted((ROOT / "tools/scan/stacks").glob("*.yaml"))}
COMMITTED = (*STACKS, *FILES)
WITHOUT_A_SERVER = "external-server"
PLATFORMS = tuple(name for name in COMMITTED if name != WITHOUT_A_SERVER)

OTHER_DNS: dict[str, Any] = {
    "namespace": "openshift-dns",
    "podLabels": {"dns.operator.openshift.io/daemonset-dns": "default"},
    "addresses": ["169.254.169.254/32"],
    "ports": [5353],
}
ADDRESSES_ONLY: dict[str, Any] = {"pods": False, "addresses": ["10.96.0.10/32"], "ports": [53]}
# Names and addresses of the default.
DEFAULT_DNS = ("kube-dns", "kube-system", networks.NODE_LOCAL_DNS)
DOMAIN = "k8s.example.internal"
PROXY = "http://192.0.2.9:3128"
API_SERVER = "10.0.0.1"
TO_PROXY = {"ipBlock": {"cidr": "192.0.2.9/32"}}
CONTROLLER = ["10.20.0.0/24", "10.30.0.0/24"]
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")


def document(stack: str) -> dict[str, Any]:
    """The settings of a committed stack, without the project's prefix."""
    if stack in STACKS:
        config = stack_file(stack)
    else:
        config = yaml.safe_load(FILES[stack].read_text(encoding="utf-8"))["config"]
    # The project's defaults are empty strings for keys that the stack file does not set.
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    return {key: value for key, value in own.items() if value != ""}


def with_cluster(stack: str, **cluster: object) -> Recording:
    """Recording of a committed stack with these settings of its cluster."""
    return _recorded(stack, json.dumps(cluster))


@functools.cache
def _recorded(stack: str, cluster: str) -> Recording:
    settings = document(stack)
    settings["cluster"] = {**settings.get("cluster", {}), **json.loads(cluster)}
    needed = validated(settings).needed_secrets
    return run_document(settings, stack=stack, secrets=[*needed])


def policies(recording: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and spec of every NetworkPolicy."""
    for one in recording.of("NetworkPolicy"):
        yield one.name, one.inputs["spec"]


def test_the_defaults_of_the_settings_are_those_of_the_components() -> None:
    assert dns(Dns()) == networks.Dns()


@pytest.mark.parametrize("stack", COMMITTED)
def test_no_policy_names_the_default_dns_where_it_is_elsewhere(stack: str) -> None:
    for chosen in (OTHER_DNS, ADDRESSES_ONLY):
        got = with_cluster(stack, dns=chosen)
        closed = [spec for name, spec in policies(got) if name.endswith("-closed")]
        assert closed
        assert all(json.dumps(address) in json.dumps(spec) for spec in closed for address in chosen["addresses"])
        for name, spec in policies(got):
            text = json.dumps(spec)
            assert [word for word in DEFAULT_DNS if word in text] == [], name
            ports = {port["port"] for rule in spec.get("egress", ()) for port in rule.get("ports", ())}
            assert not ports & ({53, 5353} - {*chosen["ports"]}), name


@pytest.mark.parametrize("stack", COMMITTED)
def test_the_policy_pack_admits_another_dns(stack: str) -> None:
    for chosen in (OTHER_DNS, ADDRESSES_ONLY):
        got = with_cluster(stack, dns=chosen)
        for rule in ("network-policies-name-their-peers", "namespaces-are-closed"):
            assert judge_by(rule, as_asked(got, stack)) == []


@pytest.mark.parametrize("stack", COMMITTED)
def test_no_registration_names_the_default_domain_where_the_cluster_has_another(stack: str) -> None:
    got = with_cluster(stack, domain=DOMAIN)
    named = [one.name for one in got if "cluster.local" in json.dumps(one.inputs)]
    assert named == []
    assert "cluster.local" not in json.dumps(got.exports)


def test_the_domain_is_in_every_name_of_a_service_that_the_program_makes() -> None:
    def names(stack: str, domain: str) -> list[str]:
        return [one.name for one in with_cluster(stack, domain=domain) if domain in json.dumps(one.inputs)]

    for stack in PLATFORMS:
        assert names(stack, DOMAIN) == names(stack, "cluster.local")


def templates(recording: Recording) -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    """Namespace, labels and spec of the pods of every workload."""
    for one in recording:
        if one.custom and one.kind in WORKLOADS and one.type.startswith("kubernetes:"):
            spec = one.inputs["spec"]
            template = (spec["jobTemplate"]["spec"] if one.kind == "CronJob" else spec)["template"]
            yield one.inputs["metadata"]["namespace"], template["metadata"]["labels"], template["spec"]


def environment(pod: dict[str, Any]) -> dict[str, str]:
    """Plain environment variables of all containers."""
    return {
        variable["name"]: variable.get("value", "")
        for container in (*pod["containers"], *pod.get("initContainers", ()))
        for variable in container.get("env", ())
    }


def to_the_proxy(recording: Recording, namespace: str, labels: dict[str, str]) -> bool:
    """True if a NetworkPolicy of the pod with these labels opens the proxy."""
    return any(
        TO_PROXY in rule.get("to", ())
        for one in recording.of("NetworkPolicy")
        if one.inputs["metadata"]["namespace"] == namespace
        and one.inputs["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
        for rule in one.inputs["spec"].get("egress", ())
    )


@pytest.mark.parametrize("stack", COMMITTED)
def test_a_pod_has_the_proxy_in_its_environment_if_its_policy_opens_it(stack: str) -> None:
    behind = {} if stack == WITHOUT_A_SERVER else {"apiServer": [f"{API_SERVER}/32"]}
    got = with_cluster(stack, httpsProxy=PROXY, **behind)
    # Squid hands on its tunnels by its configuration.
    pods = [one for one in templates(got) if one[1].get("app.kubernetes.io/name") != "webhook-proxy"]
    opened = [one for one in pods if to_the_proxy(got, one[0], one[1])]
    for _, labels, pod in opened:
        assert environment(pod)["HTTPS_PROXY"] == PROXY, labels
        excepted = environment(pod)["NO_PROXY"].split(",")
        assert excepted[0] == "$(KUBERNETES_SERVICE_HOST)", labels
        # The public keys of programs' tokens are there, whatever the issuer is called.
        assert (API_SERVER in excepted) == bool(behind), labels
    # All who sign in outside, keep their artifacts there, or read a password at AWS.
    expected = {
        "dev": set[str](),
        "prod": {"mlflow", "database-role"},
        "in-cluster": {"mlflow"},
        "one-volume": set[str](),
        "own-services": {"mlflow", "forward-auth"},
        WITHOUT_A_SERVER: {"connectivity"},
    }[stack]
    assert expected <= {labels["app.kubernetes.io/name"] for _, labels, _ in opened}


@pytest.mark.parametrize("stack", PLATFORMS)
def test_with_a_proxy_no_policy_opens_https_to_every_address(stack: str) -> None:
    """The API server, if its addresses are not known, and databases remain."""
    got = with_cluster(stack, httpsProxy=PROXY, apiServer=[f"{API_SERVER}/32"])
    for name, spec in policies(got):
        for rule in spec.get("egress", ()):
            everywhere = [one for one in rule["to"] if one.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"]
            ports = {port["port"] for port in rule["ports"]}
            # Teams' pods get no proxy: with direct access they reach the store as before.
            assert not everywhere or ports <= {5432} or name == "research-network", name


def test_what_is_excepted_from_the_proxy_is_reached_as_without_one() -> None:
    excepted = with_cluster("own-services", httpsProxy=PROXY, noProxy=["example.com"], apiServer=[f"{API_SERVER}/32"])
    usual = with_cluster("own-services", apiServer=[f"{API_SERVER}/32"])
    assert dict(policies(excepted)) == dict(policies(usual))


def test_the_development_login_is_reached_without_the_proxy() -> None:
    got = with_cluster("dev", httpsProxy=PROXY, apiServer=[f"{API_SERVER}/32"])
    (server,) = (pod for _, labels, pod in templates(got) if labels["app.kubernetes.io/name"] == "mlflow")
    assert {"mlflow.localhost", "dex.mlflow.localhost"} <= {*environment(server)["NO_PROXY"].split(",")}


def test_teams_without_a_server_get_the_proxy_in_their_clients_environment() -> None:
    got = with_cluster(WITHOUT_A_SERVER, httpsProxy=PROXY, noProxy=["intranet.example.com"])
    data = got["research-client"].inputs["data"]
    assert data["HTTPS_PROXY"] == PROXY
    # Kubernetes does not replace variables in ConfigMaps.
    assert data["NO_PROXY"] == "localhost,127.0.0.1,kubernetes.default,.svc,.cluster.local,intranet.example.com"
    egress = got["research-egress"].inputs["spec"]["egress"]
    assert [rule["to"] for rule in egress][1:] == [[TO_PROXY]]
    job = got["research-connectivity-job"].inputs["spec"]["template"]["spec"]["containers"][0]
    assert job["command"][1].endswith("/check_connection_by_proxy.py")


@pytest.mark.parametrize("stack", PLATFORMS)
def test_addresses_of_the_ingress_controller_are_admitted_wherever_its_pods_are(stack: str) -> None:
    space = document(stack).get("cluster", {}).get("ingressNamespace", "traefik")
    pods = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}}
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in CONTROLLER]
    admitting = [
        rule["from"]
        for _, spec in policies(with_cluster(stack, ingressPods=CONTROLLER))
        for rule in spec.get("ingress", ())
        if pods in rule["from"]
    ]
    assert admitting
    assert all(block in peers for peers in admitting for block in blocks)


@pytest.mark.parametrize("stack", PLATFORMS)
def test_addresses_of_the_ingress_controller_open_no_way_out(stack: str) -> None:
    def ways_out(got: Recording) -> list[tuple[str, object]]:
        return [(name, spec.get("egress")) for name, spec in policies(got)]

    assert ways_out(with_cluster(stack, ingressPods=CONTROLLER)) == ways_out(with_cluster(stack))
