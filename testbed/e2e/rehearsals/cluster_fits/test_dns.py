"""The platform where DNS is allowed by addresses alone, as in clusters whose DNS is not in pods.

The embedded cluster's DNS is in pods. The addresses of these pods and of their Service take the place of external
ones: no NetworkPolicy of the platform selects the pods by labels.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.e2e import kube, variant
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

DNS = ("--namespace=kube-system", "--selector=k8s-app=kube-dns")
TEAM = "team-a"
START_SECONDS = 300
RESOLVE = """
import socket
print(socket.getaddrinfo("mlflow.mlflow.svc", 80, type=socket.SOCK_STREAM)[0][4][0])
"""


def addresses() -> list[str]:
    """The addresses at which the cluster's DNS answers, each as a range."""
    services = [one["spec"]["clusterIP"] for one in kube.objects("services", *DNS)]
    pods = [one["status"]["podIP"] for one in kube.objects("pods", *DNS) if kube.is_ready(one)]
    return [f"{address}/32" for address in (*services, *pods)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The variant with a server that was started in it, and afterwards the stack as it is committed."""
    dns = {"pods": False, "addresses": addresses()}
    try:
        deployed = variant.deploy(tmp_path_factory.mktemp("dns"), {"mlflow-platform:cluster": {"dns": dns}})
        # Policies alone have changed: the running server has resolved its names before.
        server = kube.pod_of("mlflow", deployed.namespace)
        kube.kubectl("delete", "pod", server["metadata"]["name"], f"--namespace={deployed.namespace}", "--wait=false")
        kube.wait_until_ready("mlflow", deployed.namespace, seconds=START_SECONDS, other_than=server["metadata"]["uid"])
        yield deployed
    finally:
        variant.restore()


def test_no_policy_selects_the_dns_pods(platform: Platform) -> None:
    spaces = [one["metadata"]["name"] for one in kube.our_namespaces()]
    assert {platform.namespace, TEAM} <= {*spaces}
    policies = [one for space in spaces for one in kube.objects("networkpolicies", f"--namespace={space}")]
    assert len(policies) > len(spaces)
    assert [one["metadata"]["name"] for one in policies if "kube-dns" in json.dumps(one["spec"])] == []


def test_a_teams_pod_resolves_names(platform: Platform) -> None:
    image = kube.one("deployment", "mlflow", platform.namespace)["spec"]["template"]["spec"]["containers"][0]["image"]
    said = kube.run_pod(kube.team_pod("resolves", TEAM, image=image, script=RESOLVE))
    assert said.strip() == kube.one("service", "mlflow", platform.namespace)["spec"]["clusterIP"]


def test_a_program_logs_a_run_and_gets_its_artifact_back(platform: Platform, tmp_path: Path) -> None:
    found = Client.of(platform, tmp_path).script("small_project", team=TEAM)
    assert found["came_back"] == found["sent"]
