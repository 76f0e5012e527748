"""The preflight on the embedded cluster: a fitting stack has no findings, and each fault is named with its remedy."""

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from testbed.e2e import kube, variant
from testbed.e2e.commands import CHECKOUT, Finished, run
from testbed.e2e.faults import SPACE, TEAM, scaled_down
from testbed.e2e.figures import Figures
from testbed.e2e.kube import Object

PREFIX = "mlflow-platform:"
STACK = "dev"
# Of the same project, and never deployed.
OTHER_STACK = "another"
OTHER_TEAM = "team-elsewhere"
HEALTHY_RUNS = 3
RUN_SECONDS = 300
AT_ONCE = 4

DATABASE: Object = {"kind": "external", "host": "postgres.example.com", "maxConnections": 100}
SERVED: Object = {"kind": "kserve", "model": "churn", "image": "registry.example.com/serving:1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Keys of the stack file that need something that the cluster lacks, and the expected findings."""

    name: str
    keys: Object
    missing: list[tuple[str, str]]
    """Check and subject of each expected finding, in order."""

    mend: str
    """A part of the first finding's remedy."""

    stack: str = field(default=STACK)


FAULTS = [
    Fault(name="ingress class", keys={"cluster": {"ingressClass": "nginx"}},
          missing=[("ingress class", "IngressClass nginx")], mend="cluster.ingressClass to one of traefik"),
    Fault(name="namespace of the ingress controller", keys={"cluster": {"ingressNamespace": "ingress-nginx"}},
          missing=[("ingress controller", "pods of the ingress controller in namespace ingress-nginx")],
          mend="cluster.ingressNamespace"),
    Fault(name="class of the Gateway API", keys={"gateway": {"kind": "http-route", "className": "company"}},
          missing=[("ingress class", "GatewayClass company")], mend="gateway.className"),
    Fault(name="storage class", keys={"cluster": {"storageClass": "gp3"}},
          missing=[("storage class", "StorageClass gp3")], mend="cluster.storageClass to one of standard"),
    Fault(name="nodes", keys={"scheduling": {"nodeSelector": {"example.com/pool": "nowhere"}}},
          missing=[("nodes", "node with the labels example.com/pool=nowhere")], mend="scheduling.nodeSelector"),
    Fault(name="priority class", keys={"scheduling": {"priorityClass": "nowhere"}},
          missing=[("priority class", "PriorityClass nowhere")], mend="scheduling.priorityClass"),
    Fault(name="existing namespace of a team",
          keys={"teams": {TEAM: {}, "team-b": {}, OTHER_TEAM: {"createNamespace": False}}},
          missing=[("team namespaces", f"Namespace {OTHER_TEAM}")], mend=f"kubectl create namespace {OTHER_TEAM}"),
    Fault(name="issuer", keys={"cluster": {"serviceAccountIssuer": "https://oidc.example.com/id/1"}},
          missing=[("issuer", "issuer of service-account tokens")],
          mend="cluster.serviceAccountIssuer: https://kubernetes.default.svc.cluster.local"),
    Fault(name="metrics server",
          keys={"server": variant.committed("server") | {"autoscaling": {"maxReplicas": 2}},
                "database": variant.committed("database") | {"memoryLimit": "3Gi"}},
          missing=[("metrics server", "metrics server")], mend="server.autoscaling"),
    Fault(name="Prometheus operator", keys={"monitoring": {"metrics": "service-monitor"}},
          missing=[("kinds", "PrometheusRule, ServiceMonitor (monitoring.coreos.com/v1)"),
                   ("prometheus", "pods of Prometheus in namespace monitoring")],
          mend="monitoring.metrics"),
    Fault(name="Prometheus", keys={"monitoring": {"metrics": "annotations"}},
          missing=[("prometheus", "pods of Prometheus in namespace monitoring")], mend="monitoring.podLabels"),
    Fault(name="External Secrets operator",
          keys={"database": DATABASE | {"credentials": {"kind": "external-secret", "store": "vault", "key": "mlflow"}}},
          missing=[("kinds", "ExternalSecret (external-secrets.io/v1)")], mend="External Secrets"),
    Fault(name="cert-manager",
          keys={"cluster": {"ingressAnnotations": {"cert-manager.io/cluster-issuer": "company"}},
                "certificate": {"kind": "secret", "name": "mlflow-tls"}},
          missing=[("kinds", "Certificate (cert-manager.io/v1)")], mend="install cert-manager"),
    Fault(name="console of OpenShift", keys={"console": {"consoleLink": True}},
          missing=[("kinds", "ConsoleLink (console.openshift.io/v1)")], mend="console.consoleLink"),
    Fault(name="KServe",
          keys={"teams": {TEAM: {"serving": {"churn": SERVED}}, "team-b": {}},
                "cluster": {"apiServer": ["10.89.0.2/32"]}},
          missing=[("kinds", "InferenceService (serving.kserve.io/v1beta1)")], mend="install KServe"),
    Fault(name="pull Secret", keys={"images": {"pullSecrets": ["registry-login"]}},
          missing=[("secrets", f"Secret {SPACE}/registry-login")], mend="images.pullSecrets[0]"),
    Fault(name="Secret of a password",
          keys={"database": DATABASE | {"credentials": {"kind": "secret", "name": "mlflow-database"}}},
          missing=[("secrets", f"Secret {SPACE}/mlflow-database")], mend="database.credentials.name"),
    Fault(name="Secret of the certificate", keys={"certificate": {"kind": "secret", "name": "company"}},
          missing=[("secrets", f"Secret {SPACE}/company"), ("secrets", f"Secret {SPACE}/company-dex")],
          mend="certificate.name"),
    Fault(name="namespace of the platform", keys={"createNamespace": False, "namespace": "nowhere"},
          missing=[("namespace", "Namespace nowhere")], mend="kubectl create namespace nowhere"),
    Fault(name="another stack in the cluster", keys={}, stack=OTHER_STACK,
          missing=[("names", "ClusterRole mlflow-integration"), ("names", f"Namespace {SPACE}"),
                   ("names", f"Namespace {TEAM}"), ("names", "Namespace team-b")],
          mend="another stack"),
]  # fmt: skip


def preflight(folder: Path, keys: Object, *, stack: str = STACK, env: dict[str, str] | None = None) -> Object:
    """Answer about the stack `dev` with some keys changed; the changed stack file is written to the folder."""
    document = yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    document["config"] |= {f"{PREFIX}{key}": value for key, value in keys.items()}
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    shutil.copy2(CHECKOUT / "Pulumi.yaml", folder)
    return json.loads(asked(stack, "--json", cwd=folder, env=env).stdout)


def asked(*arguments: str, cwd: Path = CHECKOUT, env: dict[str, str] | None = None) -> Finished:
    """Run the command, and return its result."""
    environment = {"PYTHONPATH": str(CHECKOUT), **(env or {})}
    return run(
        sys.executable,
        "-m",
        "tools.preflight",
        *arguments,
        cwd=cwd,
        env=environment,
        seconds=RUN_SECONDS,
        expected=None,
    )


def missing(found: Object) -> list[tuple[str, str]]:
    """Check and subject of each finding."""
    return [(one["check"], one["subject"]) for one in found["missing"]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Object]:
    """Answers about each stack file of `FAULTS`; several runs at a time, as the preflight changes nothing."""

    def ask(fault: Fault, folder: Path) -> Object:
        return preflight(folder, fault.keys, stack=fault.stack)

    # pytest makes folders for one caller at a time.
    folders = [tmp_path_factory.mktemp("stack") for _ in FAULTS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((fault.name for fault in FAULTS), pool.map(ask, FAULTS, folders), strict=True))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_stack_asks_for_and_the_cluster_lacks_is_named_alone(fault: Fault, answers: dict[str, Object]) -> None:
    found = answers[fault.name]
    assert missing(found) == fault.missing, found
    assert fault.mend in found["missing"][0]["mend"]
    assert (found["result"], found["unseen"]) == ("missing", [])


def test_a_namespace_of_somebody_else_is_named_alone(tmp_path: Path) -> None:
    kube.kubectl("create", "namespace", OTHER_TEAM)
    try:
        found = preflight(tmp_path, {"teams": {TEAM: {}, "team-b": {}, OTHER_TEAM: {}}})
    finally:
        kube.kubectl("delete", "namespace", OTHER_TEAM, "--wait=true")
    assert missing(found) == [("names", f"Namespace {OTHER_TEAM}")]
    assert f"teams.{OTHER_TEAM}" in found["missing"][0]["mend"]


def test_dns_that_the_network_policies_do_not_reach_is_named_alone(tmp_path: Path) -> None:
    with scaled_down("deployment", "coredns", "kube-system", label="k8s-app=kube-dns"):
        found = preflight(tmp_path, {})
    assert missing(found) == [("cluster DNS", "DNS pods k8s-app=kube-dns in namespace kube-system")]


def test_a_caller_with_few_rights_is_told_which_are_missing_and_what_was_not_seen(tmp_path: Path) -> None:
    token = kube.token(TEAM, "mlflow-client")
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
    config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    found = preflight(tmp_path, {}, env={"KUBECONFIG": str(file)})
    assert {check for check, _ in missing(found)} == {"rights"}
    assert "namespaces" in " ".join(one["subject"] for one in found["missing"])
    needs = {one["needs"] for one in found["unseen"]}
    assert {"the right to create namespaces", "the right to list storageclasses"} <= needs
    assert "the right to list pods in namespace kube-system" in needs


def test_a_cluster_that_has_everything_is_told_so(figures: Figures) -> None:
    runs = [asked(STACK, "--json") for _ in range(HEALTHY_RUNS)]
    found = [json.loads(done.stdout) for done in runs]
    assert [(one["result"], one["missing"], one["unseen"]) for one in found] == [("ready", [], [])] * HEALTHY_RUNS
    seconds = sorted(done.seconds for done in runs)
    figures.add("preflight: nothing missing", f"{seconds[0]:.1f}-{seconds[-1]:.1f} s, {HEALTHY_RUNS} runs")
