"""The diagnosis of a stack whose tracking server somebody else runs."""

import json
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from tests.tools.doctor.scene import Scene
from tools import external_smoke
from tools.doctor import collect, report
from tools.doctor.chapters import WITHOUT_A_SERVER, diagnose
from tools.external_smoke import Checked
from tools.stack import Platform, parse_outputs

SENTENCE = "https://tracking.example.com does not accept the credentials (401 for /health); correct the password"


@pytest.fixture
def scene() -> Scene:
    """A healthy stack with one team."""
    scene = Scene()
    outputs = scene.document["outputs"]
    outputs |= {"server": "external", "url": "https://tracking.example.com", "namespace": ""}
    outputs["teams"]["team-a"]["workspace"] = None
    scene.document["probes"] = scene.probes = {"connectivity": {}}
    return scene


def test_a_healthy_one_is_healthy_and_nothing_of_a_server_is_looked_at(scene: Scene) -> None:
    assert scene.code == report.HEALTHY
    said = json.loads(report.as_json(scene.facts, None, 1.0))
    assert said["chapters"] == [chapter.name for chapter in WITHOUT_A_SERVER]


def test_the_sentence_of_a_check_becomes_the_fault_and_its_remedy(scene: Scene) -> None:
    scene.probes["connectivity"]["team-a"] = SENTENCE
    found = diagnose(scene.facts)
    assert found is not None
    assert found.chapter == "tracking server"
    assert found.fault.subject == "https://tracking.example.com from team team-a"
    assert f"{found.fault.what}; {found.fault.mend}" == SENTENCE


def test_all_teams_that_cannot_use_the_server_are_named_at_once(scene: Scene) -> None:
    scene.probes["connectivity"] |= {"team-b": SENTENCE, "team-a": "no output"}
    found = diagnose(scene.facts)
    assert found is not None
    assert found.fault.subject == "https://tracking.example.com from the teams team-a, team-b"
    assert found.fault.mend


def test_a_changed_network_policy_comes_before_the_check_that_it_fails(scene: Scene) -> None:
    scene.probes["connectivity"]["team-a"] = "no answer from https://tracking.example.com; open firewalls"
    scene.document["live"] = [one for one in scene.document["live"] if one["kind"] != "NetworkPolicy"]
    assert scene.verdict()[:2] == ("network policy", "missing")


def test_a_check_that_may_not_run_is_unseen_and_one_that_does_not_exist_is_no_fault(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Checked(team="archived", said="not checked", usable=None),
        Checked(team="closed", said="not checked", usable=None, needs="the right to list Jobs"),
        Checked(team="open", said="MLflow 3.17.2 answers", usable=True),
    ]

    def checks(_: Platform) -> list[Checked]:
        return found

    monkeypatch.setattr(external_smoke, "checks", checks)
    document: dict[str, Any] = {"probes": {}}
    (unseen,) = collect.connections(document, parse_outputs(scene.document["outputs"]))
    assert unseen.what == "the tracking server from the namespace of team closed"
    assert unseen.needs == "the right to list Jobs"
    assert document["probes"]["connectivity"] == {}


def test_a_refusal_of_the_api_server_names_the_right_that_is_needed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __getattr__(self, _: str) -> Any:  # noqa: ANN401 - any method of the package's client
            def refuse(*_: object, **__: object) -> None:
                refusal: Any = ApiException(status=403, reason="Forbidden")
                refusal.body = "pods is forbidden: exceeded quota"
                raise refusal

            return refuse

    monkeypatch.setattr(external_smoke.kubeconfig, "load_kube_config", lambda: None)
    monkeypatch.setattr(external_smoke.kubernetes, "CoreV1Api", Refusing)
    monkeypatch.setattr(external_smoke.kubernetes, "BatchV1Api", Refusing)
    (found,) = external_smoke.checks(parse_outputs(scene.document["outputs"]))
    assert found.usable is None
    assert "in namespace team-a: pods is forbidden: exceeded quota" in found.needs
