"""Discovery of the metrics, and the pods that may read them."""

import json
from typing import Any

import pytest

from components.monitoring.monitoring import Monitoring, MonitoringArgs, Operator
from components.monitoring.target import DATABASE, HAPROXY, LOGIN
from tests.components.parts import NAMESPACE, container, opened, pod
from tests.harness import Recording, deploy
from tests.program.stacks import SECRETS, STACKS, recorded, run

SCRAPER = {"app.kubernetes.io/name": "prometheus"}
RULES: dict[str, object] = {"groups": [{"name": "a", "rules": []}]}
ON = {"metrics": "service-monitor"}
FORWARD_AUTH = {"kind": "ingress", "login": "forward-auth"}
PORTS = {"haproxy": 4183, "login": 4184, "dex": 5558, "object-store": 9327, "postgres": 9187}


def monitoring(operator: Operator | None, dashboard: str | None = None) -> Recording:
    def program() -> None:
        args = MonitoringArgs(
            namespace=NAMESPACE,
            targets=(HAPROXY, DATABASE),
            scraper_namespace="observability",
            scraper_labels=SCRAPER,
            operator=operator,
            dashboard=dashboard,
        )
        Monitoring("monitoring", args)

    return deploy(program)


def with_operator(rules: dict[str, object] | None = RULES) -> Recording:
    return monitoring(Operator(labels={"release": "stack"}, rules=rules))


def peers(got: Recording) -> dict[str, tuple[dict[str, str], Any]]:
    """Labels of the pods, and the one rule, of each NetworkPolicy of the component."""
    found: dict[str, tuple[dict[str, str], Any]] = {}
    for policy in got.of("NetworkPolicy"):
        if policy.parent == "monitoring":
            spec = policy.inputs["spec"]
            assert spec["policyTypes"] == ["Ingress"]
            (rule,) = spec["ingress"]
            found[policy.name] = spec["podSelector"]["matchLabels"], rule
    return found


def test_prometheus_and_nobody_else_reaches_the_port_of_each_target() -> None:
    got = peers(monitoring(None))
    assert got.keys() == {"monitoring-haproxy-network", "monitoring-postgres-network"}
    labels, rule = got["monitoring-haproxy-network"]
    assert labels == HAPROXY.pods
    (peer,) = rule["from"]
    assert peer == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}},
        "podSelector": {"matchLabels": SCRAPER},
    }
    assert rule["ports"] == [{"protocol": "TCP", "port": HAPROXY.port}]


def test_a_target_is_a_service_whose_name_the_alerts_know_also_for_pods_that_are_not_ready() -> None:
    service = monitoring(None)["monitoring-haproxy"].inputs
    assert service["metadata"]["name"] == HAPROXY.service
    assert service["spec"] == {
        "selector": HAPROXY.pods,
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "ports": [{"name": "metrics", "port": HAPROXY.port}],
    }


def test_without_the_operator_annotations_lead_to_the_metrics() -> None:
    annotations = monitoring(None)["monitoring-haproxy"].inputs["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == str(HAPROXY.port)
    assert "prometheus.io/scrape" not in with_operator()["monitoring-haproxy"].inputs["metadata"]["annotations"]


def test_one_service_monitor_selects_the_services_of_all_targets() -> None:
    got = with_operator()
    monitor = got.one("ServiceMonitor").inputs
    (expression,) = monitor["spec"]["selector"]["matchExpressions"]
    assert expression["operator"] == "Exists"
    for service in got.of("Service"):
        assert expression["key"] in service.inputs["metadata"]["labels"]
        assert monitor["spec"]["endpoints"] == [{"port": one["name"]} for one in service.inputs["spec"]["ports"]]
    assert monitor["metadata"]["labels"]["release"] == "stack"


def test_the_operators_kinds_are_read_so_that_a_preview_fails_on_a_cluster_without_them() -> None:
    got = with_operator()
    assert got.reads == {
        "monitoring-needs-servicemonitors": "servicemonitors.monitoring.coreos.com",
        "monitoring-needs-prometheusrules": "prometheusrules.monitoring.coreos.com",
    }
    assert got.one("ServiceMonitor").dependencies == {"monitoring-needs-servicemonitors"}
    assert got.one("PrometheusRule").dependencies == {"monitoring-needs-prometheusrules"}
    assert monitoring(None).reads == {}


def test_rules_and_dashboard_are_there_if_asked_for() -> None:
    got = with_operator()
    assert got.one("PrometheusRule").inputs["spec"] == RULES
    assert got.of("ConfigMap") == with_operator(None).of("PrometheusRule") == []
    stored = monitoring(None, dashboard="{}").one("ConfigMap").inputs
    assert stored["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert stored["data"] == {"mlflow-platform.json": "{}"}


@pytest.mark.parametrize("stack", STACKS)
def test_it_is_off_unless_asked_for(stack: str) -> None:
    got = recorded(stack)
    assert got.of("Monitoring") == got.of("DatabaseExporter") == []
    text = "".join(got.requests)
    assert not any(word in text for word in ("prometheus", "metrics-address", "metricsPort", "mlflow_monitor"))


def test_every_part_of_the_development_stack_is_a_target() -> None:
    services = {one.name.removeprefix("monitoring-"): one for one in run("dev", monitoring=ON).of("Service")}
    ports = {name: services[name].inputs["spec"]["ports"][0]["port"] for name in PORTS}
    assert ports == PORTS


def test_with_forward_auth_its_pods_serve_metrics_too() -> None:
    got = run("dev", monitoring=ON, gateway=FORWARD_AUTH)
    assert {"monitoring-forward-auth", "monitoring-forward-auth-haproxy"} <= {one.name for one in got}
    spec = pod(got, "forward-auth-server")
    (proxy,) = spec["containers"]
    assert f"--metrics-address=0.0.0.0:{LOGIN.port}" in proxy["args"]
    assert "frontend metrics" in got["forward-auth-front-configuration"].inputs["data"]["haproxy.cfg"]


def test_services_of_others_are_no_targets() -> None:
    got = run("prod", secrets=SECRETS["prod"], monitoring=ON)
    assert {one.name for one in got.of("Service") if one.parent == "monitoring"} == {
        "monitoring-haproxy",
        "monitoring-login",
    }
    assert got.of("DatabaseExporter") == []


def test_the_exporter_has_its_password_in_a_file_and_reaches_the_database_only() -> None:
    got = run("dev", monitoring=ON)
    spec, exporter = pod(got, "postgres-exporter-server"), container(got, "postgres-exporter-server")
    assert {one["name"]: one["value"] for one in exporter["env"]} == {
        "DATA_SOURCE_URI": "postgres:5432/mlflow?sslmode=disable",
        "DATA_SOURCE_USER": "mlflow_monitor",
        "DATA_SOURCE_PASS_FILE": "/run/secrets/postgres-exporter/password",
    }
    (volume,) = spec["volumes"]
    assert volume["secret"]["secretName"].startswith("postgres-monitor-credential")
    ingress, egress = opened(got["postgres-exporter-network"])
    assert ingress == []
    (rule,) = egress
    assert rule["ports"] == [{"protocol": "TCP", "port": 5432}]


def test_the_database_lets_in_the_exporters_role_only_with_metrics() -> None:
    on, off = (one["postgres-configuration"].inputs["data"] for one in (run("dev", monitoring=ON), recorded("dev")))
    assert on["pg_hba.conf"] == f"{off['pg_hba.conf']}host  mlflow mlflow_monitor all scram-sha-256\n"
    added = on["role.sql"].removeprefix(off["role.sql"])
    assert "GRANT pg_monitor TO mlflow_monitor;" in added
    assert "CONNECTION LIMIT 3" in added
    assert "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" in added
    assert on["postgres.sh"] == off["postgres.sh"]


def test_another_namespace_and_other_labels_of_prometheus_are_those_of_the_settings() -> None:
    labels = {"app": "victoria"}
    got = run("dev", monitoring={**ON, "namespace": "observability", "podLabels": labels, "rules": False})
    for _, rule in peers(got).values():
        (peer,) = rule["from"]
        assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "observability"}
        assert peer["podSelector"]["matchLabels"] == labels
    assert got.of("PrometheusRule") == []


def test_the_dashboard_has_a_panel_for_each_part_and_names_no_data_source_of_its_own() -> None:
    stored = run("dev", monitoring=ON)["monitoring-dashboard"].inputs["data"]["mlflow-platform.json"]
    dashboard = json.loads(stored)
    titles = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert titles == ["Server", "Login", "Database", "Artifacts"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(places) == len(dashboard["panels"])
    sources = {query["datasource"]["uid"] for panel in dashboard["panels"] for query in panel.get("targets", ())}
    assert sources == {"${datasource}"}
