"""One fault in each test: the doctor names only this fault, although the facts contain its consequences too."""

from collections.abc import Callable

import pytest

from tests.tools.doctor.scene import Document, Scene
from tools.doctor.chapters import diagnose


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_healthy_platform_is_healthy(scene: Scene) -> None:
    assert (diagnose(scene.facts), scene.code) == (None, 0)


def test_a_clock_that_is_wrong_is_named_before_the_certificate_that_seems_expired(scene: Scene) -> None:
    scene.probes["api"]["skew"] = 1e8
    scene.document["time"] += 1e8
    scene.probes["tls"]["error"] = "certificate has expired"
    assert scene.verdict()[:2] == ("clock", "clock")


def test_a_namespace_that_is_gone_is_named_and_not_the_objects_that_were_in_it(scene: Scene) -> None:
    scene.document["live"] = [one for one in scene.document["live"] if one["metadata"].get("namespace") != "team-a"]
    scene.delete("Namespace", "team-a")
    assert scene.verdict() == ("namespace", "missing", "Namespace team-a")


def test_a_namespace_that_is_being_deleted_is_named(scene: Scene) -> None:
    scene.one("Namespace", "team-a")["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z"
    assert scene.verdict() == ("namespace", "deleted", "Namespace team-a")


def test_a_namespace_without_its_label_is_named_and_not_the_404_of_its_workspace(scene: Scene) -> None:
    del scene.one("Namespace", "team-a")["metadata"]["labels"]["mlflow-enabled"]
    scene.probes["tracking"] |= {"status": 404, "body": "RESOURCE_DOES_NOT_EXIST"}
    assert scene.verdict() == ("workspace label", "label", "Namespace team-a")


def test_the_label_that_selects_workspaces_is_the_servers(scene: Scene) -> None:
    server = scene.one("Deployment", "mlflow")["spec"]["template"]["spec"]["containers"]
    (container,) = [one for one in server if one["name"] == "mlflow"]
    container["env"] = [{"name": "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR", "value": "ml=yes"}]
    found = diagnose(scene.facts)
    assert found is not None
    assert found.fault.mend == "kubectl label namespace team-a --overwrite ml=yes"


@pytest.mark.parametrize("name", ["mlflow-manager", "mlflow-integration", "mlflow-gateway"])
def test_a_role_binding_that_is_gone_is_named_and_not_the_403(scene: Scene, name: str) -> None:
    scene.delete("RoleBinding", name)
    scene.probes["tracking"] |= {"status": 403, "body": "PERMISSION_DENIED"}
    assert scene.verdict() == ("role binding", "missing", f"RoleBinding team-a/{name}")


def test_a_role_binding_with_other_subjects_is_named(scene: Scene) -> None:
    scene.one("RoleBinding", "mlflow-manager")["subjects"][0]["name"] = "everybody"
    assert scene.verdict() == ("role binding", "changed", "RoleBinding team-a/mlflow-manager")


def test_a_role_without_a_verb_is_named(scene: Scene) -> None:
    scene.one("Role", "mlflow-manager")["rules"][0]["verbs"] = ["get"]
    assert scene.verdict() == ("role binding", "changed", "Role team-a/mlflow-manager")


def test_the_servers_right_to_ask_kubernetes_is_named(scene: Scene) -> None:
    name = scene.delete("ClusterRoleBinding", "mlflow-binding")
    assert scene.verdict() == ("role binding", "missing", f"ClusterRoleBinding {name}")


def test_a_service_account_that_is_gone_is_named(scene: Scene) -> None:
    scene.delete("ServiceAccount", "mlflow-client")
    assert scene.verdict() == ("role binding", "missing", "ServiceAccount team-a/mlflow-client")


def test_a_secret_that_is_gone_is_named_and_not_the_pod_that_needs_it(scene: Scene) -> None:
    name = scene.delete("Secret", "postgres-client-credential")
    scene.stop("mlflow-", {"waiting": {"reason": "CreateContainerConfigError"}}, container="mlflow")
    scene.blind()
    assert scene.verdict() == ("configuration", "missing", f"Secret mlflow/{name}")


def test_a_list_of_names_that_was_changed_is_named(scene: Scene) -> None:
    scene.one("ConfigMap", "team-a-identities")["data"]["identities.json"] = "0" * 12
    assert scene.verdict()[:2] == ("configuration", "changed")


def test_an_entry_in_the_menu_is_missed_if_the_stack_has_one(scene: Scene) -> None:
    name = "aml-mlflow-menu-config"
    scene.document["expected"].append({"kind": "ConfigMap", "namespace": "mlflow", "name": name, "fields": {}})
    assert scene.verdict() == ("menu entry", "missing", f"ConfigMap mlflow/{name}")


def test_a_network_policy_that_is_gone_is_named_and_not_the_database_that_cannot_be_reached(scene: Scene) -> None:
    name = scene.delete("NetworkPolicy", "mlflow-network")
    scene.probes["pod"]["database"]["error"] = "OperationalError: connection timeout expired"
    assert scene.verdict() == ("network policy", "missing", f"NetworkPolicy mlflow/{name}")


def test_a_network_policy_that_opens_more_than_was_deployed_is_named(scene: Scene) -> None:
    scene.one("NetworkPolicy", "postgres-network")["spec"]["ingress"].append({})
    assert scene.verdict()[:2] == ("network policy", "changed")


def test_a_service_with_another_selector_is_named_and_not_the_502(scene: Scene) -> None:
    service = scene.one("Service", "mlflow")
    service["spec"]["selector"]["app.kubernetes.io/name"] = "other"
    scene.probes["health"] |= {"status": 502, "body": "Bad Gateway"}
    assert scene.verdict() == ("service", "changed", "Service mlflow/mlflow")


def test_an_ingress_that_is_gone_is_named_and_not_the_404(scene: Scene) -> None:
    name = scene.delete("Ingress", "mlflow")
    scene.probes["health"] |= {"status": 404, "body": "404 page not found"}
    assert scene.verdict() == ("ingress", "missing", f"Ingress mlflow/{name}")


def test_the_clusters_dns_is_named_and_not_the_database_whose_name_it_does_not_resolve(scene: Scene) -> None:
    error = "gaierror: [Errno -3] Temporary failure in name resolution"
    scene.probes["pod"]["cluster_name"] = {"error": error}
    scene.probes["pod"]["database"]["error"] = f"OperationalError: {error}"
    assert scene.verdict()[:2] == ("cluster DNS", "dns")


def remedy(scene: Scene) -> str:
    found = diagnose(scene.facts)
    assert found is not None
    return found.fault.mend


def test_the_remedy_for_dns_looks_where_the_policies_let_pods_ask_and_names_the_setting(scene: Scene) -> None:
    scene.probes["pod"]["cluster_name"] = {"error": "gaierror: [Errno -3] Temporary failure in name resolution"}
    assert "--namespace=kube-system --selector=k8s-app=kube-dns" in remedy(scene)
    assert "cluster.dns" in remedy(scene)
    # The same where the stack allows DNS to addresses alone.
    closed = [one for one in scene.document["expected"] + scene.document["live"] if named(one) == "default-deny"]
    assert closed
    for one in closed:
        (rule,) = one.get("fields", one)["spec"]["egress"]
        rule["to"] = [{"ipBlock": {"cidr": "10.96.0.10/32"}}]
    assert "cat /etc/resolv.conf" in remedy(scene)


def named(one: Document) -> str:
    return str(one.get("name") or one["metadata"]["name"])


@pytest.mark.parametrize(("status", "denied"), [(504, True), (502, False)])
def test_an_answer_that_never_came_names_the_setting_for_the_controllers_addresses(
    scene: Scene, status: int, *, denied: bool
) -> None:
    scene.probes["health"] |= {"status": status, "body": "timeout"}
    assert ("cluster.ingressPods" in remedy(scene)) is denied


@pytest.mark.parametrize(
    ("chapter", "name"), [("database server", "postgres"), ("artifact store server", "object-store")]
)
def test_a_backing_service_that_is_scaled_to_zero_is_named_and_not_the_server_that_fails(
    scene: Scene, chapter: str, name: str
) -> None:
    scene.one("StatefulSet", name)["spec"]["replicas"] = 0
    scene.delete("Pod", f"{name}-0")
    scene.blind()
    assert scene.verdict() == (chapter, "scaled-to-zero", f"StatefulSet mlflow/{name}")


def test_a_migration_that_has_failed_is_named_with_its_last_words(scene: Scene) -> None:
    job = scene.one("Job", "migration-job")
    job["status"] = {
        "failed": 1,
        "conditions": [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}],
    }
    pod = scene.one("Pod", "migration-job")
    pod["metadata"]["labels"]["job-name"] = job["metadata"]["name"]
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 12, "message": "holds the lock"}}
    found = diagnose(scene.facts)
    assert found is not None
    assert (found.chapter, found.fault.cause, found.fault.evidence) == ("migration", "failed", "holds the lock")


DATABASE = {
    "credentials": 'FATAL:  password authentication failed for user "mlflow_server"',
    "no-database": 'FATAL:  database "mlflow" does not exist',
    "unreachable": "connection failed: connection to server at 10.0.0.1, port 5432 failed: Connection refused",
    "name": "failed to resolve host 'postgres': [Errno -2] Name or service not known",
    "connections": "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    "grants": "permission denied for table experiments",
    "tls": 'connection failed: root certificate file "/etc/ca.crt" does not exist',
    "refused": 'FATAL:  no pg_hba.conf entry for host "10.0.0.2", user "mlflow_server", database "mlflow"',
}


@pytest.mark.parametrize("cause", DATABASE)
def test_what_is_wrong_with_the_database_is_named_and_not_the_requests_that_fail(scene: Scene, cause: str) -> None:
    scene.probes["pod"]["database"]["error"] = f"OperationalError: {DATABASE[cause]}"
    scene.probes["tracking"] |= {"status": 500, "body": "INTERNAL_ERROR"}
    assert scene.verdict() == ("database", cause, "database postgres:5432/mlflow as mlflow_server")


@pytest.mark.parametrize("cause", DATABASE)
def test_a_server_that_does_not_start_because_of_its_database_is_told_from_its_log(scene: Scene, cause: str) -> None:
    pod = scene.stop("mlflow-", {"waiting": {"reason": "CrashLoopBackOff"}}, container="mlflow")
    scene.blind()
    line = f"sqlalchemy.exc.OperationalError: (psycopg.OperationalError) {DATABASE[cause]}"
    scene.probes["logs"] = {f"{pod['metadata']['name']}/mlflow": line}
    assert scene.verdict() == ("server", cause, "database")


@pytest.mark.parametrize(
    ("revision", "known", "cause"),
    [("older", ["older"], "not-at-head"), (None, [], "not-at-head"), ("newer", [], "newer")],
)
def test_a_schema_that_is_not_the_servers_is_named(
    scene: Scene, revision: str | None, known: list[str], cause: str
) -> None:
    scene.probes["pod"]["database"] |= {"revision": revision, "known": known}
    assert scene.verdict()[:2] == ("schema", cause)


STORE = {
    "credentials": "ClientError: An error occurred (InvalidAccessKeyId) when calling the ListObjectsV2 operation",
    "no-bucket": "NoSuchBucket: An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation",
    "unreachable": 'EndpointConnectionError: Could not connect to the endpoint URL: "http://object-store:8333/mlflow"',
    "clock": "ClientError: An error occurred (RequestTimeTooSkewed) when calling the ListObjectsV2 operation",
    "tls": "SSLError: SSL validation failed for https://s3.example.com [SSL: CERTIFICATE_VERIFY_FAILED]",
}


@pytest.mark.parametrize("cause", STORE)
def test_what_is_wrong_with_the_artifact_store_is_named(scene: Scene, cause: str) -> None:
    scene.probes["pod"]["artifact_store"]["error"] = STORE[cause]
    scene.probes["artifacts"] |= {"status": 500, "body": "INTERNAL_ERROR"}
    assert scene.verdict()[:2] == ("artifact store", cause)


def test_an_identity_provider_that_does_not_run_is_named_and_not_its_issuer_that_does_not_answer(scene: Scene) -> None:
    scene.one("Deployment", "dex")["spec"]["replicas"] = 0
    scene.delete("Pod", "dex-")
    scene.probes["pod"]["issuers"][0] = {"url": "https://dex.mlflow.localhost", "error": "HTTPError: 503"}
    assert scene.verdict() == ("identity provider server", "scaled-to-zero", "Deployment mlflow/dex")


@pytest.mark.parametrize(
    ("change", "cause"),
    [({"error": "URLError: timed out"}, "unreachable"), ({"issuer": "https://other"}, "issuer"), ({"keys": 0}, "keys")],
)
def test_what_is_wrong_with_an_issuer_is_named_and_not_the_401(
    scene: Scene, change: dict[str, object], cause: str
) -> None:
    issuer = scene.probes["pod"]["issuers"][-1]
    issuer |= change
    scene.probes["tracking"] |= {"status": 401, "body": ""}
    assert scene.verdict() == ("issuer", cause, f"issuer {issuer['url']}")


Break = Callable[[Scene], object]
PODS: dict[str, Break] = {
    "image": lambda scene: scene.stop("mlflow-", {"waiting": {"reason": "ImagePullBackOff"}}, container="mlflow"),
    "configuration": lambda scene: scene.stop(
        "mlflow-", {"waiting": {"reason": "CreateContainerConfigError"}}, container="mlflow"
    ),
    "memory": lambda scene: scene.stop(
        "mlflow-",
        {"waiting": {"reason": "CrashLoopBackOff"}},
        last={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
        container="mlflow",
    ),
    "crash": lambda scene: scene.stop(
        "mlflow-",
        {"waiting": {"reason": "CrashLoopBackOff"}},
        last={"terminated": {"reason": "Error", "exitCode": 1}},
        container="mlflow",
    ),
    "not-ready": lambda scene: scene.stop("mlflow-", {"running": {}}, container="mlflow"),
}


@pytest.mark.parametrize("cause", PODS)
def test_what_is_behind_a_502_is_named(scene: Scene, cause: str) -> None:
    pod = scene.one("Pod", "mlflow-")
    PODS[cause](scene)
    scene.blind()
    assert scene.verdict() == ("server", cause, f"Pod mlflow/{pod['metadata']['name']}")


def test_a_server_that_nobody_asked_for_is_named(scene: Scene) -> None:
    scene.one("Deployment", "mlflow")["spec"]["replicas"] = 0
    scene.delete("Pod", "mlflow-")
    scene.blind()
    assert scene.verdict() == ("server", "scaled-to-zero", "Deployment mlflow/mlflow")


def test_a_server_that_is_gone_is_named(scene: Scene) -> None:
    scene.delete("Deployment", "mlflow")
    scene.delete("Pod", "mlflow-")
    scene.blind()
    assert scene.verdict() == ("server", "missing", "Deployment mlflow/mlflow")


def test_a_paused_platform_is_healthy_without_a_server(scene: Scene) -> None:
    scene.document["outputs"]["paused"] = True
    # As with `server.paused`.
    scene.document["expected"] = [
        one for one in scene.document["expected"] if (one["kind"], one["name"]) != ("Deployment", "mlflow")
    ]
    scene.delete("Deployment", "mlflow")
    scene.delete("Pod", "mlflow-")
    scene.blind()
    assert scene.code == 0


@pytest.mark.parametrize(
    ("reason", "is_chosen"),
    [
        ("1 Insufficient memory", False),
        ("1 node(s) didn't match Pod's node affinity/selector", True),
        ("1 node(s) had untolerated taint(s)", True),
        ("1 node(s) had untolerated taint {pool: gpu}", True),
    ],
)
def test_a_pod_that_no_node_takes_is_named(scene: Scene, reason: str, is_chosen: bool) -> None:  # noqa: FBT001 - a case
    pod = scene.one("Pod", "postgres-0")
    message = f"0/1 nodes are available: {reason}."
    pod["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    }
    scene.blind()
    assert scene.verdict() == ("database server", "unschedulable", "Pod mlflow/postgres-0")
    found = diagnose(scene.facts)
    assert found is not None
    assert ("scheduling.nodeSelector" in found.fault.mend) == is_chosen


@pytest.mark.parametrize("told", ["condition", "event"])
def test_a_quota_that_blocks_the_servers_pods_is_named(scene: Scene, told: str) -> None:
    scene.delete("Pod", "mlflow-")
    scene.blind()
    message = 'pods "mlflow-5d-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=5, limited: pods=5'
    if told == "condition":
        condition = {"type": "ReplicaFailure", "status": "True", "message": message}
        scene.one("Deployment", "mlflow")["status"]["conditions"].append(condition)
    else:
        meant = {"kind": "ReplicaSet", "name": "mlflow-5d"}
        scene.add("Event", "mlflow", "e", reason="FailedCreate", message=message, involvedObject=meant)
    assert scene.verdict() == ("server", "quota", "Deployment mlflow/mlflow")


def test_a_memory_kill_that_was_long_ago_is_no_fault(scene: Scene) -> None:
    pod = scene.one("Pod", "mlflow-")
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-01T00:00:00Z"}
    pod["status"]["containerStatuses"][0]["lastState"] = {"terminated": ended}
    assert scene.code == 0


def test_networks_that_are_not_enforced_are_named(scene: Scene) -> None:
    scene.probes["pod"]["connections"][0]["open"] = True
    assert scene.verdict() == ("network plugin", "not-enforced", "network plugin")


def test_a_policy_of_others_that_cuts_off_the_ingress_controller_is_named_and_not_the_504(scene: Scene) -> None:
    spec: Document = {"podSelector": {}, "policyTypes": ["Egress"]}
    scene.add("NetworkPolicy", "traefik", "no-egress", spec=spec)
    scene.probes["health"] |= {"status": 504, "body": "Gateway Timeout"}
    assert scene.verdict() == ("connections", "blocked", "NetworkPolicies of traefik")


def test_an_ingress_controller_that_does_not_run_is_named_and_not_the_refused_connection(scene: Scene) -> None:
    scene.delete("Pod", "traefik-")
    scene.probes["connect"]["error"] = "[Errno 111] Connection refused"
    assert scene.verdict() == ("ingress controller", "missing", "pods of namespace traefik")


def test_a_host_name_that_does_not_resolve_is_named(scene: Scene) -> None:
    scene.probes["resolve"] = {"error": "[Errno -2] Name or service not known"}
    for name in ("connect", "tls", "health"):
        del scene.probes[name]
    scene.probes["tracking"] = {"error": "gaierror: [Errno -2]"}
    assert scene.verdict() == ("host name", "dns", "host name mlflow.localhost")


def test_an_address_that_accepts_no_connection_is_named(scene: Scene) -> None:
    scene.probes["connect"] = {"address": "10.0.0.1:443", "error": "timed out"}
    assert scene.verdict() == ("address", "refused", "address 10.0.0.1:443 of mlflow.localhost")


CERTIFICATES: dict[str, dict[str, object]] = {
    "expired": {"not_after": 1.0},
    "default": {"issuer": "CN=TRAEFIK DEFAULT CERT", "names": ["x.traefik.default"]},
    "untrusted": {"issuer": "CN=Another CA"},
}


@pytest.mark.parametrize("cause", CERTIFICATES)
def test_what_is_wrong_with_the_certificate_is_named(scene: Scene, cause: str) -> None:
    scene.probes["tls"] |= CERTIFICATES[cause] | {"error": "certificate verify failed"}
    scene.probes["tracking"] = {"error": "SSLCertVerificationError: certificate verify failed"}
    assert scene.verdict() == ("certificate", cause, "certificate of mlflow.localhost")


def test_a_certificate_that_ends_in_a_few_days_is_named(scene: Scene) -> None:
    scene.probes["tls"]["not_after"] = scene.document["time"] + 3 * 86400
    assert scene.verdict() == ("certificate end", "ends", "certificate of mlflow.localhost")


@pytest.mark.parametrize("status", [404, 502, 503])
def test_an_ingress_controller_that_does_not_reach_a_ready_server_is_named(scene: Scene, status: int) -> None:
    scene.probes["health"] |= {"status": status, "body": "Bad Gateway"}
    scene.probes["tracking"] |= {"status": status}
    assert scene.verdict() == ("gateway", str(status), "https://mlflow.localhost/health")


def test_a_wrong_issuer_of_service_account_tokens_is_named_and_not_the_401(scene: Scene) -> None:
    scene.probes["token"]["issuer"] = "https://oidc.eks.example.com/id/1"
    scene.probes["tracking"] |= {"status": 401, "body": ""}
    assert scene.verdict() == ("token", "issuer", "tokens of service accounts")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_request_that_fails_is_named_with_its_status(scene: Scene, status: int) -> None:
    scene.probes["tracking"] |= {"status": status, "body": "{}"}
    assert scene.verdict() == ("tracking", str(status), "tracking in workspace team-a")


@pytest.mark.parametrize("name", ["registry", "alias", "stage"])
def test_what_fails_in_the_registry_is_named(scene: Scene, name: str) -> None:
    scene.probes[name] = {"status": 500, "body": "{}", "workspace": "team-a"}
    assert scene.verdict() == ("registry", "500", f"{name} in workspace team-a")


def test_artifacts_that_cannot_be_listed_are_named(scene: Scene) -> None:
    scene.probes["artifacts"] |= {"status": 500, "body": "INTERNAL_ERROR"}
    assert scene.verdict() == ("artifacts", "500", "artifacts in workspace team-a")


@pytest.mark.parametrize("client", ["2.22.0", "3.9.0", "3.18.0", "4.0.0"])
def test_a_client_that_does_not_fit_to_the_server_is_named(scene: Scene, client: str) -> None:
    scene.document["client"] = client
    assert scene.verdict() == ("versions", "versions", f"MLflow client {client}")


@pytest.mark.parametrize("client", ["3.10.0", "3.17.0", "3.17.9", "main"])
def test_a_client_that_fits_is_no_fault(scene: Scene, client: str) -> None:
    scene.document["client"] = client
    assert scene.code == 0


def test_a_quota_that_blocks_a_teams_pods_is_named(scene: Scene) -> None:
    message = 'pods "train-1" is forbidden: exceeded quota: team-a-quota, requested: requests.memory=1Ti'
    meant = {"kind": "Job", "name": "train"}
    scene.add("Event", "team-a", "e", reason="FailedCreate", message=message, involvedObject=meant)
    scene.add("Job", "team-a", "train", spec={}, status={})
    assert scene.verdict() == ("team quota", "quota", "Job team-a/train")


def test_a_teams_job_that_was_refused_once_and_runs_now_is_no_fault(scene: Scene) -> None:
    meant = {"kind": "Job", "name": "train"}
    scene.add("Event", "team-a", "e", reason="FailedCreate", message="exceeded quota", involvedObject=meant)
    scene.add("Job", "team-a", "train", spec={}, status={"active": 1})
    assert scene.code == 0
