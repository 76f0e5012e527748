"""The section `scheduling` on the deployed platform: nodes, priority, labels and image pull policy of every pod.

Each test begins where the one before it ended. At the end, the committed stack is deployed again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, variant
from testbed.e2e.figures import Figures
from testbed.e2e.kube import Object
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

pytestmark = pytest.mark.chapters

POOL, POOL_VALUE = "example.com/pool", "rehearsal"
PRIORITY_CLASS, PRIORITY = "rehearsal", 1000
# A toleration of a taint that no node has.
TOLERATION = {"key": POOL, "operator": "Exists", "effect": "NoSchedule"}
SCHEDULING: Object = {
    "nodeSelector": {POOL: POOL_VALUE},
    "tolerations": [TOLERATION],
    "priorityClass": PRIORITY_CLASS,
    "labels": {"cost-center": "4711"},
    "annotations": {"example.com/owner": "rehearsal"},
    "imagePullPolicy": "IfNotPresent",
    "topologyKeys": ["kubernetes.io/hostname"],
}
CHANGES = {"mlflow-platform:scheduling": SCHEDULING}
TEAM = "team-a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scheduling")


@pytest.fixture(scope="module")
def remembered(platform: Platform, folder: Path) -> dict[str, Any]:
    """Run that a program logged before the pods were rescheduled."""
    return Client.of(platform, folder).script("remember", team=TEAM)


@pytest.fixture(scope="module")
def scheduled(platform: Platform, folder: Path, remembered: dict[str, Any]) -> Iterator[Platform]:
    """Deploy the stack with the section, on a node with the label; restore the committed stack afterwards."""
    assert remembered
    nodes = [one["metadata"]["name"] for one in kube.objects("nodes")]
    try:
        kube.kubectl("label", "nodes", "--all", f"{POOL}={POOL_VALUE}")
        kube.kubectl("create", "priorityclass", PRIORITY_CLASS, f"--value={PRIORITY}")
        yield variant.deploy(folder, CHANGES)
    finally:
        variant.restore()
        kube.kubectl("delete", "priorityclass", PRIORITY_CLASS, "--ignore-not-found")
        kube.kubectl("label", "nodes", *nodes, f"{POOL}-")
        assert platform.namespace


def _stateful_sets(platform: Platform) -> dict[str, str]:
    found = kube.objects("statefulsets", f"--namespace={platform.namespace}")
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in found}


@pytest.fixture(scope="module")
def before(platform: Platform) -> dict[str, str]:
    """UIDs of the StatefulSets before the change."""
    return _stateful_sets(platform)


def _pods(platform: Platform) -> list[Object]:
    """All pods of the platform, those of finished Jobs among them."""
    return kube.objects("pods", f"--namespace={platform.namespace}", f"--selector={kube.PLATFORM_LABEL}")


def test_every_pod_has_what_the_section_says(before: dict[str, str], scheduled: Platform, figures: Figures) -> None:
    pods = _pods(scheduled)
    components = {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods}
    assert {"mlflow", "postgres", "object-store", "dex"} <= components
    for pod in pods:
        name, spec = pod["metadata"]["name"], pod["spec"]
        assert spec["nodeSelector"] == {POOL: POOL_VALUE}, name
        assert TOLERATION in spec["tolerations"], name
        assert (spec["priorityClassName"], spec["priority"]) == (PRIORITY_CLASS, PRIORITY), name
        assert pod["metadata"]["labels"]["cost-center"] == "4711", name
        assert pod["metadata"]["annotations"]["example.com/owner"] == "rehearsal", name
        for container in (*spec["containers"], *spec.get("initContainers", ())):
            assert container["imagePullPolicy"] == "IfNotPresent", (name, container["name"])
    figures.add("pods with the section `scheduling`", str(len(pods)), "")
    assert before


def test_no_workload_was_replaced_and_the_data_are_there(
    before: dict[str, str], scheduled: Platform, folder: Path, remembered: dict[str, Any]
) -> None:
    assert _stateful_sets(scheduled) == before
    file = folder / "remembered.json"
    file.write_text(json.dumps(remembered), encoding="utf-8")
    assert Client.of(scheduled, folder).script("recall", file, team=TEAM) == {"faults": []}


def test_a_second_deployment_changes_nothing(scheduled: Platform, folder: Path) -> None:
    assert scheduled.url
    variant.expect_no_changes(folder, CHANGES)


def test_without_the_section_every_pod_is_as_before(scheduled: Platform, folder: Path) -> None:
    plain = variant.deploy(folder, {})
    for pod in _pods(plain):
        assert "cost-center" not in pod["metadata"]["labels"], pod["metadata"]["name"]
        assert "nodeSelector" not in pod["spec"], pod["metadata"]["name"]
    assert plain.url == scheduled.url
