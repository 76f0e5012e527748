"""Entries in the web consoles of Alauda AI and OpenShift, on a cluster without and with the kind ConsoleLink."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.e2e import kube, variant
from tools.stack import read_platform

pytestmark = pytest.mark.chapters

CHANGES = variant.changes_of("console")
DEFINITION = Path(__file__).with_name("consolelink.yaml")
NAME = "consolelinks.console.openshift.io"
MENU = "aml.cpaas.io/centralMenuItem=true"


@pytest.fixture(scope="module", autouse=True)
def dev_afterwards() -> Iterator[None]:
    """Restore the committed stack afterwards, without console entries."""
    yield
    variant.restore()
    kube.kubectl("delete", "customresourcedefinition", NAME, "--ignore-not-found")


def test_without_the_kind_an_up_fails_and_names_it(tmp_path: Path) -> None:
    said = variant.refused(tmp_path, CHANGES)
    assert "console-needs-openshift" in said
    assert f"resource '{NAME}' does not exist" in said


def test_both_entries_lead_to_the_platform(tmp_path: Path) -> None:
    kube.kubectl("apply", f"--filename={DEFINITION}")
    kube.kubectl("wait", "--for=condition=Established", "customresourcedefinition", NAME)
    platform = variant.deploy(tmp_path, CHANGES)
    (entry,) = kube.objects("configmaps", f"--namespace={platform.namespace}", f"--selector={MENU}")
    assert entry["metadata"]["name"] == "aml-mlflow-menu-config"
    assert entry["data"] == {"name": "MLflow", "url": platform.url}
    (link,) = kube.objects("consolelinks", f"--selector={kube.PLATFORM_LABEL}")
    assert link["spec"]["href"] == platform.url


def test_a_second_up_changes_nothing(tmp_path: Path) -> None:
    variant.expect_no_changes(tmp_path, CHANGES)


def test_without_the_setting_the_entries_are_gone() -> None:
    variant.restore()
    platform = read_platform()
    assert kube.objects("configmaps", f"--namespace={platform.namespace}", f"--selector={MENU}") == []
    assert kube.objects("consolelinks") == []
