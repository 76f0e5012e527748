import base64
import dataclasses
import functools
import re
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from mlflow_platform_server import watchdog

from components.exposure.gateway import Address
from components.kubernetes import networks, pods
from components.kubernetes.availability import Spread
from components.login.command_line import LoginArgs
from components.login.issuers import IN_CLUSTER_ISSUER
from components.login.oauth2_proxy import Login
from components.login.sign_in import PasswordSignIn, ProviderSignIn
from components.mlflow.args import LABELS, Autoscaling, MLflowArgs
from components.mlflow.process import MODEL_SOURCES, allowed_hosts
from components.mlflow.server import MLflow
from tests.cloud import autoname
from tests.components.parts import (
    ADDRESS,
    BOUNDS,
    HOST,
    NAMESPACE,
    artifact_store,
    container,
    database,
    environment,
    oidc,
    opened,
    pod,
)
from tests.harness import Recording, deploy

UVICORN = (
    "--header connection:close --h11-max-incomplete-event-size 393216 --timeout-worker-healthcheck 60"
    " --timeout-graceful-shutdown 100"
)
SIZES = pods.Resources(cpu="250m", memory="700Mi", cpu_limit="2", memory_limit="1Gi")


def login(address: Address, *, inside: bool, with_password: bool, pass_token: bool) -> Login:
    return Login(
        "login",
        LoginArgs(
            namespace=NAMESPACE,
            image="oauth2-proxy:v7.15.6",
            front_image="haproxy:3.0",
            bounds=BOUNDS,
            address=address,
            oidc=dataclasses.replace(oidc(), inside=inside),
            authority=None,
            service_account_issuer=IN_CLUSTER_ISSUER,
            service_account_audiences=("mlflow",),
            session_hours=12,
            sign_in=PasswordSignIn(htpasswd=pulumi.Output.secret("erin:x"))
            if with_password
            else ProviderSignIn(refresh_minutes=15),
            pass_token=pass_token,
        ),
    )


@functools.cache
def server(
    endpoint_url: str | None = None,
    *,
    replicas: int = 2,
    contact: str | None = None,
    with_password: bool = False,
    pass_token: bool = False,
    address: Address = ADDRESS,
    client_namespaces: tuple[str, ...] = (),
    api_server: tuple[str, ...] = (),
    inside: bool = False,
    autoscaling: Autoscaling | None = None,
    spread: Spread = "preferred",
    exclusive: bool = False,
    pull_secrets: tuple[str, ...] = (),
    only_workspace: str | None = None,
    webhook_hosts: tuple[str, ...] = (),
    replica: str | None = None,
    durable: bool = False,
) -> Recording:
    def program() -> dict[str, object]:
        migrated = k8s.batch.v1.Job("migrated", metadata={"namespace": NAMESPACE})
        args = MLflowArgs(
            namespace=NAMESPACE,
            image="mlflow:1.2.3",
            address=address,
            pull_secrets=pull_secrets,
            replicas=replicas,
            autoscaling=autoscaling,
            spread=spread,
            termination_seconds=120,
            workers=4,
            pool_size=20,
            pool_overflow=10,
            resources=SIZES,
            upload_space="512Mi",
            access_cache_seconds=30,
            bounds={"header_kibibytes": 96, "idle_seconds": 20},
            database=dataclasses.replace(database(), exclusive=exclusive, replica=replica),
            artifact_store=artifact_store(endpoint_url),
            login=login(address, inside=inside, with_password=with_password, pass_token=pass_token),
            only_workspace=only_workspace,
            contact=contact,
            controller=networks.IngressController(namespace="ingress"),
            client_namespaces=client_namespaces,
            api_server=api_server,
            features=("webhooks",) if webhook_hosts else (),
            webhook_hosts=webhook_hosts,
            durable=durable,
            ready=[migrated],
        )
        return {"service": MLflow("mlflow", args).service.metadata.name}

    return deploy(program)


def proxy(got: Recording) -> dict[str, Any]:
    return sidecars(got)["oauth2-proxy"]


def sidecars(got: Recording) -> dict[str, Any]:
    return {spec["name"]: spec for spec in pod(got, "mlflow-server")["initContainers"]}


def test_an_mlflow_without_workspaces_reviews_access_in_one_namespace() -> None:
    spec = container(server(only_workspace="team-a"), "mlflow-server")
    assert not {"--enable-workspaces", "--workspace-store-uri=mlflow-platform://"} & set(spec["command"])
    variables = environment(spec)
    assert variables["MLFLOW_K8S_AUTH_WORKSPACES_ENABLED"] == "false"
    assert variables["MLFLOW_K8S_AUTH_NAMESPACE"] == "team-a"


def test_a_server_with_a_replica_reads_from_it() -> None:
    uri = "postgresql+psycopg://mlflow@replica.example.com:5432/mlflow?sslmode=verify-full"
    assert f"--read-replica-backend-store-uri={uri}" in container(server(replica=uri), "mlflow-server")["command"]


def test_the_server_listens_on_the_pods_loopback_alone() -> None:
    assert container(server(), "mlflow-server")["command"] == [
        "mlflow",
        "server",
        "--host=127.0.0.1",
        "--port=5000",
        "--workers=4",
        "--app-name=mlflow-platform",
        "--enable-workspaces",
        "--workspace-store-uri=mlflow-platform://",
        "--backend-store-uri=postgresql+psycopg://mlflow@db.example.com:5432/mlflow?sslmode=require",
        "--artifacts-destination=s3-proxied://artifacts",
        "--serve-artifacts",
        f"--uvicorn-opts={UVICORN}",
        f"--allowed-hosts={','.join(allowed_hosts(HOST, NAMESPACE))}",
        f"--cors-allowed-origins=https://{HOST}",
    ]


def test_its_port_is_declared_nowhere() -> None:
    got = server()
    assert "ports" not in container(got, "mlflow-server")
    assert "ports" not in proxy(got)
    assert sidecars(got)["haproxy"]["ports"] == [{"name": "http", "containerPort": 4180}]


def test_the_service_leads_to_the_login_and_to_nothing_else() -> None:
    got = server()
    spec = got["mlflow-service"].inputs["spec"]
    assert spec == {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": 4180}]}
    assert got.exports == {"service": "mlflow"}


def test_namespaces_of_notebooks_and_pipelines_reach_the_login_too() -> None:
    ingress, _ = opened(server(client_namespaces=("jupyter",))["mlflow-network"])
    (rule,) = ingress
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "jupyter"}}} in rule["from"]


def test_workspaces_and_the_ingress_controller_reach_the_login_and_nothing_else() -> None:
    ingress, _ = opened(server()["mlflow-network"])
    assert ingress == [
        {
            "from": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}},
                {"namespaceSelector": {"matchLabels": {"mlflow-enabled": "true"}}},
            ],
            "ports": [{"protocol": "TCP", "port": 4180}],
        }
    ]


def test_the_server_reaches_no_metadata_service() -> None:
    _, egress = opened(server()["mlflow-network"])
    blocks = [peer["ipBlock"] for rule in egress for peer in rule["to"] if "ipBlock" in peer]
    assert blocks
    assert all(block["except"] == ["169.254.0.0/16"] for block in blocks)


def by_addresses(got: Recording) -> list[tuple[list[str], list[int]]]:
    """Address ranges and ports of the server's egress."""
    _, egress = opened(got["mlflow-network"])
    ranges = [([peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer], rule["ports"]) for rule in egress]
    return [(cidrs, [port["port"] for port in ports]) for cidrs, ports in ranges if cidrs]


DATABASE_AND_STORE = [(["0.0.0.0/0"], [5432]), (["0.0.0.0/0"], [443])]


def test_egress_to_the_api_server_is_limited_to_its_addresses_where_they_are_known() -> None:
    ports = [443, 6443, 8443]
    assert by_addresses(server(inside=True)) == [*DATABASE_AND_STORE, (["0.0.0.0/0"], ports)]
    ranges = ("10.0.0.0/28", "10.1.0.1/32")
    assert by_addresses(server(inside=True, api_server=ranges)) == [*DATABASE_AND_STORE, (list(ranges), ports)]


def test_an_identity_provider_elsewhere_is_reached_on_its_port_alone() -> None:
    rules = by_addresses(server(api_server=("10.0.0.0/28",)))
    assert rules[-1] == (["0.0.0.0/0"], [443])
    assert len(rules) == 4


def test_an_identity_provider_in_this_cluster_is_reached_by_the_ingress_controllers_pods() -> None:
    _, egress = opened(server(inside=True)["mlflow-network"])
    to_controller = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
    (ports,) = (rule["ports"] for rule in egress if rule["to"] == [to_controller])
    assert [port["port"] for port in ports] == [443, 8443]


HOSTS = ("hooks.example.com", "ci.example.com")


def test_webhooks_are_off_and_reach_nothing_unless_there_are_hosts_for_them() -> None:
    variables = environment(container(server(), "mlflow-server"))
    assert not [name for name in variables if name.startswith(("MLFLOW_PLATFORM_FEATURES", "MLFLOW_PLATFORM_WEBHOOK"))]
    on = environment(container(server(webhook_hosts=HOSTS), "mlflow-server"))
    assert on["MLFLOW_PLATFORM_FEATURES"] == "webhooks"
    assert on["MLFLOW_PLATFORM_WEBHOOK_HOSTS"] == "hooks.example.com,ci.example.com"
    assert on["MLFLOW_PLATFORM_WEBHOOK_PROXY"] == "webhook-proxy:3128"


def test_webhooks_leave_through_their_proxy_alone() -> None:
    without, with_hosts = server(inside=True), server(inside=True, webhook_hosts=HOSTS)
    assert by_addresses(without) == by_addresses(with_hosts)
    _, before = opened(without["mlflow-network"])
    _, after = opened(with_hosts["mlflow-network"])
    proxy = {"matchLabels": {"app.kubernetes.io/name": "webhook-proxy", "app.kubernetes.io/part-of": "mlflow-platform"}}
    assert after == [*before, {"to": [{"podSelector": proxy}], "ports": [{"protocol": "TCP", "port": 3128}]}]


def test_all_processes_share_one_key_for_the_secrets_of_webhooks() -> None:
    got = server()
    secret = got["mlflow-webhooks"]
    variable = environment(container(got, "mlflow-server"))["MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"]
    assert variable == f"{autoname(secret.name)}/key"
    assert len(base64.urlsafe_b64decode(secret.secrets["stringData.key"])) == 32


@pytest.mark.parametrize("durable", [True, False])
def test_the_key_of_the_webhooks_is_protected_like_other_data(*, durable: bool) -> None:
    got = server(durable=durable)
    assert [got[name].protect for name in ("mlflow-webhook-key", "mlflow-webhooks")] == [durable, durable]


def test_no_secret_is_in_an_argument_or_a_variable() -> None:
    variables = environment(container(server(), "mlflow-server"))
    assert {name: variables[name] for name in ("PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")} == {
        "PGPASSWORD": "some-database/password",
        "AWS_ACCESS_KEY_ID": "some-store/access-key-id",
        "AWS_SECRET_ACCESS_KEY": "some-store/secret-access-key",
    }


def test_host_headers_are_accepted_with_and_without_a_port() -> None:
    assert allowed_hosts("mlflow.example.com", "tracking") == [
        "mlflow.example.com",
        "mlflow.example.com:*",
        "mlflow",
        "mlflow:*",
        "mlflow.tracking",
        "mlflow.tracking:*",
        "mlflow.tracking.svc",
        "mlflow.tracking.svc:*",
        "mlflow.tracking.svc.cluster.local",
        "mlflow.tracking.svc.cluster.local:*",
        "localhost",
        "localhost:*",
        "127.0.0.1",
        "127.0.0.1:*",
    ]


def test_no_pattern_opens_the_host_check_to_every_name() -> None:
    # A single `*` anywhere in the list turns MLflow's check off.
    assert "*" not in allowed_hosts(HOST, NAMESPACE)


def test_kubernetes_decides_who_may_do_what() -> None:
    variables = environment(container(server(), "mlflow-server"))
    assert {key: value for key, value in variables.items() if key.startswith("MLFLOW_K8S_")} == {
        "MLFLOW_K8S_AUTH_AUTHORIZATION_MODE": "subject_access_review",
        "MLFLOW_K8S_AUTH_CACHE_TTL_SECONDS": "30",
        "MLFLOW_K8S_AUTH_REMOTE_USER_HEADER": "x-forwarded-email",
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_HEADER": "x-forwarded-groups",
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_SEPARATOR": ",",
        "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR": "mlflow-enabled=true",
    }


def test_telemetry_and_job_execution_are_off_and_the_pool_is_set() -> None:
    variables = environment(container(server(), "mlflow-server"))
    assert variables["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert variables["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert variables["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] == "false"
    assert variables["MLFLOW_SQLALCHEMYSTORE_POOL_SIZE"] == "20"
    assert variables["MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW"] == "10"


def test_no_request_that_the_server_handles_waits_for_a_connection() -> None:
    # (20 + 10 - 1) // 2: one connection is reserved for the authorisation, and logging a batch takes two.
    assert environment(container(server(), "mlflow-server"))["MLFLOW_PLATFORM_THREADS"] == "14"


@pytest.mark.parametrize("endpoint", [None, "https://s3.example.com"])
def test_an_endpoint_is_set_only_where_there_is_one(endpoint: str | None) -> None:
    assert environment(container(server(endpoint), "mlflow-server")).get("MLFLOW_S3_ENDPOINT_URL") == endpoint


def test_the_server_may_read_workspaces_and_bindings_and_review_access_and_nothing_else() -> None:
    got = server()
    assert got["mlflow-role"].inputs["rules"] == [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["rolebindings", "clusterrolebindings"],
            "verbs": ["list", "watch"],
        },
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ]
    assert got["mlflow-binding"].inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "mlflow", "namespace": NAMESPACE}
    ]


def test_only_the_server_has_a_token_for_the_api_server() -> None:
    got = server()
    spec = pod(got, "mlflow-server")
    assert spec["automountServiceAccountToken"] is False
    mounts = [mount["name"] for mount in container(got, "mlflow-server")["volumeMounts"]]
    assert "token" in mounts
    assert "token" not in [mount["name"] for mount in proxy(got)["volumeMounts"]]


def test_the_login_is_in_the_pod_before_the_server() -> None:
    assert [(name, spec["restartPolicy"]) for name, spec in sidecars(server()).items()] == [
        ("haproxy", "Always"),
        ("oauth2-proxy", "Always"),
    ]


def test_the_rollout_waits_for_the_migration_the_data_and_the_servers_rights() -> None:
    waits_for = server()["mlflow-server"].dependencies
    assert {"migrated", "database-is-up", "store-is-up", "mlflow-binding"} <= waits_for


def test_a_rolling_update_starts_a_new_pod_before_it_stops_an_old_one() -> None:
    spec = server(replicas=3)["mlflow-server"].inputs["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_a_slow_start_is_not_killed() -> None:
    spec = container(server(), "mlflow-server")
    start = spec["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= 180
    assert spec["readinessProbe"]["periodSeconds"] == 10
    assert (spec["livenessProbe"]["initialDelaySeconds"], spec["livenessProbe"]["periodSeconds"]) == (15, 30)


def test_a_slow_neighbour_does_not_restart_a_server_nor_take_it_out_of_service() -> None:
    spec = container(server(), "mlflow-server")
    ready, alive = spec["readinessProbe"], spec["livenessProbe"]
    assert ready["periodSeconds"] * ready["failureThreshold"] >= 30
    # Later than the watchdog, which ends a worker whose event loop is stuck after a minute.
    assert alive["periodSeconds"] * alive["failureThreshold"] >= 2 * watchdog.PATIENCE * watchdog.CHECK_SECONDS
    assert ready["timeoutSeconds"] <= ready["periodSeconds"]
    assert alive["timeoutSeconds"] <= alive["periodSeconds"]


def test_its_probes_go_through_the_login() -> None:
    spec = container(server(), "mlflow-server")
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert spec[probe]["httpGet"] == {"path": "/health", "port": 4181}


def test_it_drains_before_it_terminates() -> None:
    got = server()
    drain = container(got, "mlflow-server")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain == 15
    assert pod(got, "mlflow-server")["terminationGracePeriodSeconds"] == 120


def test_running_requests_finish_within_the_grace_period() -> None:
    got = server()
    (option,) = (word for word in container(got, "mlflow-server")["command"] if word.startswith("--uvicorn-opts="))
    finishing = int(option.rpartition(" ")[2])
    drain = container(got, "mlflow-server")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain + finishing + 5 == pod(got, "mlflow-server")["terminationGracePeriodSeconds"]


def test_where_only_one_pod_can_mount_the_data_the_old_one_stops_first() -> None:
    spec = server(replicas=1, exclusive=True)["mlflow-server"].inputs["spec"]
    assert spec["strategy"] == {"type": "Recreate"}


def test_several_replicas_are_drained_one_at_a_time() -> None:
    spec = server(replicas=2).one("PodDisruptionBudget").inputs["spec"]
    assert spec == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": LABELS},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    assert server(replicas=1).of("PodDisruptionBudget") == []
    assert server(replicas=1, autoscaling=Autoscaling(max_replicas=3, cpu_percent=70)).of("PodDisruptionBudget")


def test_replicas_are_spread_over_nodes_and_zones_where_they_can_be() -> None:
    constraints = pod(server(), "mlflow-server")["topologySpreadConstraints"]
    assert [constraint["topologyKey"] for constraint in constraints] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    for constraint in constraints:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"] == {"matchLabels": LABELS}


def test_a_required_spread_keeps_replicas_pending_otherwise() -> None:
    constraints = pod(server(spread="required"), "mlflow-server")["topologySpreadConstraints"]
    assert {constraint["whenUnsatisfiable"] for constraint in constraints} == {"DoNotSchedule"}


def test_under_load_further_replicas_are_started() -> None:
    got = server(replicas=2, autoscaling=Autoscaling(max_replicas=6, cpu_percent=70))
    spec = got.one("HorizontalPodAutoscaler").inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow"}
    (metric,) = spec["metrics"]
    assert metric["containerResource"] == {
        "container": "mlflow",
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 70},
    }


def test_the_autoscaler_is_not_overruled_by_the_next_deployment() -> None:
    got = server(autoscaling=Autoscaling(max_replicas=6, cpu_percent=70))
    assert got["mlflow-server"].ignored == ("spec.replicas",)
    assert server()["mlflow-server"].ignored == ()
    assert server().of("HorizontalPodAutoscaler") == []


def test_a_running_server_keeps_its_replicas_when_the_autoscaler_is_switched_on() -> None:
    """Pulumi gives up ownership of a field that the program omits, and Kubernetes then resets the number to 1."""
    scaled = server(replicas=2, autoscaling=Autoscaling(max_replicas=6, cpu_percent=70))["mlflow-server"]
    assert scaled.inputs["spec"]["replicas"] == 2
    assert scaled.ignored == ("spec.replicas",)


def test_a_paused_server_has_no_deployment() -> None:
    """With `ignore_changes` 0 replicas would stay after the pause, and an autoscaler never scales up from 0."""
    paused = server(replicas=0)
    assert [*paused.of("Deployment"), *paused.of("HorizontalPodAutoscaler"), *paused.of("PodDisruptionBudget")] == []
    assert paused.of("Service")


def test_the_number_of_replicas_can_be_taken_back_from_an_autoscaler() -> None:
    """The autoscaler owns the field once it has set it, and server-side apply then refuses to change it."""
    assert server()["mlflow-server"].inputs["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
    # The annotation makes a difference: without one an equal number would stay as the autoscaler has set it.
    scaled = server(autoscaling=Autoscaling(max_replicas=6, cpu_percent=70))["mlflow-server"]
    assert "annotations" not in scaled.inputs["metadata"]


def test_image_pull_secrets_are_set() -> None:
    assert pod(server(pull_secrets=("a", "b")), "mlflow-server")["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    assert "imagePullSecrets" not in pod(server(), "mlflow-server")


def test_its_service_sets_no_environment_variables() -> None:
    # Kubernetes would set MLFLOW_PORT=tcp://..., which the server reads as an option of its own.
    assert pod(server(), "mlflow-server")["enableServiceLinks"] is False


def test_requests_limits_and_scratch_space_are_the_configured_ones() -> None:
    got = server()
    assert container(got, "mlflow-server")["resources"] == {
        "requests": {"cpu": "250m", "memory": "700Mi"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }
    scratch = [
        volume["emptyDir"]["sizeLimit"] for volume in pod(got, "mlflow-server")["volumes"] if "emptyDir" in volume
    ]
    assert scratch == ["512Mi"]


def test_with_the_callers_own_token_the_server_may_not_review_others_access() -> None:
    got = server(pass_token=True)
    variables = environment(container(got, "mlflow-server"))
    assert variables["MLFLOW_K8S_AUTH_AUTHORIZATION_MODE"] == "self_subject_access_review"
    asked = [rule for rule in got["mlflow-role"].inputs["rules"] if "subjectaccessreviews" in rule["resources"]]
    assert asked == []


def test_the_name_of_a_user_with_a_password_is_read_from_the_logins_header() -> None:
    variables = environment(container(server(with_password=True), "mlflow-server"))
    assert variables["MLFLOW_K8S_AUTH_REMOTE_USER_HEADER"] == "x-forwarded-user"


def test_the_contact_for_users_without_access_is_set() -> None:
    asked = environment(container(server(contact="ml@example.com"), "mlflow-server"))
    assert asked["MLFLOW_PLATFORM_CONTACT"] == "ml@example.com"
    assert "MLFLOW_PLATFORM_CONTACT" not in environment(container(server(), "mlflow-server"))


@pytest.mark.parametrize(
    "source", ["mlflow-artifacts:/x", "runs:/1/m", "models:/m-1", "dummy-source", "prompt-template"]
)
def test_a_model_version_may_have_a_source_that_mlflow_checks(source: str) -> None:
    assert re.search(MODEL_SOURCES, source)


@pytest.mark.parametrize(
    "source",
    ["s3://mlflow/x", "s3-proxied://mlflow/x", "/etc", "x-models:/m", "dummy-source/..", "dbfs:/x", "s3:\nruns:/"],
)
def test_a_model_version_may_not_have_any_other_source(source: str) -> None:
    assert not re.search(MODEL_SOURCES, source)


def test_the_server_gets_the_allowed_sources_of_model_versions() -> None:
    variables = environment(container(server(), "mlflow-server"))
    assert variables["MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"] == MODEL_SOURCES


BELOW = Address(host=HOST, path="/clusters/demo/mlflow")


def test_below_a_path_the_server_knows_the_path_and_is_probed_there() -> None:
    spec = container(server(address=BELOW), "mlflow-server")
    assert environment(spec)["MLFLOW_PLATFORM_PATH"] == "/clusters/demo/mlflow"
    probes = [spec[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert probes == ["/clusters/demo/mlflow/health"] * 3


def test_below_a_path_the_origin_is_still_the_host() -> None:
    assert f"--cors-allowed-origins=https://{HOST}" in container(server(address=BELOW), "mlflow-server")["command"]


def test_without_a_path_the_server_gets_none() -> None:
    assert "MLFLOW_PLATFORM_PATH" not in environment(container(server(), "mlflow-server"))


def test_the_server_reads_the_teams_lists_of_identities_and_nothing_else_of_its_namespace() -> None:
    got = server()
    assert (
        environment(container(got, "mlflow-server"))["MLFLOW_PLATFORM_IDENTITIES"] == "mlflow-platform/identities=true"
    )
    role = got["mlflow-identities-role"]
    assert role.inputs["metadata"]["namespace"] == NAMESPACE
    assert role.inputs["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    (subject,) = got["mlflow-identities-binding"].inputs["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "mlflow", "namespace": NAMESPACE}


def test_the_audit_log_is_told_the_uid_of_its_pod() -> None:
    (variable,) = [one for one in container(server(), "mlflow-server")["env"] if one["name"] == "MLFLOW_PLATFORM_POD"]
    assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.uid"}}


def test_with_the_callers_own_token_the_server_needs_no_lists() -> None:
    got = server(pass_token=True)
    assert "MLFLOW_PLATFORM_IDENTITIES" not in environment(container(got, "mlflow-server"))
    assert not got.of("Role")
