import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.settings.stack_files import ROOT
from tools.configuration import main
from tools.versions import MLFLOW

SECRETS = ("loginClientSecret",)
CANARY = "hunter2"


class Terminal(io.StringIO):
    """Standard output on a terminal."""

    def isatty(self) -> bool:
        """True, as for a terminal."""
        return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the committed stack files and nothing else: no engine, no passphrase."""
    for stack in ("dev", "prod"):
        shutil.copy2(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    return tmp_path


def append(folder: Path, stack: str, *lines: str) -> None:
    """Further keys of a stack file."""
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(path.read_text() + "".join(f"  mlflow-platform:{line}\n" for line in lines))


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Value and origin by key, of the lines of the table."""
    cells = [line.split("  ") for line in text.splitlines()]
    found = [[cell.strip() for cell in line if cell.strip()] for line in cells]
    return {line[0]: (line[1], line[2]) for line in found if len(line) == 3}


@pytest.mark.usefixtures("folder")
def test_every_value_is_shown_with_where_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev"]) == 0
    shown = rows(capsys.readouterr().out)
    assert shown["database.storage"] == ("5Gi", "stack file")
    assert shown["server.workers"] == ("1", "default")
    assert shown["cluster.context"] == ("none", "default")
    assert shown['login.users["alice@example.com"].groups'] == ('["team-a-mlflow-users"]', "stack file")
    assert not any(path.startswith("teams.team-a.quota") for path in shown)


def test_what_the_profile_sets_is_said_to_be_its(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(folder, "prod", *(f"{name}: {{secure: v1:abc}}" for name in SECRETS))
    assert main(["prod"]) == 0
    shown = rows(capsys.readouterr().out)
    assert shown["server.replicas"] == ("2", "profile production")
    assert shown["server.memoryLimit"] == ("1536Mi", "profile production")
    assert shown["server.image"][1] == "stack file"
    assert {shown[name] for name in SECRETS} == {("set", "secret")}


@pytest.mark.usefixtures("folder")
def test_sums_follow_with_their_terms(capsys: pytest.CaptureFixture[str]) -> None:
    main(["dev"])
    out = capsys.readouterr().out
    assert "data: deleted with the stack" in out
    assert "(replicas 1 + 1 surge) x workers 1 x (poolSize 20 + poolOverflow 10) + 3 for Jobs = " in out
    assert "190 MiB + workers 1 x (210 MiB + 128 MiB of transfers + 32 MiB of bodies x 6) = 720 MiB" in out


@pytest.mark.usefixtures("folder")
def test_missing_secrets_are_told_and_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prod"]) == 1
    output = capsys.readouterr()
    assert rows(output.out)["loginClientSecret"] == ("missing", "secret")
    assert "loginClientSecret: is missing" in output.err


def test_no_secret_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(folder, "prod", f"loginClientSecret: {CANARY}", f"databasePassword: {{secure: {CANARY}}}")
    for arguments in (["prod"], ["prod", "--json"]):
        assert main(arguments) == 1
        output = capsys.readouterr()
        assert CANARY not in output.out + output.err
    assert json.loads(output.out)["secrets"]["loginClientSecret"] == "in plain text"


def test_mistakes_are_listed_after_what_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(path.read_text().replace(f"mlflow:{MLFLOW}\n", f"mlflow:{MLFLOW}\n    replicas: 5\n"))
    assert main(["dev"]) == 1
    output = capsys.readouterr()
    assert rows(output.out)["server.replicas"] == ("5", "stack file")
    assert "= 183 connections" in output.err
    path.write_text(path.read_text().replace("replicas: 5", "replicas: five"))
    assert main(["dev"]) == 1
    output = capsys.readouterr()
    assert rows(output.out) == {}
    assert "server.replicas: expected a whole number" in output.err


@pytest.mark.usefixtures("folder")
def test_json_holds_the_same_and_the_mistakes_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prod", "--json"]) == 1
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert found["settings"]["server.replicas"] == {"value": 2, "from": "profile production"}
    assert found["settings"]["teams.pricing.groups.manager"]["from"] == "stack file"
    assert [fault["key"] for fault in found["faults"]] == list(SECRETS)
    assert [warning["key"] for warning in found["warnings"]] in ([], ["server.image"])
    assert output.err == ""


@pytest.mark.usefixtures("folder")
def test_colours_are_for_terminals_whose_owner_has_nothing_against_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            terminal = Terminal()
            patch.setattr(sys, "stdout", terminal)
            main(["dev"])
            assert ("\x1b[" in terminal.getvalue()) is coloured


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ("staging", "there is no Pulumi.staging.yaml here: the stacks here are dev, prod"),
        ("../x y", "is not a valid stack name"),
    ],
)
def test_a_stack_that_does_not_exist_is_told_so(stack: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([stack]) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_no_stack_file_ends_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "Pulumi.dev.yaml").write_text("- a")
    assert main(["dev"]) == 1
    assert "Pulumi.dev.yaml cannot be read" in capsys.readouterr().err


def test_its_help_says_what_it_needs_and_how_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "needs no cluster, Pulumi or passphrase" in capsys.readouterr().out
