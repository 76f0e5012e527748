"""Alert rules and dashboard are printed for a stack, without cluster, engine and passphrase."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from factories.monitoring import watched
from settings import Settings, validate
from tests.settings.stack_files import ROOT
from tools.monitoring import main
from tools.stack_file import read


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the committed stack files and nothing else."""
    for stack in ("dev", "prod"):
        shutil.copy2(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    return tmp_path


def test_the_rules_are_those_of_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "prod"]) == 0
    groups = {group["name"]: group["rules"] for group in yaml.safe_load(capsys.readouterr().out)["groups"]}
    # Database and artifacts are at AWS.
    assert groups.keys() == {"mlflow-server", "mlflow-login", "mlflow-backups", "mlflow-cluster", "mlflow-metrics"}
    missing = next(rule for rule in groups["mlflow-server"] if rule["alert"] == "MlflowReplicasMissing")
    settings = validate(read("prod"), "prod").settings
    assert isinstance(settings, Settings)
    assert missing["expr"].endswith(f"< {watched(settings).replicas}")


def test_the_dashboard_is_one_that_grafana_imports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", "dev"]) == 0
    dashboard = json.loads(capsys.readouterr().out)
    assert dashboard["title"] == "MLflow (mlflow.localhost)"
    assert [one["type"] for one in dashboard["templating"]["list"]] == ["datasource"]


def test_an_unknown_stack_and_one_with_mistakes_are_told_apart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "nowhere"]) == 2
    assert "there is no Pulumi.nowhere.yaml" in capsys.readouterr().err
    file = folder / "Pulumi.dev.yaml"
    file.write_text(file.read_text() + "  mlflow-platform:nonsense: 1\n")
    assert main(["rules", "dev"]) == 1
    assert "nonsense" in capsys.readouterr().err
