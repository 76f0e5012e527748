"""Attacks from a pod in a team's namespace, directly on the server's pod and its neighbours.

NetworkPolicies of the test admit that pod everywhere, so the refusals do not depend on the platform's policies.
The platform's policies are tested in test_networks, and by the scan at the end.
"""

import json
import re
from collections.abc import Generator
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.stack import Platform

KNOCK = CHECKOUT / "testbed" / "e2e" / "pods" / "knock.py"
ADDRESSES = {"mlflow": "mlflow", "postgres": "postgres", "store": "object-store", "dex": "dex"}
# Ports that each pod may expose. Everything else in them listens on the pod's loopback address.
# 4181 is for the kubelet's probes and leads to the same login.
MEANT = {"mlflow": {4180, 4181}, "postgres": {5432}, "store": {8333, 18333}, "dex": {5556, 5558}}
SERVER_PORT = 4180
# SASL: PostgreSQL wants a password, and not in the clear.
SASL = 10

# On a pod that the policies of `admitted` let pass.
ADMITTED = {"mlflow-platform-test/admitted": "everywhere"}

SEARCH = ("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1})
CREATE = ("POST", "/api/2.0/mlflow/experiments/create", {"name": "forged"})
WORKSPACES = ("GET", "/api/3.0/mlflow/workspaces", None)
PAGE = ("GET", "/", None)

ALICE = "alice@example.com"
POWER = "team-a-mlflow-users,system:masters"
# All known headers that tell a server behind a proxy who the caller is, or that no check is needed.
FORGERIES: dict[str, dict[str, str]] = {
    "nothing": {},
    "identity": {
        "X-Forwarded-User": ALICE,
        "X-Forwarded-Email": ALICE,
        "X-Forwarded-Preferred-Username": ALICE,
        "X-Forwarded-Groups": POWER,
    },
    "service account": {
        "X-Forwarded-User": "system:serviceaccount:team-a:mlflow-client",
        "X-Forwarded-Email": "system:serviceaccount:team-a:mlflow-client",
    },
    "underscores": {"X_Forwarded_User": ALICE, "X_Forwarded_Email": ALICE, "X_Forwarded_Groups": POWER},
    "remote user": {"X-Remote-User": ALICE, "X-Remote-Groups": POWER, "Remote-User": ALICE},
    "auth request": {"X-Auth-Request-User": ALICE, "X-Auth-Request-Email": ALICE, "X-Auth-Request-Groups": POWER},
    "impersonation": {"Impersonate-User": ALICE, "Impersonate-Group": "system:masters"},
    "access token": {"X-Forwarded-Access-Token": "forged"},
    "password": {"Authorization": "Basic YWxpY2VAZXhhbXBsZS5jb206cGFzc3dvcmQ="},
    "from the node": {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1"},
    "path of the probes": {"X-Forwarded-Uri": "/health", "X-Original-Uri": "/health", "X-Forwarded-Email": ALICE},
    "host of the probes": {"Host": "localhost", "X-Forwarded-Host": "localhost"},
    "hop by hop": {"Connection": "close, X-Forwarded-Email", "X-Forwarded-Email": ALICE},
}


@pytest.fixture(scope="module")
def image(platform: Platform) -> str:
    server = kube.one("deployment", "mlflow", platform.namespace)
    return server["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture(scope="module")
def addresses(platform: Platform) -> dict[str, str]:
    return {
        name: kube.pod_of(component, platform.namespace)["status"]["podIP"] for name, component in ADDRESSES.items()
    }


@pytest.fixture(scope="module")
def admitted(platform: Platform) -> Generator[None]:
    """Admit the pods of team B with the label `ADMITTED` to every port of the platform's pods."""
    team = platform.teams["team-b"].namespace
    there, here = ({"matchLabels": {"kubernetes.io/metadata.name": name}} for name in (platform.namespace, team))
    marked = {"matchLabels": ADMITTED}
    egress: kube.Object = {
        "podSelector": marked,
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"namespaceSelector": there}]}],
    }
    ingress: kube.Object = {
        "podSelector": {},
        "ingress": [{"from": [{"namespaceSelector": here, "podSelector": marked}]}],
    }
    policies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "test-admitted", "namespace": namespace},
            "spec": spec,
        }
        for namespace, spec in ((team, egress), (platform.namespace, ingress))
    ]
    wanted = json.dumps({"apiVersion": "v1", "kind": "List", "items": policies})
    kube.kubectl("apply", "--filename=-", stdin=wanted)
    yield
    kube.kubectl("delete", "--filename=-", "--ignore-not-found", stdin=wanted)


@pytest.fixture(scope="module")
def found(platform: Platform, image: str, addresses: dict[str, str], admitted: None) -> dict[str, Any]:
    """Results of all attempts from a pod of team B."""
    assert admitted is None
    service = f"mlflow.{platform.namespace}"
    plan = {
        "scan": addresses,
        "refusals": [(addresses["mlflow"], 5000), (service, 5000)],
        "requests": {
            **_requests("pod", addresses["mlflow"], 4180),
            **_requests("service", service, 80),
            **_with_own_token(addresses["mlflow"]),
            **_store(addresses["store"]),
        },
        "grpc": [(addresses["store"], 18333)],
        "postgres": [
            (addresses["postgres"], user, database)
            for user, database in (("mlflow", "mlflow"), ("postgres", "postgres"), ("postgres", "mlflow"))
        ],
    }
    return _in_team_b(platform, image, plan, ADMITTED)


def _in_team_b(platform: Platform, image: str, plan: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    team = platform.teams["team-b"]
    pod = kube.team_pod(
        "knocks-at-doors",
        team.namespace,
        image=image,
        script=KNOCK.read_text(encoding="utf-8"),
        env={"KNOCK": json.dumps(plan)},
        account=team.service_account,
        mounts=[kube.volume_mount("token", "/var/run/secrets/kubernetes.io/serviceaccount")],
        volumes=[
            {
                "name": "token",
                "projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "mlflow"}}]},
            }
        ],
    )
    pod["metadata"]["labels"] = labels
    return json.loads(kube.run_pod(pod).splitlines()[-1])


def _request(
    host: str, port: int, what: tuple[str, str, object], headers: dict[str, str], workspace: str = "team-a"
) -> dict[str, Any]:
    method, path, document = what
    # The server answers no other host name.
    sent = {"Host": "mlflow", "X-MLFLOW-WORKSPACE": workspace, "Content-Type": "application/json", **headers}
    return {
        "host": host,
        "port": port,
        "method": method,
        "path": path,
        "headers": sent,
        **({} if document is None else {"document": document}),
    }


def _requests(name: str, host: str, port: int) -> dict[str, dict[str, Any]]:
    kinds = {"search": SEARCH, "create": CREATE, "workspaces": WORKSPACES, "page": PAGE}
    return {
        f"{name}/{kind}/{forgery}": _request(host, port, what, headers)
        for kind, what in kinds.items()
        for forgery, headers in FORGERIES.items()
    }


def _with_own_token(host: str) -> dict[str, dict[str, Any]]:
    own = {"Authorization": "Bearer $TOKEN"}
    kinds = {"create": CREATE, "workspaces": WORKSPACES}
    return {
        f"token/{kind}/{forgery}": _request(host, 4180, what, {**headers, **own})
        for kind, what in kinds.items()
        for forgery, headers in FORGERIES.items()
    }


def _store(host: str) -> dict[str, dict[str, Any]]:
    asked = {"list": ("GET", "/mlflow?list-type=2"), "put": ("PUT", "/mlflow/forged"), "buckets": ("GET", "/")}
    return {
        f"store/{name}": {"host": host, "port": 8333, "method": method, "path": path}
        for name, (method, path) in asked.items()
    }


def test_the_servers_own_port_refuses_every_pod(found: dict[str, Any], addresses: dict[str, str]) -> None:
    assert found["refusals"][f"{addresses['mlflow']}:5000"] == "ConnectionRefusedError"
    assert found["refusals"]["mlflow.mlflow:5000"] != ""


def test_a_pod_reaches_no_port_but_the_ones_that_are_meant(found: dict[str, Any], figures: Figures) -> None:
    reached = {name: set(ports) for name, ports in found["open"].items()}
    figures.add("attack: scan of all ports of four pods", found["scan_seconds"])
    assert 4180 in reached["mlflow"], "the scan finds the port that is open to teams"
    for name, ports in reached.items():
        assert ports <= MEANT[name], f"{name} listens on {ports}"


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("kind", ["search", "create", "workspaces"])
@pytest.mark.parametrize("way", ["pod", "service"])
def test_the_api_answers_401_to_a_pod_without_a_token(found: dict[str, Any], way: str, kind: str, forgery: str) -> None:
    answer = found["answers"][f"{way}/{kind}/{forgery}"]
    assert answer["status"] == 401, answer


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("way", ["pod", "service"])
def test_a_page_leads_a_pod_to_the_login_whatever_headers_it_sends(
    found: dict[str, Any], way: str, forgery: str
) -> None:
    answer = found["answers"][f"{way}/page/{forgery}"]
    assert answer["status"] in {401, 403}, answer
    if answer["status"] == 403:
        assert "/oauth2/start?rd=" in answer["body"]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_headers_beside_the_pods_own_token_open_nothing(found: dict[str, Any], forgery: str) -> None:
    """With a valid token of team B the request reaches the server, so forged headers have to be stripped."""
    create = found["answers"][f"token/create/{forgery}"]
    assert create["status"] in {401, 403}, create
    listed = found["answers"][f"token/workspaces/{forgery}"]
    if listed["status"] == 200:
        names = [workspace["name"] for workspace in json.loads(listed["body"]).get("workspaces", ())]
        assert names in ([], ["team-b"])
    else:
        assert listed["status"] == 401, listed


def test_a_pods_own_token_opens_its_own_workspace_on_the_direct_way_too(found: dict[str, Any]) -> None:
    """Control: without it, the refusals above could have another reason."""
    listed = found["answers"]["token/workspaces/nothing"]
    assert listed["status"] == 200
    assert [workspace["name"] for workspace in json.loads(listed["body"])["workspaces"]] == ["team-b"]


def test_postgresql_demands_a_password_and_does_not_know_the_superuser(found: dict[str, Any]) -> None:
    assert found["postgres"]["mlflow@mlflow"] == {"demands": SASL}
    for who in ("postgres@postgres", "postgres@mlflow"):
        assert "no pg_hba.conf entry" in found["postgres"][who]["refuses"], found["postgres"][who]


def test_the_stores_grpc_port_says_nothing_without_a_certificate(
    found: dict[str, Any], addresses: dict[str, str]
) -> None:
    """A client with a certificate could add its own identity to the store."""
    answer = found["grpc"][f"{addresses['store']}:18333"]
    assert not re.search(r"\b[0-9a-f]{18,}\b", answer), f"it answered with a frame: {answer}"


@pytest.mark.parametrize("request_", ["list", "put", "buckets"])
def test_the_store_answers_403_to_a_pod_without_a_key(found: dict[str, Any], request_: str) -> None:
    assert found["answers"][f"store/{request_}"]["status"] == 403


def test_nothing_was_created_by_the_forgeries(site: Site, platform: Platform, found: dict[str, Any]) -> None:
    assert found
    team = platform.teams["team-a"]
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    by_name = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=forged"
    assert site.ask("GET", by_name, token=token, workspace="team-a").status == 404


def test_the_platforms_policies_leave_a_team_one_port_of_all(
    platform: Platform, image: str, addresses: dict[str, str]
) -> None:
    found = _in_team_b(platform, image, {"scan": addresses}, labels={})
    assert found["open"] == {name: [SERVER_PORT] if name == "mlflow" else [] for name in addresses}
