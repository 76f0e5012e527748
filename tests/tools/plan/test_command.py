import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.access.repository import Repository
from tests.tools.github import GitHub, serving
from tests.tools.plan.parts import EVENTS, stream
from tools.plan import report
from tools.plan.__main__ import main

HIDDEN = r"<!-- mlflow-platform fingerprint dev sha256:\w+ \S+ -->"
TOKEN = "ours"  # noqa: S105 - opens nothing but the stand-in


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "dev.json"
    file.write_text(stream(EVENTS[3], EVENTS[-1]), encoding="utf-8")
    return file


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving(TOKEN) as found:
        yield found


def test_the_plan_goes_to_standard_output_and_its_outcome_is_the_exit_code(
    events: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repository.folder
    assert main([f"dev={events}"]) == 0
    assert capsys.readouterr().out.startswith("dev: safe to apply\n")
    events.write_text(stream(*EVENTS), encoding="utf-8")
    assert main([f"dev={events}", "--format", "markdown"]) == 2
    assert re.match(rf"{report.MARKER}\n{HIDDEN}\n\n## dev: would fail", capsys.readouterr().out)


def test_access_and_sums_are_compared_with_the_revision(
    events: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.add_interns()
    assert main(["--against", "main", f"dev={events}", f"prod={events}"]) == 1
    dev, prod = capsys.readouterr().out.split("\n\nprod: ")
    assert "  Rights in MLflow: unchanged." in dev
    assert prod.startswith("needs approval: access is gained by group pricing-interns\n")
    assert "Group pricing-interns gains read on team pricing" in prod


def test_a_stack_file_that_cannot_be_read_stops_no_plan(
    events: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.change("dev", "profile: evaluation", "profil: evaluation")
    repository.commit()
    repository.git("checkout", "--quiet", "HEAD~1", "--", ".")
    repository.change("prod", "profile: production", "profile: none")
    assert main(["--against", "HEAD", f"dev={events}", f"prod={events}"]) == 1
    text = capsys.readouterr().out
    assert "The stack file at `HEAD` has an older format, so that access cannot be compared." in text
    assert "The stack file has mistakes, so the access is unknown" in text


@pytest.mark.usefixtures("repository")
def test_an_unknown_revision_is_told_in_the_plan_and_fails(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against", "nowhere", f"dev={events}"]) == 2
    assert "Access cannot be compared: there is no git revision `nowhere` here" in capsys.readouterr().out


@pytest.mark.usefixtures("repository")
def test_a_price_list_is_read_and_a_wrong_one_is_refused_with_its_lines(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("cpu: 25\nmemory: 3.5\n", encoding="utf-8")
    assert main([f"dev={events}", "--prices", str(prices)]) == 0
    prices.write_text("cpu: much\nmemory: 3.5\n", encoding="utf-8")
    assert main([f"dev={events}", "--prices", str(prices)]) == 2
    assert capsys.readouterr().err.endswith("expected lines like `cpu: 25.0`, money a month; wrong: cpu\n")


def test_a_file_that_is_missing_is_named_with_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev=nowhere.json"]) == 2
    assert "dev=nowhere.json: expected STACK=FILE" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_with_post_the_plan_goes_to_the_pull_request(
    events: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "example/platform",
        "GITHUB_API_URL": github.url,
        "PULL_REQUEST": "7",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert main(["--post", f"dev={events}"]) == 0
    (comment,) = github.comments
    assert re.match(rf"{report.MARKER}\n{HIDDEN}\n\n## dev: safe to apply", comment["body"])


@pytest.mark.usefixtures("repository")
def test_post_names_the_variable_that_is_not_set(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/platform")
    monkeypatch.delenv("PULL_REQUEST", raising=False)
    assert main(["--post", f"dev={events}"]) == 2
    assert "PULL_REQUEST is not set" in capsys.readouterr().err
