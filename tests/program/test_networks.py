"""Connections between the pods of the committed stacks, computed from their NetworkPolicies."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.harness import Recording
from tests.program.stacks import STACKS, recorded, run
from tools.reachability import Cell, Host, Port, any_pod, as_markdown, cells, network
from tools.reachability.network import Object

WORKLOADS = {"Deployment", "StatefulSet", "Job"}
HOSTS = [
    (Host(name="API server", address="192.0.2.1"), [Port(number=6443)]),
    (Host(name="kubelet", address="192.0.2.1"), [Port(number=10250)]),
    (Host(name="metadata service", address="169.254.169.254"), [Port(number=80), Port(number=443)]),
    (Host(name="outside the cluster", address="203.0.113.1"), [Port(number=80), Port(number=443)]),
]
# Other workloads of a cluster.
OTHERS = {
    "kube-system": ({"k8s-app": "kube-dns"}, [(5353, "UDP"), (5353, "TCP"), (8080, "TCP")]),
    "traefik": ({"app.kubernetes.io/name": "traefik"}, [(8000, "TCP"), (8443, "TCP"), (9000, "TCP")]),
    "default": ({"app.kubernetes.io/name": "somebody"}, [(443, "TCP"), (8443, "TCP"), (8080, "TCP")]),
}


def objects(recording: Recording) -> Iterator[Object]:
    """Namespaces, policies and one pod of each kind; a pod without labels in each namespace."""
    addresses = (f"10.244.0.{number}" for number in count(2))
    for resource in recording:
        metadata: dict[str, Any] = resource.inputs.get("metadata", {}) if resource.custom else {}
        if resource.kind == "Namespace":
            yield {"kind": "Namespace", "metadata": metadata}
            yield any_pod(metadata["name"])
        elif resource.kind == "NetworkPolicy":
            yield {"kind": "NetworkPolicy", **resource.inputs}
        elif resource.kind in WORKLOADS:
            template = resource.inputs["spec"]["template"]
            labels = template["metadata"]["labels"]
            yield pod(metadata["namespace"], labels, template["spec"], next(addresses))
    for name, (labels, ports) in OTHERS.items():
        declared = [{"containerPort": number, "protocol": protocol} for number, protocol in ports]
        yield {"kind": "Namespace", "metadata": {"name": name}}
        yield pod(name, labels, {"containers": [{"ports": declared}]}, next(addresses))


def pod(namespace: str, labels: dict[str, str], spec: dict[str, Any], address: str) -> Object:
    metadata = {"namespace": namespace, "name": "x", "labels": labels}
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Running", "podIP": address}}


def matrix(stack: str) -> list[Cell]:
    return cells(network(objects(recorded(stack))), HOSTS)


def table() -> str:
    """The connections of the development stack, as docs/networks.md shows them (`make generate`)."""
    return as_markdown([cell for cell in matrix("dev") if cell.source.partition("/")[0] not in OTHERS])


def admitted(stack: str | Recording) -> dict[str, set[str]]:
    """Destinations and ports by the source that may connect to them."""
    reachable: dict[str, set[str]] = {}
    for cell in matrix(stack) if isinstance(stack, str) else cells(network(objects(stack)), HOSTS):
        reachable.setdefault(cell.source, set())
        if cell.admitted:
            reachable[cell.source].add(f"{cell.destination}:{cell.port}")
    return reachable


NAMES = {"kube-system/kube-dns:5353", "kube-system/kube-dns:5353/UDP"}


@pytest.mark.parametrize("stack", STACKS)
def test_a_teams_pod_reaches_the_login_the_ingress_controller_and_names(stack: str) -> None:
    teams = {resource.inputs["metadata"]["name"] for resource in recorded(stack) if resource.kind == "Namespace"} - {
        "mlflow"
    }
    assert teams
    for team in teams:
        assert admitted(stack)[f"{team}/any other pod"] == {*NAMES, "mlflow/mlflow:4180", "traefik/traefik:8443"}


@pytest.mark.parametrize("stack", STACKS)
def test_an_unknown_pod_reaches_dns_only(stack: str) -> None:
    assert admitted(stack)["mlflow/any other pod"] == NAMES


def test_data_stores_admit_their_clients_only() -> None:
    reachable = admitted("dev")
    assert {source for source, to in reachable.items() if "mlflow/postgres:5432" in to} == {
        "mlflow/mlflow",
        "mlflow/migration",
    }
    stores = {source for source, to in reachable.items() if "mlflow/object-store:8333" in to}
    assert stores == {"mlflow/mlflow", "mlflow/create-bucket"}


def test_with_a_known_api_server_the_server_reaches_only_what_it_needs() -> None:
    narrow = admitted(run("dev", cluster={"apiServer": ["192.0.2.1/32"]}))["mlflow/mlflow"]
    assert narrow == {
        *NAMES,
        "API server:6443",
        "mlflow/object-store:8333",
        "mlflow/postgres:5432",
        "traefik/traefik:8443",
    }
    assert admitted("dev")["mlflow/mlflow"] - narrow == {
        "default/somebody:443",
        "default/somebody:8443",
        "outside the cluster:443",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_no_pod_of_the_platform_reaches_the_metadata_service_or_a_kubelet(stack: str) -> None:
    for source, reached in admitted(stack).items():
        if source.partition("/")[0] not in OTHERS:
            assert not {to for to in reached if to.startswith(("metadata", "kubelet"))}, source


@pytest.mark.parametrize("stack", STACKS)
def test_a_port_that_no_policy_names_is_closed(stack: str) -> None:
    for cell in matrix(stack):
        if cell.port == "other" and cell.destination.partition("/")[0] not in OTHERS:
            assert not cell.admitted, cell


def test_webhooks_leave_through_their_proxy_alone() -> None:
    server = {"image": "localhost/mlflow:1", "features": ["webhooks"], "webhookHosts": ["hooks.example.com"]}
    got = admitted(run("dev", cluster={"apiServer": ["192.0.2.1/32"]}, server=server))
    assert "mlflow/webhook-proxy:3128" in got["mlflow/mlflow"]
    assert "outside the cluster:443" not in got["mlflow/mlflow"]
    # The address of `outside the cluster` is one for documentation, which a NetworkPolicy need not know.
    assert got["mlflow/webhook-proxy"] == {*NAMES, "outside the cluster:443"}
    sources = {source for source, reached in got.items() if "mlflow/webhook-proxy:3128" in reached}
    assert sources == {"mlflow/mlflow"}
