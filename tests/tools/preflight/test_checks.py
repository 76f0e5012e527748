import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from settings.outline import keys
from tests.tools.preflight.fake_cluster import DISCOVERY, ISSUER, KEYS, READY, Cluster, named, needs, node, serving
from tools.doctor.collect import cluster as connection
from tools.doctor.facts import Unseen
from tools.preflight import api, state
from tools.preflight.api import Api, Missing, Note
from tools.preflight.checks import Finding, ask_all
from tools.preflight.report import unseen
from tools.versions import CHECKOUT

Ask = Callable[[Cluster, str], list[Finding]]
SECONDS = 60
# A section of the stack file and a key; the names of API groups go on.
SETTING = re.compile(r"(?<![\w-])(?:cluster|console|gateway|monitoring|server)\.[a-z]\w*(?![\w.])")
NAMESPACES = "/api/v1/namespaces"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The findings about a cluster for a stack."""
    file = tmp_path / "kubeconfig"
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))

    def asked(cluster: Cluster, stack: str) -> list[Finding]:
        with serving(cluster, file):
            return ask_all(needs(stack), Api(connection.Cluster(), SECONDS))

    return asked


@pytest.fixture(autouse=True)
def nothing_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack has created nothing yet."""
    state_of(monkeypatch)


def state_of(monkeypatch: pytest.MonkeyPatch, *objects: tuple[str, str], error: str = "") -> None:
    def deployed(_stack: str) -> tuple[frozenset[tuple[str, str]], str]:
        return frozenset(objects), error

    monkeypatch.setattr("tools.preflight.ownership.deployed", deployed)


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Let `pulumi` be a script."""
    file = folder / "pulumi"
    file.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def missing(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.check, one.found.subject) for one in findings if isinstance(one.found, Missing)]


def only(findings: list[Finding]) -> Missing:
    (found,) = (one.found for one in findings if isinstance(one.found, Missing))
    return found


@pytest.mark.parametrize("stack", ["dev", "gateway", "company", "placed"])
def test_nothing_is_missing_in_a_cluster_that_has_everything(ask: Ask, stack: str) -> None:
    assert ask(Cluster(stack), stack) == []


def test_nothing_is_created_and_no_secret_is_read(ask: Ask) -> None:
    cluster = Cluster("company")
    ask(cluster, "company")
    changing = {path for method, path in cluster.asked if method != "GET"}
    assert changing == {api.REVIEWS, f"{NAMESPACES}?dryRun=All"}
    assert [path for _, path in cluster.asked if path.endswith("/secrets")] == []


def old(cluster: Cluster) -> None:
    cluster.answers["/version"] = (200, {"gitVersion": "v1.29.9-eks-ce1d5eb"})


def other_issuer(cluster: Cluster) -> None:
    cluster.answers[DISCOVERY] = (200, {"issuer": "https://oidc.example.com/id/1"})


def no_keys(cluster: Cluster) -> None:
    cluster.answers[KEYS] = (200, {"keys": []})


def no_level(cluster: Cluster) -> None:
    cluster.answers[f"{NAMESPACES}?dryRun=All"] = (201, {"metadata": {"name": "x"}})


def metrics_down(cluster: Cluster) -> None:
    cluster.answers["/apis/metrics.k8s.io/v1beta1"] = (503, {"message": "the server is unavailable"})


def unlabelled(cluster: Cluster) -> None:
    cluster.has(f"{NAMESPACES}/mlflow", labels={})


def lacking(path: str) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.lacks(path)


def empty(path: str, *names: str) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.lists(path, *map(named, names))


def at_openshift(cluster: Cluster) -> None:
    cluster.lists(DNS)
    label = "dns.operator.openshift.io/daemonset-dns=default"
    cluster.lists(f"{NAMESPACES}/openshift-dns/pods?labelSelector={label}", named("dns-default-x", status=READY))


def on_the_nodes(cluster: Cluster) -> None:
    cluster.lists(DNS)
    service = named("kube-dns", spec={"clusterIP": "10.96.0.10"})
    cluster.answers[f"{NAMESPACES}/kube-system/services/kube-dns"] = (200, service)


def other_domain(cluster: Cluster) -> None:
    cluster.answers[DISCOVERY] = (200, {"issuer": "https://kubernetes.default.svc.k8s.example.internal"})


NODES = "/api/v1/nodes"


def nodes(*found: dict[str, Any]) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.lists(NODES, *found)


def privileged(cluster: Cluster) -> None:
    cluster.has(f"{NAMESPACES}/team-a", labels={"pod-security.kubernetes.io/enforce": "privileged"})


DNS = f"{NAMESPACES}/kube-system/pods?labelSelector=k8s-app=kube-dns"
CASES = [
    ("placed", lacking(f"{NAMESPACES}/team-a"), "team namespaces", "Namespace team-a",
     "kubectl create namespace team-a, or remove createNamespace: false"),
    ("placed", privileged, "team namespaces", "label pod-security.kubernetes.io/enforce of namespace team-a",
     "kubectl label namespace team-a pod-security.kubernetes.io/enforce-"),
    ("placed", nodes(node("one")), "nodes", "node with the labels example.com/pool=platform",
     "kubectl label node NAME example.com/pool=platform, or change scheduling.nodeSelector"),
    ("placed", nodes(node("one", "gpu=yes:NoExecute", pool="platform")), "nodes",
     "node with the labels example.com/pool=platform and no other taint", "scheduling.tolerations"),
    ("placed", nodes(node("one", "pool=other:NoSchedule", pool="platform")), "nodes",
     "node with the labels example.com/pool=platform and no other taint", "scheduling.tolerations"),
    ("placed", lacking("/apis/scheduling.k8s.io/v1/priorityclasses/platform"), "priority class",
     "PriorityClass platform", "create it, or change scheduling.priorityClass"),
    ("dev", old, "version", "Kubernetes v1.29.9-eks-ce1d5eb", "upgrade"),
    ("gateway", lacking("/apis/gateway.networking.k8s.io/v1"), "kinds",
     "Gateway, HTTPRoute (gateway.networking.k8s.io/v1)", "gateway.kind"),
    ("company", lacking("/apis/monitoring.coreos.com/v1"), "kinds",
     "PrometheusRule, ServiceMonitor (monitoring.coreos.com/v1)", "monitoring.metrics"),
    ("company", lacking("/apis/external-secrets.io/v1"), "kinds", "ExternalSecret (external-secrets.io/v1)",
     "External Secrets"),
    ("company", lacking("/apis/cert-manager.io/v1"), "kinds", "Certificate (cert-manager.io/v1)",
     "cluster.ingressAnnotations"),
    ("dev", other_issuer, "issuer", "issuer of service-account tokens",
     "cluster.serviceAccountIssuer: https://oidc.example.com/id/1"),
    ("dev", lacking(DISCOVERY), "issuer", "issuer of service-account tokens", "--service-account-issuer"),
    ("dev", no_keys, "issuer", "public keys of service-account tokens", "--service-account-jwks-uri"),
    ("dev", no_level, "pod security", "Pod Security admission", "PodSecurity"),
    ("dev", empty("/apis/storage.k8s.io/v1/storageclasses", "slow"), "storage class", "default StorageClass",
     "cluster.storageClass to one of slow"),
    ("dev", empty("/apis/networking.k8s.io/v1/ingressclasses", "nginx"), "ingress class", "IngressClass traefik",
     "cluster.ingressClass to one of nginx"),
    ("gateway", empty("/apis/gateway.networking.k8s.io/v1/gatewayclasses"), "ingress class",
     "GatewayClass company", "gateway.className"),
    ("dev", lacking(f"{NAMESPACES}/traefik/pods"), "ingress controller",
     "pods of the ingress controller in namespace traefik", "cluster.ingressNamespace"),
    ("dev", empty(DNS), "cluster DNS", "DNS pods k8s-app=kube-dns in namespace kube-system", "set cluster.dns"),
    ("dev", at_openshift, "cluster DNS", "DNS pods k8s-app=kube-dns in namespace kube-system",
     "cluster.dns.namespace: openshift-dns"),
    ("dev", on_the_nodes, "cluster DNS", "DNS pods k8s-app=kube-dns in namespace kube-system",
     "cluster.dns.addresses: [10.96.0.10/32]"),
    ("dev", other_domain, "issuer", "issuer of service-account tokens", "cluster.domain: k8s.example.internal"),
    ("company", lacking("/apis/metrics.k8s.io/v1beta1"), "metrics server", "metrics server", "server.autoscaling"),
    ("company", metrics_down, "metrics server", "metrics server", "server.autoscaling"),
    ("company", lacking("/apis/cert-manager.io/v1/clusterissuers/letsencrypt"), "certificate issuer",
     "ClusterIssuer letsencrypt", 'cluster.ingressAnnotations["cert-manager.io/cluster-issuer"]'),
    ("company", lacking("/apis/external-secrets.io/v1/clustersecretstores/company-vault"), "secret store",
     "ClusterSecretStore company-vault", "artifacts.credentials.store"),
    ("company", lacking(f"{NAMESPACES}/mlflow/secrets/mlflow-database"), "secrets", "Secret mlflow/mlflow-database",
     "database.credentials.name"),
    ("company", lacking(f"{NAMESPACES}/mlflow/secrets/registry-login"), "secrets", "Secret mlflow/registry-login",
     "images.pullSecrets[0]"),
    ("company", unlabelled, "namespace", "label pod-security.kubernetes.io/enforce of namespace mlflow",
     "kubectl label namespace mlflow pod-security.kubernetes.io/enforce=restricted"),
    ("company", empty(f"{NAMESPACES}/monitoring/pods", "grafana"), "prometheus",
     "pods of Prometheus in namespace monitoring", "monitoring.podLabels"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[3]}")
def test_one_fault_is_named_alone_with_its_remedy(
    ask: Ask, case: tuple[str, Callable[[Cluster], None], str, str, str]
) -> None:
    stack, fault, check, subject, remedy = case
    cluster = Cluster(stack)
    fault(cluster)
    findings = ask(cluster, stack)
    assert [one for one in findings if not isinstance(one.found, Missing)] == []
    assert missing(findings) == [(check, subject)]
    assert remedy in only(findings).remedy


def test_every_setting_that_a_sentence_names_exists() -> None:
    sentences = [
        one.value
        for file in (CHECKOUT / "tools" / "preflight" / "checks").glob("*.py")
        for one in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    named_settings = {name for one in sentences for name in SETTING.findall(one)}
    assert {"cluster.storageClass", "server.autoscaling", "gateway.kind"} <= named_settings
    assert named_settings - {one.path for one in keys(Settings)} == set()


def test_a_namespace_or_cluster_role_of_somebody_else_is_named(ask: Ask) -> None:
    cluster = Cluster("dev")
    cluster.has(f"{NAMESPACES}/team-a")
    cluster.has("/apis/rbac.authorization.k8s.io/v1/clusterroles/mlflow-integration")
    findings = ask(cluster, "dev")
    assert missing(findings) == [("names", "ClusterRole mlflow-integration"), ("names", "Namespace team-a")]


def test_what_the_stack_has_created_itself_is_no_fault(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, ("Namespace", "team-a"), ("Namespace", "mlflow"))
    cluster = Cluster("dev")
    cluster.has(f"{NAMESPACES}/team-a")
    cluster.has(f"{NAMESPACES}/mlflow")
    assert ask(cluster, "dev") == []


def test_without_the_state_nobody_is_accused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, error="pulumi is not logged in")
    cluster = Cluster("dev")
    cluster.has(f"{NAMESPACES}/team-a")
    findings = ask(cluster, "dev")
    assert missing(findings) == []
    assert unseen(findings) == [("who has created Namespace team-a", "the state of the stack: pulumi is not logged in")]


def test_an_object_of_somebody_else_in_an_existing_namespace_is_named_and_one_in_other_namespaces_not(ask: Ask) -> None:
    cluster = Cluster("placed")
    for space in ("team-a", "elsewhere"):
        cluster.has(f"{NAMESPACES}/{space}/serviceaccounts/mlflow-client")
    found = ask(cluster, "placed")
    assert missing(found) == [("names", "ServiceAccount team-a/mlflow-client")]
    assert "kubectl delete ServiceAccount mlflow-client --namespace team-a" in only(found).remedy


def test_labels_that_the_stack_has_set_itself_may_change(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, ("NamespacePatch", "team-a"))
    cluster = Cluster("placed")
    privileged(cluster)
    assert ask(cluster, "placed") == []


CREATED = {"app.kubernetes.io/part-of": "mlflow-platform", "mlflow-enabled": "true"}
URL = "https://mlflow.other.example.com"


def used(cluster: Cluster, space: str, **labels: str) -> None:
    """Another platform's namespace of a team."""
    cluster.has(f"{NAMESPACES}/{space}", labels={**CREATED, **labels})
    path = f"{NAMESPACES}/{space}/configmaps/mlflow-client"
    cluster.answers[path] = (200, {"metadata": {"name": "mlflow-client"}, "data": {"MLFLOW_TRACKING_URI": URL}})


def test_a_namespace_that_another_platform_uses_is_named_as_its_own_and_not_offered(ask: Ask) -> None:
    cluster = Cluster("dev")
    used(cluster, "team-a")
    found = only(ask(cluster, "dev"))
    assert found.what.startswith(f"it exists already and belongs to a stack whose programs use MLflow at {URL}: ")
    assert found.remedy == "give team team-a another name"


def test_another_platforms_own_namespace_is_not_offered(ask: Ask) -> None:
    cluster = Cluster("dev")
    cluster.has(f"{NAMESPACES}/mlflow", labels=CREATED)
    cluster.has(f"{NAMESPACES}/mlflow/services/mlflow")
    found = only(ask(cluster, "dev"))
    assert "belongs to the platform in namespace mlflow" in found.what
    assert found.remedy == "set namespace to another name"


def test_a_namespace_that_a_removed_platform_has_left_may_be_used(ask: Ask) -> None:
    cluster = Cluster("dev")
    cluster.has(f"{NAMESPACES}/team-a", labels=CREATED)
    assert "set teams.team-a.createNamespace: false" in only(ask(cluster, "dev")).remedy
    cluster = Cluster("placed")
    cluster.has(f"{NAMESPACES}/team-a", labels=CREATED)
    assert ask(cluster, "placed") == []


@pytest.mark.parametrize(
    ("owner", "whose"),
    [
        ("other", "the platform in namespace other"),
        ("stack.prod", "the stack prod, which has no server"),
        ("mlflow", ""),
    ],
)
def test_a_namespace_that_another_platform_has_taken_over_is_refused(ask: Ask, owner: str, whose: str) -> None:
    cluster = Cluster("placed")
    cluster.has(f"{NAMESPACES}/team-a", labels={"mlflow-platform/owner": owner})
    # What it has in the namespace is not to be deleted.
    if whose:
        cluster.has(f"{NAMESPACES}/team-a/serviceaccounts/mlflow-client")
    findings = ask(cluster, "placed")
    assert missing(findings) == ([("team namespaces", "Namespace team-a")] if whose else [])
    if whose:
        assert f"it belongs to {whose}: " in only(findings).what
        assert only(findings).remedy.startswith("give team team-a another name, or remove the namespace from")
        cluster = Cluster("dev")
        cluster.has(f"{NAMESPACES}/team-a", labels={"mlflow-platform/owner": owner})
        assert whose in only(ask(cluster, "dev")).what


def test_a_namespace_that_another_platform_has_created_is_not_taken_over(ask: Ask) -> None:
    cluster = Cluster("placed")
    used(cluster, "team-a")
    findings = ask(cluster, "placed")
    assert missing(findings) == [("team namespaces", "Namespace team-a")]
    assert f"MLflow at {URL}: two platforms in one namespace" in only(findings).what


def test_a_namespace_that_the_stack_has_created_is_not_given_up(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, ("Namespace", "team-a"))
    cluster = Cluster("placed")
    used(cluster, "team-a")
    found = only(ask(cluster, "placed"))
    assert "`up` would delete it with everything in it" in found.what
    assert found.remedy == "remove teams.team-a.createNamespace: false"


def test_the_platforms_own_namespace_is_not_given_up_either(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, ("Namespace", "mlflow"))
    found = only(ask(Cluster("company"), "company"))
    assert (found.subject, found.remedy) == ("Namespace mlflow", "remove createNamespace: false")


def test_the_platforms_own_namespace_that_exists_may_have_its_server(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, ("Service", "mlflow/mlflow"))
    cluster = Cluster("company")
    cluster.has(f"{NAMESPACES}/mlflow", labels={**CREATED, "pod-security.kubernetes.io/enforce": "restricted"})
    cluster.has(f"{NAMESPACES}/mlflow/services/mlflow")
    assert ask(cluster, "company") == []


def test_a_namespace_that_is_only_taken_over_cannot_be_created(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(monkeypatch, ("NamespacePatch", "team-a"))
    cluster = Cluster("dev")
    cluster.has(f"{NAMESPACES}/team-a", labels={"mlflow-platform/owner": "mlflow"})
    found = only(ask(cluster, "dev"))
    assert "this stack has only taken it over" in found.what
    assert found.remedy == "set teams.team-a.createNamespace: false again"


def test_what_a_stack_has_taken_over_is_told_from_what_it_has_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = [
        {
            "type": f"kubernetes:core/v1:{kind}",
            "id": name,
            "inputs": {"kind": "Namespace", "metadata": {"name": name}},
        }
        for kind, name in (("Namespace", "a"), ("NamespacePatch", "b"))
    ]
    answer = json.dumps({"deployment": {"resources": resources}})
    program(tmp_path, monkeypatch, f"echo '{answer}'")
    assert state.deployed("x") == (frozenset({("Namespace", "a"), ("NamespacePatch", "b")}), "")


def test_who_labels_an_existing_namespace_need_not_create_it(ask: Ask) -> None:
    cluster = Cluster("placed")
    cluster.denied = [("patch", "namespaces", "*")]
    assert missing(ask(cluster, "placed")) == [("rights", "right to patch namespaces in the whole cluster")]


def test_a_platform_namespace_that_up_must_not_create_has_to_exist(ask: Ask) -> None:
    cluster = Cluster("company")
    cluster.lacks(f"{NAMESPACES}/mlflow")
    assert ("namespace", "Namespace mlflow") in missing(ask(cluster, "company"))


@pytest.mark.parametrize(
    ("verb", "resource", "where"),
    [
        ("patch", "persistentvolumeclaims", "in mlflow"),
        ("delete", "pods", "in mlflow"),
        ("get", "storageclasses", "in the whole cluster"),
    ],
)
def test_a_right_that_only_growing_volumes_needs_is_a_note(ask: Ask, verb: str, resource: str, where: str) -> None:
    cluster = Cluster("dev")
    cluster.denied = [(verb, resource, "*")]
    (finding,) = ask(cluster, "dev")
    assert isinstance(finding.found, Note)
    assert finding.found.what.startswith(f"you lack the right to {verb} {resource}")
    assert where in finding.found.what
    assert "`make grow`, which enlarges volumes, does not" in finding.found.what


def test_a_class_whose_volumes_cannot_grow_is_only_a_note(ask: Ask) -> None:
    cluster = Cluster("dev")
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    cluster.lists("/apis/storage.k8s.io/v1/storageclasses", named("local", annotations))
    (finding,) = ask(cluster, "dev")
    assert isinstance(finding.found, Note)
    assert "StorageClass local does not allow volumes to grow" in finding.found.what


def test_rights_that_the_caller_lacks_are_named_for_many_kinds_together(ask: Ask) -> None:
    cluster = Cluster("dev")
    cluster.denied = [("create", "clusterroles", "*"), ("create", "clusterrolebindings", "*")]
    (found,) = missing(ask(cluster, "dev"))
    group = "rbac.authorization.k8s.io"
    assert found[0] == "rights"
    assert found[1] == f"right to create clusterrolebindings.{group}, clusterroles.{group} in the whole cluster"


def test_rights_in_the_stacks_namespaces_are_enough_for_objects_in_them(ask: Ask) -> None:
    cluster = Cluster("dev")
    cluster.denied = [("*", "deployments", "")]
    assert ask(cluster, "dev") == []
    cluster.denied = [("*", "deployments", "*")]
    (found,) = missing(ask(cluster, "dev"))
    assert found[1].endswith("deployments.apps in mlflow")


def test_who_may_not_grant_more_than_they_have_needs_what_the_platforms_roles_grant(ask: Ask) -> None:
    cluster = Cluster("dev")
    cluster.denied = [("escalate", "*", "*"), ("*", "experiments", "*")]
    found = missing(ask(cluster, "dev"))
    assert found
    assert all("experiments.mlflow.kubeflow.org" in subject for _, subject in found)
    cluster.denied = [("*", "experiments", "*")]
    assert ask(cluster, "dev") == []


def test_what_the_caller_may_not_see_is_said_and_is_no_fault(ask: Ask) -> None:
    cluster = Cluster("company")
    for path in (
        "/apis/networking.k8s.io/v1/ingressclasses",
        f"{NAMESPACES}/traefik/pods",
        f"{NAMESPACES}/mlflow/secrets/mlflow-database",
        "/apis/cert-manager.io/v1",
        DISCOVERY,
    ):
        cluster.answers[path] = (403, {"message": "forbidden"})
    findings = ask(cluster, "company")
    assert missing(findings) == []
    assert {needs for _, needs in unseen(findings)} == {
        "the right to list ingressclasses",
        "the right to list pods in namespace traefik",
        "the right to get secrets/mlflow-database in namespace mlflow",
        "the right to get /apis/cert-manager.io/v1",
        f"the right to get {DISCOVERY}",
    }


def test_no_question_is_asked_after_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kubeconfig"
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    cluster = Cluster("dev")
    with serving(cluster, file):
        findings = ask_all(needs("dev"), Api(connection.Cluster(), 0))
    assert cluster.asked == []
    assert {type(one.found) for one in findings} == {Unseen}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("echo \"error: no stack named 'x' found\" >&2; exit 255", (frozenset[tuple[str, str]](), "")),
        ("echo 'error: not logged in' >&2; exit 255", (frozenset[tuple[str, str]](), "error: not logged in")),
    ],
)
def test_a_stack_without_state_has_created_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, found: object
) -> None:
    program(tmp_path, monkeypatch, answer)
    assert state.deployed("x") == found


def test_the_issuer_of_the_committed_stack_is_that_of_the_fake() -> None:
    settings = needs("dev").settings
    assert isinstance(settings, Settings)
    assert settings.cluster.issuer == ISSUER


def test_a_controller_on_the_hosts_network_is_named_with_the_setting_that_admits_it(ask: Ask) -> None:
    cluster = Cluster("dev")
    pod = named("traefik-1", spec={"hostNetwork": True}, status={**READY, "hostIP": "10.20.0.7"})
    cluster.lists(f"{NAMESPACES}/traefik/pods", pod)
    (finding,) = ask(cluster, "dev")
    assert isinstance(finding.found, Note)
    assert "10.20.0.7" in finding.found.what
    assert "cluster.ingressPods" in finding.found.what
