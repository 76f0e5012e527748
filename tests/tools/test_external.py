"""The tools on a stack whose tracking server is not part of it."""

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from factories.access import access_matrix
from settings import ExternalSettings, external_page
from settings.loader import from_file
from settings.partial import partial
from tests.tools.test_smoke import platform
from tests.tools.test_stack import OUTPUTS
from tools import configuration, external_smoke, smoke
from tools.access import report
from tools.access.words import PLAIN
from tools.audit import __main__ as audit
from tools.stack import TeamAccount, parse_outputs

SOURCE = from_file(external_page.EXAMPLE)
EXTERNAL = replace(platform(), external=True, namespace="", url="https://tracking.example.com")


def test_the_outputs_say_that_the_server_is_not_part_of_the_stack() -> None:
    assert not parse_outputs(OUTPUTS).external
    assert parse_outputs({**OUTPUTS, "namespace": "", "server": "databricks"}).external


def test_the_configuration_says_what_labelled_pods_may_connect_to() -> None:
    found = configuration.resolve(SOURCE, "shared")
    assert found.mistakes == []
    assert found.computed == {
        "namespaces": "protected and retained",
        "tracking server": "https://tracking.example.com",
        "egress of labelled pods": "192.0.2.10/32, port 443",
    }
    assert "server.url" in configuration.as_text(found, coloured=False)


def test_the_access_matrix_says_who_decides_instead_of_an_empty_table() -> None:
    found = access_matrix(partial(ExternalSettings, SOURCE.document))
    sentence = "The tracking server https://tracking.example.com decides who has access: this stack grants nothing"
    for text in (report.matrix_text("shared", found, PLAIN), report.matrix_markdown("shared", found)):
        assert sentence in text
        assert "delete" not in text
    assert '"decidedBy": "https://tracking.example.com"' in report.matrix_json("shared", found)


def test_the_audit_log_is_the_operators(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audit, "read_platform", lambda: EXTERNAL)
    assert audit.main([]) == 1
    assert "https://tracking.example.com is not part of this stack: ask its operator" in capsys.readouterr().err


def test_the_smoke_test_logs_no_run_on_a_server_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    monkeypatch.setattr(sys, "argv", ["smoke"])
    monkeypatch.setattr(smoke, "read_platform", lambda: EXTERNAL)
    monkeypatch.setattr(external_smoke, "check", checked.append)
    smoke.main()
    assert checked == [EXTERNAL]


class Cluster:
    """An API server with one pod, which ends at once."""

    def __init__(self, phase: str, log: str) -> None:
        self.phase, self.log = phase, log
        self.created: list[Any] = []
        self.deleted: list[str] = []

    def create_namespaced_pod(self, _: str, pod: Any) -> Any:  # noqa: ANN401 - the package has no types
        """Record the pod."""
        self.created.append(pod)
        return SimpleNamespace(metadata=SimpleNamespace(name="connectivity-smoke-x"))

    def read_namespaced_pod(self, *_: str) -> Any:  # noqa: ANN401 - likewise
        """The pod in its final state."""
        return SimpleNamespace(status=SimpleNamespace(phase=self.phase))

    def read_namespaced_pod_log(self, *_: str) -> str:
        """The log of the pod."""
        return self.log

    def delete_namespaced_pod(self, name: str, *_: str, **__: int) -> None:
        """Record the deletion of the pod."""
        self.deleted.append(name)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_the_check_runs_again_outside_of_its_job_and_says_its_sentence(
    phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(_seconds: float) -> None:
        """Skip all waiting."""

    monkeypatch.setattr(external_smoke.time, "sleep", at_once)
    given = {"mlflow-client": "true", "batch.kubernetes.io/job-name": "a", "job-name": "a", "controller-uid": "b"}
    template = SimpleNamespace(metadata=SimpleNamespace(labels=given), spec=None)
    job = SimpleNamespace(spec=SimpleNamespace(template=template))
    cluster = Cluster(phase, "a warning\nconnection refused\n")
    team = TeamAccount(namespace="red", service_account="mlflow-client", workspace=None)
    assert external_smoke.run(cluster, team, job) == (phase, "connection refused")
    assert cluster.created[0].metadata.labels == {"mlflow-client": "true"}
    assert cluster.deleted == ["connectivity-smoke-x"]
