import dataclasses
import sys
from pathlib import Path

import pytest

from tools import smoke
from tools.smoke import client_variables, record_run
from tools.stack import Platform, TeamAccount

TEAMS = {
    "team-a": TeamAccount(namespace="team-a", service_account="mlflow-client", workspace="team-a"),
    "research": TeamAccount(namespace="ml-research", service_account="pipeline", workspace="research"),
}


def platform(authority: str | None = None) -> Platform:
    return Platform(url="https://mlflow.localhost", namespace="mlflow", authority=authority, teams=TEAMS, users=())


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployer's environment, and a cluster that issues tokens."""
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("HOME", "/home/deployer")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hunter2")
    monkeypatch.setenv("KUBECONFIG", "/home/deployer/kubeconfig")
    monkeypatch.setattr(smoke, "service_account_token", _token)


def _token(namespace: str, name: str, audience: str) -> str:
    return f"{audience} token of {namespace}/{name}"


EXPECTED = {
    "PATH": "/usr/bin",
    "HOME": "/home/deployer",
    "MLFLOW_TRACKING_URI": "https://mlflow.localhost",
    "MLFLOW_WORKSPACE": "research",
    "MLFLOW_TRACKING_TOKEN": "mlflow token of ml-research/pipeline",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def test_a_client_gets_its_teams_token_and_nothing_of_the_deployers_environment() -> None:
    assert client_variables(platform(), "research", None) == EXPECTED


def test_a_client_of_an_mlflow_without_workspaces_names_none() -> None:
    alone = dataclasses.replace(TEAMS["research"], workspace=None)
    variables = client_variables(dataclasses.replace(platform(), teams={"research": alone}), "research", None)
    assert variables == {name: value for name, value in EXPECTED.items() if name != "MLFLOW_WORKSPACE"}


def test_a_client_is_told_of_a_private_authority() -> None:
    authority = Path("/tmp/ca.crt")  # noqa: S108 - nothing is there
    assert client_variables(platform("PEM"), "research", authority) == EXPECTED | {
        "MLFLOW_TRACKING_SERVER_CERT_PATH": "/tmp/ca.crt",  # noqa: S108 - likewise
        "REQUESTS_CA_BUNDLE": "/tmp/ca.crt",  # noqa: S108 - likewise
    }


def client(monkeypatch: pytest.MonkeyPatch, folder: Path, *lines: str) -> None:
    """Set the client's program."""
    file = folder / "record_run.py"
    file.write_text("\n".join(["import json, os, sys", *lines]), encoding="utf-8")
    monkeypatch.setattr(smoke, "SCRIPT", file)
    monkeypatch.setattr(smoke, "client_python", lambda: Path(sys.executable))


def test_the_clients_last_line_is_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(
        monkeypatch,
        tmp_path,
        "print('a progress bar')",
        "authority = open(os.environ['REQUESTS_CA_BUNDLE']).read()",
        "print(json.dumps({'run_id': '1', 'token': os.environ['MLFLOW_TRACKING_TOKEN'], 'authority': authority}))",
    )
    assert record_run(platform("PEM"), "team-a") == {
        "run_id": "1",
        "token": "mlflow token of team-a/mlflow-client",
        "authority": "PEM",
    }


def test_without_a_private_authority_the_machines_own_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(monkeypatch, tmp_path, "print(json.dumps(sorted(os.environ.keys() & {'REQUESTS_CA_BUNDLE'})))")
    assert record_run(platform(), "team-a") == []


def test_a_failing_client_is_told_by_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(monkeypatch, tmp_path, "[print(f'line {n}', file=sys.stderr) for n in range(20)]", "sys.exit(1)")
    with pytest.raises(SystemExit) as failed:
        record_run(platform(), "team-a")
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("smoke test: the MLflow client failed in workspace team-a of https://mlflow.localhost")
    assert lines[1:] == [f"  line {number}" for number in range(12, 20)]


def test_a_paused_platform_is_not_used(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["smoke"])
    monkeypatch.setattr(smoke, "read_platform", lambda: dataclasses.replace(platform(), paused=True))
    smoke.main()
    assert "server.paused is true" in capsys.readouterr().out
