import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings.stack_files import ROOT
from tests.tools.access.repository import PRICING, Repository
from tools.access_matrix import main
from tools.versions import MLFLOW

INTERNS = "gains *read* on team pricing (experiments, runs, artifacts, datasets, registered models)"
TABLE = """\
Access to the experiments, datasets and registered models of each team in prod:

team                 who                         read  create and change  delete
pricing              group data-platform         yes   yes                yes
                     group pricing-mlflow-users  yes   yes                yes
                     group pricing-interns       yes   -                  -
                     programs of team pricing    yes   yes                -
research (archived)  group research-mlflow-users  yes   -                  -

Programs of a team are notebooks and jobs that run as the service account mlflow-client in the team's namespace.
Kubernetes' cluster administrators (the group system:masters) can do everything in every team, and can grant \
others rights that this table does not show.
"""


class Terminal(io.StringIO):
    """Standard output on a terminal."""

    def isatty(self) -> bool:
        """True, as for a terminal."""
        return True


def squeezed(text: str) -> list[list[str]]:
    """Cells line by line, however wide the columns are."""
    return [re.split(r"  +", line) for line in text.splitlines()]


def test_the_matrix_is_a_table(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.add_interns()
    repository.change("prod", "Research and prototypes\n", "Research and prototypes\n      archived: true\n")
    assert main(["--stack", "prod"]) == 0
    got = capsys.readouterr().out
    assert squeezed(got) == squeezed(TABLE)
    assert len({line.find("yes") for line in got.splitlines() if "yes" in line}) == 1


@pytest.mark.usefixtures("repository")
def test_the_matrix_in_markdown_is_a_table_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "prod", "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:5] == [
        "| team | who | read | create and change | delete |",
        "| --- | --- | --- | --- | --- |",
        "| pricing | group data-platform | yes | yes | yes |",
    ]


@pytest.mark.usefixtures("repository")
def test_the_matrix_in_json_has_kubernetes_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stack"] == "dev"
    assert {grant["team"] for grant in document["grants"]} == {"team-a", "team-b"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", f"Group pricing-interns {INTERNS}".replace("*", "")),
        ("markdown", f"- **Group pricing-interns** {INTERNS}"),
        ("json", '"name": "pricing-interns"'),
    ],
)
def test_the_difference_is_told_in_every_format(
    repository: Repository, capsys: pytest.CaptureFixture[str], form: str, expected: str
) -> None:
    repository.add_interns()
    assert main(["--stack", "prod", "--against", "main", "--format", form]) == 0
    assert expected in [line.strip().rstrip(",") for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("name", "value", "coloured"), [("TERM", "xterm", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)]
)
def test_only_a_terminal_that_wants_colours_gets_them(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str, value: str, *, coloured: bool
) -> None:
    repository.add_interns()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    for arguments in ([], ["--against", "main"]):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        assert main(["--stack", "prod", *arguments]) == 0
        assert ("\033[" in terminal.getvalue()) is coloured


@pytest.mark.usefixtures("repository")
def test_what_is_no_terminal_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "prod"]) == 0
    assert "\033[" not in capsys.readouterr().out


@pytest.mark.usefixtures("repository")
def test_missing_secrets_are_mentioned_and_stop_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "prod", "--against", "HEAD"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("Nobody gains or loses rights in MLflow.\n")
    assert said.err.startswith("1 mistake in Pulumi.prod.yaml")


def test_mistakes_are_listed_as_a_preview_lists_them(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.change("dev", "profile: evaluation", "profile: production")
    repository.change("dev", "team-b:\n      description", "team-b:\n      descripton")
    assert main([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    first, *lines = said.err.splitlines()
    assert first == "5 mistakes in Pulumi.dev.yaml (docs/configuration.md lists every key)"
    text = (repository.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8").splitlines()
    found = {line.split(": ")[1]: text[int(line.split(":")[1]) - 1].strip() for line in lines}
    assert found == {
        "teams.team-b.descripton": "descripton: Demand forecasting",
        "login.kind": "kind: development",
        "certificate.kind": "kind: self-signed",
        "host": "mlflow-platform:host: mlflow.localhost",
        "server.image": f"image: localhost/mlflow-platform/mlflow:{MLFLOW}",
    }


@pytest.mark.parametrize("content", ["config: {a: 1", "- a", "\xff"])
def test_what_is_no_stack_file_is_refused(
    repository: Repository, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (repository.folder / "Pulumi.dev.yaml").write_bytes(content.encode("latin-1"))
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("Pulumi.dev.yaml cannot be read: ")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--stack", "production"], "there is no Pulumi.production.yaml here: the stacks here are dev, prod"),
        (["--stack", "company/mlflow-platform/staging"], "there is no Pulumi.staging.yaml here"),
        (["--stack", "a b"], "`a b` is not a valid stack name"),
        (["--against", "nowhere"], "there is no git revision `nowhere` here: use a branch, a tag or a commit"),
        (["--against", "--all"], "there is no git revision `--all` here"),
    ],
)
def test_what_is_not_there_is_named(capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
    try:
        code = main(arguments)
    except SystemExit as refused:
        code = refused.code
    assert code == 2
    assert capsys.readouterr().err.startswith((sentence, "usage: "))


def test_without_a_repository_there_is_nothing_to_compare_with(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(repository.folder / ".git")
    assert main(["--against", "main"]) == 2
    assert capsys.readouterr().err.startswith("git cannot read a revision here: fatal: not a git repository")


def test_a_stack_file_in_a_folder_of_the_repository_is_compared_with_itself(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository.folder / "platform"
    folder.mkdir()
    (folder / "Pulumi.prod.yaml").write_bytes((repository.folder / "Pulumi.prod.yaml").read_bytes())
    repository.add_interns()
    repository.commit()
    monkeypatch.chdir(folder)
    assert main(["--stack", "prod", "--against", "main"]) == 0
    assert "Nobody gains or loses rights in MLflow." in capsys.readouterr().out


def test_a_stack_that_is_new_gives_all_its_access(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    (repository.folder / "Pulumi.dev.yaml").rename("Pulumi.staging.yaml")
    assert main(["--stack", "staging", "--against", "main"]) == 0
    assert "Group team-a-mlflow-users gains read, create and change, and delete" in capsys.readouterr().out


def test_a_revision_with_an_older_form_is_named(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.change("prod", PRICING, "        owner: [pricing-mlflow-users]\n")
    repository.commit()
    repository.git("checkout", "--quiet", "HEAD~1", "--", ".")
    assert main(["--stack", "prod", "--against", "HEAD"]) == 1
    assert "Pulumi.prod.yaml at HEAD" in capsys.readouterr().err


def test_a_contradiction_of_the_past_is_let_pass(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.change("prod", PRICING, "        manager: [pricing-mlflow-users, pricing-mlflow-users]\n")
    repository.commit()
    repository.git("checkout", "--quiet", "HEAD~1", "--", ".")
    assert main(["--stack", "prod", "--against", "HEAD"]) == 0
    assert "Group data-platform gains" in capsys.readouterr().out


def test_it_runs_by_itself_and_says_how(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.access_matrix", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--against REVISION" in done.stdout
