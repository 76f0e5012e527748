from pathlib import Path

import pytest

from tools.adopt import __main__ as command
from tools.stack import Platform, TeamAccount

TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105 - the name of a variable
PLATFORM = Platform(
    url="https://mlflow.example.com",
    namespace="mlflow",
    users=(),
    authority=None,
    teams={"team-a": TeamAccount(namespace="team-a", service_account="mlflow-client", workspace="team-a")},
)


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read_platform", lambda: PLATFORM)

    def token(*_: str) -> str:
        return "platforms-token"

    def new_token(*_: str) -> str:
        return "platforms-new-token"

    monkeypatch.setattr("tools.smoke.service_account_token", token)
    monkeypatch.setattr(command, "service_account_token", new_token)
    monkeypatch.delenv(command.OWN_TOKEN, raising=False)
    monkeypatch.delenv(command.SOURCE, raising=False)


def test_neither_side_gets_the_others_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "old-token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "old-key")
    (tmp_path / "mlflow.db").touch()
    chosen = command.options(["--team", "team-a", "--source", str(tmp_path / "mlflow.db")])
    where = command.target(chosen)
    writer = where.variables(None)
    assert writer[TOKEN] == "platforms-token"
    assert "old-key" not in writer.values()
    told = command.handed_over(chosen, where, "/checkout")
    assert "platforms" not in str(told)
    reader = told["reader"]
    assert isinstance(reader, dict)
    assert (reader[TOKEN], reader["AWS_SECRET_ACCESS_KEY"]) == ("old-token", "old-key")
    assert where.renewed() == "platforms-new-token"


def test_a_persons_own_token_goes_to_the_platform_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command.OWN_TOKEN, "managers-token")
    (tmp_path / "mlflow.db").touch()
    chosen = command.options(["--team", "team-a", "--source", str(tmp_path / "mlflow.db")])
    where = command.target(chosen)
    writer = where.variables(tmp_path / "ca.crt")
    assert writer[TOKEN] == "managers-token"
    assert (writer["MLFLOW_WORKSPACE"], writer["REQUESTS_CA_BUNDLE"]) == ("team-a", str(tmp_path / "ca.crt"))
    assert "managers-token" not in str(command.handed_over(chosen, where, ""))
    assert where.renewed() == ""


def test_the_reader_gets_nothing_of_the_environment_that_it_does_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = {"PATH": "/bin", "HTTPS_PROXY": "p", "no_proxy": "n", "AWS_PROFILE": "a", "MLFLOW_S3_ENDPOINT_URL": "m"}
    others = {"GITHUB_TOKEN": "g", "PULUMI_CONFIG_PASSPHRASE": "p", "KUBECONFIG": "k", "LD_PRELOAD": "l", "PATHS": "x"}
    for name, value in {**needed, **others}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "mlflow.db").touch()
    chosen = command.options(["--team", "team-a", "--source", str(tmp_path / "mlflow.db")])
    reader = command.handed_over(chosen, command.target(chosen), "")["reader"]
    assert isinstance(reader, dict)
    assert reader.items() >= needed.items()
    assert not reader.keys() & others.keys()


def test_several_places_of_files_are_separated_by_commas(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    source = ["--team", "team-a", "--source", str(tmp_path / "mlflow.db")]
    chosen = command.options([*source, "--artifacts", "s3://bucket/a, /gone=s3://other", "--artifacts", "/srv"])
    told = command.handed_over(chosen, command.target(chosen), "")["options"]
    assert isinstance(told, dict)
    assert told["artifacts"] == ["s3://bucket/a", "/gone=s3://other", "/srv"]


def test_an_address_needs_no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read_platform", lambda: pytest.fail("the stack was read"))
    where = command.target(command.options(["--source", "x", "--team", "team-b", "--url", "https://m.example.com/"]))
    variables = where.variables(None)
    assert (variables["MLFLOW_TRACKING_URI"], variables["MLFLOW_WORKSPACE"]) == ("https://m.example.com", "team-b")


def test_the_source_comes_from_the_environment_since_it_may_have_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command.SOURCE, "postgresql://u:secret@db/mlflow")
    chosen = command.options(["--team", "team-a", "--experiments", "iris, wine ,", "--artifacts", ""])
    assert (chosen.source, chosen.experiment) == ("postgresql://u:secret@db/mlflow", ["iris", "wine"])
    told = command.handed_over(chosen, command.target(chosen), "")
    assert "secret" not in str(told["options"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--team", "team-a"], "adopt: SOURCE is missing"),
        (["--source", "x", "--team", ""], "adopt: TEAM is missing"),
        (["--source", "x", "--team", "team-x"], "adopt: the stack has no team team-x; its teams are team-a"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit, match=sentence):
        command.target(command.options(arguments))
