import json
from pathlib import Path

import pytest
import yaml

from tests.tools.access.repository import Repository
from tests.tools.preflight.fake_cluster import Cluster, serving
from tools.preflight.__main__ import main
from tools.preflight.report import MISSING, READY, UNSEEN
from tools.scan.scanners import KUBERNETES
from tools.versions import CHECKOUT


@pytest.fixture
def kubeconfig(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig, and the stack files in the current folder."""
    file = repository.folder / "kubeconfig"
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    return file


def test_a_cluster_that_has_everything_is_two_lines(kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Cluster("dev"), kubeconfig):
        assert main(["dev"]) == READY
    first, second = capsys.readouterr().out.splitlines()
    assert first == "nothing is missing for stack dev"
    assert second.startswith("19 checks in ")


def test_what_is_missing_has_a_sentence_and_a_remedy(kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster("dev")
    cluster.lists("/apis/networking.k8s.io/v1/ingressclasses")
    with serving(cluster, kubeconfig):
        assert main(["dev"]) == MISSING
        text = capsys.readouterr().out
        assert main(["dev", "--json"]) == MISSING
        found = json.loads(capsys.readouterr().out)
    (one,) = found["missing"]
    assert text.splitlines()[:3] == [
        f"{one['check']}: {one['subject']}",
        f"  {one['what']}",
        f"  remedy: {one['mend']}",
    ]
    assert (found["result"], found["unseen"]) == ("missing", [])
    assert "\033" not in text


def test_what_could_not_be_asked_is_said(kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster("dev")
    cluster.answers["/apis/networking.k8s.io/v1/ingressclasses"] = (403, {"message": "forbidden"})
    with serving(cluster, kubeconfig):
        assert main(["dev"]) == UNSEEN
    assert "could not ask about ingressclasses: needs the right to list ingressclasses" in capsys.readouterr().out


def test_without_a_cluster_a_sentence_says_what_is_needed(kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev"]) == UNSEEN
    assert "no cluster can be asked: needs a kubeconfig" in capsys.readouterr().err
    assert not kubeconfig.exists()
    assert main(["dev", "--json"]) == UNSEEN
    assert json.loads(capsys.readouterr().out)["result"] == "unseen"


def test_the_context_of_the_stack_file_is_asked_and_named_if_it_does_not_exist(
    repository: Repository, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def choose(context: str) -> None:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        document["config"].setdefault("mlflow-platform:cluster", {})["context"] = context
        file.write_text(yaml.safe_dump(document), encoding="utf-8")

    file = repository.folder / "Pulumi.dev.yaml"
    with serving(Cluster("dev"), kubeconfig):
        found = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        choose(found["current-context"])
        found["current-context"] = "another"
        kubeconfig.write_text(yaml.safe_dump(found), encoding="utf-8")
        assert main(["dev"]) == READY
        choose("prod-eu")
        assert main(["dev"]) == UNSEEN
    assert "needs the context `prod-eu` of `cluster.context` in the kubeconfig" in capsys.readouterr().err


def test_mistakes_of_the_stack_file_come_first(
    repository: Repository, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.change("dev", "profile: evaluation", "profile: evalution")
    assert not kubeconfig.exists()
    assert main(["dev"]) == UNSEEN
    assert "1 mistake in Pulumi.dev.yaml" in capsys.readouterr().err


def test_an_unknown_stack_is_told_with_those_that_there_are(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repository.folder
    assert main(["nope"]) == UNSEEN
    assert "the stacks here are dev, prod" in capsys.readouterr().err


def test_the_oldest_release_is_that_of_the_page_about_clusters() -> None:
    page = (CHECKOUT / "docs" / "own-cluster.md").read_text(encoding="utf-8")
    assert f"| Kubernetes {KUBERNETES.removeprefix('v')} or newer |" in page
