"""Prometheus reads the platform's metrics, its alerts fire with a fault and end with it, the dashboard has data."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.e2e import kube, probes, variant, workload
from testbed.e2e.commands import run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.rehearsals.monitoring import prometheus, promtool
from testbed.e2e.rehearsals.monitoring.faults import FAULTS, Cause
from tools.stack import Platform

pytestmark = pytest.mark.chapters

CHANGES: variant.Config = {
    "mlflow-platform:monitoring": {"metrics": "service-monitor", "labels": {"release": "kube-prometheus-stack"}}
}
LABEL = "mlflow-platform/metrics"
SPACE = "--namespace=mlflow"
# Of the stack `dev`, which has no ForwardAuth.
TARGETS = ("metrics-dex", "metrics-haproxy", "metrics-login", "metrics-object-store", "metrics-postgres")
UP_SECONDS = 60
# A pod of the server ends after it has drained its connections, and starts within 43 s.
FIRES_SECONDS = 120
RESOLVES_SECONDS = 180
PROMTOOL_SECONDS = 120
# Of one diagram.
MOST_SERIES = 10
DATA_SECONDS = 120
NAME = "app.kubernetes.io/name"


@pytest.fixture(scope="module", autouse=True)
def dev_afterwards() -> Iterator[None]:
    """Remove Prometheus before and after these tests, and deploy the committed stack again after them."""
    prometheus.remove()
    yield
    # While the kinds are there: without them Pulumi does not find the objects that it has to delete.
    variant.restore()
    prometheus.remove()


def test_without_the_operators_kinds_an_up_fails_and_names_one(tmp_path: Path) -> None:
    said = variant.refused(tmp_path, CHANGES)
    assert "monitoring-needs-servicemonitors" in said
    assert f"resource '{prometheus.KINDS[0]}' does not exist" in said


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The variant, and a Prometheus that reads it."""
    kube.kubectl("apply", f"--filename={Path(__file__).with_name('kinds.yaml')}")
    for kind in prometheus.KINDS:
        kube.kubectl("wait", "--for=condition=Established", "customresourcedefinition", kind)
    deployed = variant.deploy(tmp_path_factory.mktemp("monitoring"), CHANGES)
    (rules,) = kube.objects("prometheusrules", SPACE)
    prometheus.start(rules["spec"], workload.client_image(deployed))
    return deployed


def test_the_operators_objects_are_stored_as_the_program_makes_them(platform: Platform) -> None:
    (rules,) = kube.objects("prometheusrules", SPACE)
    (monitor,) = kube.objects("servicemonitors", SPACE)
    assert rules["metadata"]["labels"]["release"] == monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert rules["spec"] == yaml.safe_load(run("make", "-s", "alerts", "STACK=dev").stdout)
    # The Services that the operator would select are those that the Prometheus here reads.
    (expression,) = monitor["spec"]["selector"]["matchExpressions"]
    services = kube.objects("services", f"--namespace={platform.namespace}", f"--selector={expression['key']}")
    assert tuple(sorted(one["metadata"]["name"] for one in services)) == TARGETS
    ports = {port["name"] for service in services for port in service["spec"]["ports"]}
    assert [{"port": name} for name in ports] == monitor["spec"]["endpoints"]


@pytest.mark.usefixtures("platform")
def test_every_target_is_up(figures: Figures) -> None:
    def up() -> dict[str, str]:
        return {one["metric"]["service"]: one["value"][1] for one in prometheus.query("up")}

    figures.add(
        "until every target is up",
        wait_for("every target is up", lambda: up() == dict.fromkeys(TARGETS, "1"), seconds=UP_SECONDS),
    )
    assert up() == dict.fromkeys(TARGETS, "1")
    (memory,) = prometheus.query('process_resident_memory_bytes{service="metrics-postgres"}')
    figures.add("memory of the exporter", float(memory["value"][1]) / 2**20, "MiB")
    for one in prometheus.query('count by (service) ({namespace="mlflow"})'):
        figures.add(f"series of {one['metric']['service']}", one["value"][1])


@pytest.mark.usefixtures("platform")
def test_each_alert_fires_with_the_series_of_its_case_and_not_with_those_that_come_close(figures: Figures) -> None:
    inside = ("exec", "prometheus", f"--namespace={prometheus.NAMESPACE}", "--", "sh", "-c")
    done = kube.kubectl(*inside, "cd /promtool && promtool test rules test-*.yaml", seconds=PROMTOOL_SECONDS)
    figures.add("alerts with a case of their own", str(len(promtool.cases())))
    assert "FAILED" not in done.said
    assert done.said.count("SUCCESS") == len(promtool.cases())


def test_only_prometheus_reaches_the_metrics(platform: Platform) -> None:
    slices = kube.objects("endpointslices", SPACE, f"--selector={LABEL}")
    targets = [
        (endpoint["addresses"][0], port["port"], "TCP")
        for one in slices
        for endpoint in one["endpoints"]
        for port in one["ports"]
    ]
    assert len(targets) == len(TARGETS)
    kinds = [
        (prometheus.NAMESPACE, {NAME: "prometheus"}),
        # The label in another namespace, and another pod of Prometheus' namespace.
        ("default", {NAME: "prometheus"}),
        (prometheus.NAMESPACE, {NAME: "grafana"}),
        (platform.namespace, {NAME: "dex"}),
    ]
    try:
        started = probes.start(workload.client_image(platform), kinds)
        right, *wrong = [probe.reaches(targets) for probe in started]
    finally:
        probes.remove()
    assert right == [True] * len(targets)
    assert wrong == [[False] * len(targets)] * len(wrong)


def test_the_exporters_role_reads_statistics_and_no_rows() -> None:
    (exporter,) = kube.objects("deployments", SPACE, f"--selector={NAME}=postgres-exporter")
    (volume,) = exporter["spec"]["template"]["spec"]["volumes"]
    secret = kube.one("secret", volume["secret"]["secretName"], "mlflow")
    password = base64.b64decode(secret["data"]["password"]).decode()
    script = """
import sys, psycopg
with psycopg.connect("host=postgres dbname=mlflow user=mlflow_monitor", password=sys.stdin.read()) as connection:
    print(connection.execute("SELECT count(*) > 1 FROM pg_stat_activity WHERE query <> ''").fetchone()[0])
    try:
        connection.execute("SELECT count(*) FROM runs")
    except psycopg.errors.InsufficientPrivilege:
        print("refused")
"""
    inside = ("exec", "--stdin", "deployment/mlflow", SPACE, "--container=mlflow", "--", "python3", "-c", script)
    assert kube.kubectl(*inside, stdin=password).stdout.split() == ["True", "refused"]


@pytest.mark.parametrize("cause", FAULTS, ids=lambda cause: cause.what)
def test_an_alert_fires_with_its_fault_and_is_resolved_with_it(
    platform: Platform, cause: Cause, figures: Figures
) -> None:
    before = len(prometheus.notifications())
    with cause.make(platform):
        fired = prometheus.wait_until_fired(cause.alerts, after=before, seconds=FIRES_SECONDS)
    resolved = prometheus.wait_until_resolved(cause.alerts, after=before, seconds=RESOLVES_SECONDS)
    for alert in cause.alerts:
        figures.add(f"{alert}: fired after, resolved after", f"{fired[alert]:.0f} s, {resolved[alert]:.0f} s")


def test_every_query_of_the_dashboard_has_data(platform: Platform, tmp_path: Path, figures: Figures) -> None:
    client = Client.of(platform, tmp_path)
    (stored,) = kube.objects("configmaps", SPACE, "--selector=grafana_dashboard=1")
    dashboard = json.loads(stored["data"]["mlflow-platform.json"])
    queries = [
        query["expr"].replace("$__rate_interval", "1m")
        for panel in dashboard["panels"]
        for query in panel.get("targets", ())
    ]
    answers = dict[str, list[dict[str, Any]]]()

    def answered() -> bool:
        # A counter has a rate once it has been read twice and has grown between.
        client.script("small_project", team="team-a")
        answers.update((query, prometheus.query(query)) for query in queries)
        return all(map(_has_data, answers.values()))

    wait_for("data for every query", answered, seconds=DATA_SECONDS)
    figures.add("queries of the dashboard", str(len(queries)))
    assert max(map(len, answers.values())) <= MOST_SERIES


@pytest.mark.usefixtures("platform")
def test_every_series_that_an_alert_asks_for_exists(figures: Figures) -> None:
    """The tests for promtool cannot show this: their series are written by hand, with the same labels as the alerts."""
    (rules,) = kube.objects("prometheusrules", SPACE)
    selectors = prometheus.selectors(rules["spec"])
    figures.add("selectors of the alerts", str(len(selectors)))
    assert [one for one in sorted(selectors) if not prometheus.query(one)] == []


def _has_data(found: list[dict[str, Any]]) -> bool:
    return any(one["value"][1] != "NaN" for one in found)


def test_without_the_setting_nothing_of_it_is_left() -> None:
    variant.restore()
    assert kube.objects("services", SPACE, f"--selector={LABEL}") == []
    assert kube.objects("configmaps", SPACE, "--selector=grafana_dashboard=1") == []
    assert kube.objects("deployments", SPACE, f"--selector={NAME}=postgres-exporter") == []
    assert kube.objects("servicemonitors,prometheusrules", SPACE) == []
    (ports,) = {
        tuple(rule["port"] for one in policy["spec"].get("ingress", ()) for rule in one["ports"])
        for policy in kube.objects("networkpolicies", SPACE)
        if policy["spec"]["podSelector"].get("matchLabels", {}).get(NAME) == "mlflow"
    }
    assert ports == (4180,)
