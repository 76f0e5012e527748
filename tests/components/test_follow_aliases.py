"""The rollout of models: the versions that it writes, and its messages."""

import urllib.error
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import pytest

from tests.components.script_modules import load

VERSION, ANSWERING, STATUS = (f"mlflow-platform/{name}" for name in ("model-version", "answering-version", "rollout"))
TEMPLATE = ["spec", "template", "metadata", "annotations"]
TARGET = {
    "server": "fraud",
    "model": "fraud-detection",
    "alias": "champion",
    "path": "/apis/apps/v1/namespaces/team-a/deployments/fraud",
    "annotations": TEMPLATE,
    "watched": True,
}


@pytest.fixture(scope="module")
def script() -> Any:  # noqa: ANN401 - a module that is no part of a package
    return load("follow_aliases")


@dataclass
class Cluster:
    """A Deployment in a fake API server, and the requests about it."""

    server: dict[str, Any]
    patches: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        """Answer as the API server would."""
        assert path == TARGET["path"]
        if document is not None:
            assert method == "PATCH"
            self.patches.append(document)
            merge(self.server, document)
            if "spec" in document:
                self.server["metadata"]["generation"] += 1
        return self.server


def merge(document: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            merge(document.setdefault(key, {}), value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            document[key] = value


class Registry:
    """A registry with one alias."""

    def __init__(self, script: Any, version: str) -> None:  # noqa: ANN401 - the module
        self.script, self.pointed = script, version

    def version(self, model: str, alias: str) -> str:
        """The version that the alias points to."""
        if not self.pointed:
            raise self.script.Missing(f"there is no alias {alias} of a registered model {model}")
        return self.pointed


def deployment(version: str, *, answering: str = "", **status: Any) -> dict[str, Any]:  # noqa: ANN401 - fields
    notes = {ANSWERING: answering} if answering else {}
    return {
        "metadata": {"generation": 1, "annotations": notes},
        "spec": {"replicas": 2, "template": {"metadata": {"annotations": {VERSION: version} if version else {}}}},
        "status": {
            "observedGeneration": 1,
            **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 2),
            **status,
        },
    }


def followed(script: Any, server: dict[str, Any], pointed: str) -> Cluster:  # noqa: ANN401 - the module
    cluster = Cluster(server)
    script.Follower(TARGET, Registry(script, pointed), cluster).step()
    return cluster


def said(cluster: Cluster) -> str:
    return cluster.server["metadata"]["annotations"][STATUS]


def test_a_version_behind_the_alias_is_written_into_the_pod_template_and_nothing_else_of_it(script: Any) -> None:  # noqa: ANN401
    cluster = followed(script, deployment("7", answering="7"), "8")
    assert cluster.patches[0] == {"spec": {"template": {"metadata": {"annotations": {VERSION: "8"}}}}}
    assert all(patch.keys() == {"metadata"} for patch in cluster.patches[1:])
    assert said(cluster) == "version 8 is starting; version 7 answers"


def test_a_server_that_has_the_version_is_left_alone(script: Any) -> None:  # noqa: ANN401
    cluster = followed(script, deployment("7", answering="7"), "7")
    assert said(cluster) == "version 7 answers"
    again = followed(script, cluster.server, "7")
    assert again.patches == []


def test_a_version_that_is_not_ready_in_time_is_reported_beside_the_one_that_answers(script: Any) -> None:  # noqa: ANN401
    stuck = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    server = deployment("8", answering="7", replicas=3, updatedReplicas=1, conditions=stuck)
    cluster = followed(script, server, "8")
    assert said(cluster) == "version 8 has not become ready in time: see the log of its pod; version 7 answers"
    assert cluster.server["metadata"]["annotations"][ANSWERING] == "7"


def test_an_old_report_of_the_deployment_does_not_count_for_a_new_version(script: Any) -> None:  # noqa: ANN401
    stuck = [{"type": "Progressing", "status": "False"}]
    cluster = followed(script, deployment("8", answering="7", conditions=stuck), "9")
    assert said(cluster) == "version 9 is starting; version 7 answers"


def test_without_the_alias_everything_stays_and_the_rollout_says_what_is_missing(script: Any) -> None:  # noqa: ANN401
    missing = "there is no alias champion of a registered model fraud-detection; "
    cluster = followed(script, deployment("7", answering="7"), "")
    assert all("spec" not in patch for patch in cluster.patches)
    assert said(cluster) == f"{missing}version 7 answers"
    assert said(followed(script, deployment(""), "")) == f"{missing}no version is known"


def test_pods_that_are_missing_are_told_from_a_version_that_is_new(script: Any) -> None:  # noqa: ANN401
    cluster = followed(script, deployment("7", answering="7", availableReplicas=1, readyReplicas=1), "7")
    assert said(cluster) == "version 7 answers, with 1 ready pods"


def test_what_goes_wrong_is_logged_once_and_tried_again(script: Any, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ANN401
    class Silent:
        def ask(self, *_: object) -> dict[str, Any]:
            raise OSError("connection refused")

    follower = script.Follower(TARGET, Registry(script, "7"), Silent())
    script.attempt(follower)
    script.attempt(follower)
    (line,) = capsys.readouterr().out.splitlines()
    assert "connection refused; trying again" in line


def test_an_alias_that_cannot_be_read_changes_nothing_and_is_said_where_people_look(script: Any) -> None:  # noqa: ANN401
    class Refusing:
        def version(self, *_: str) -> str:
            raise urllib.error.HTTPError("http://mlflow", 403, "Forbidden", Message(), None)

    cluster = Cluster(deployment("7", answering="7"))
    script.Follower(TARGET, Refusing(), cluster).step()
    assert said(cluster) == "the alias cannot be read (status 403); version 7 answers"
    assert all("spec" not in patch for patch in cluster.patches)


def test_nothing_but_the_version_is_written_to_a_server_whose_annotations_reach_its_pods(
    script: Any,  # noqa: ANN401
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = Cluster({"metadata": {"generation": 1}, "spec": {"predictor": {}}})
    target = {**TARGET, "annotations": ["spec", "predictor", "annotations"], "watched": False}
    script.Follower(target, Registry(script, "7"), cluster).step()
    assert cluster.patches == [{"spec": {"predictor": {"annotations": {VERSION: "7"}}}}]
    assert "version 7 is set" in capsys.readouterr().out
