import json

import pytest

from tests.tools.access.repository import Repository
from tools.check import main


def test_all_stack_files_of_the_folder_are_checked(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert repository.folder
    # The committed file of `prod` has no secret.
    assert main([]) == 1
    dev, prod, *_ = capsys.readouterr().out.splitlines()
    assert dev == "Pulumi.dev.yaml: no mistakes"
    assert prod.startswith("mistake loginClientSecret: is missing")


def test_a_mistake_has_its_file_and_line_and_the_others_are_checked_all_the_same(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.change("dev", "profile: evaluation", "profile: evalution")
    assert main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    mistake, other = [line for line in lines if line.startswith("mistake ")]
    assert "loginClientSecret" in other
    assert mistake.startswith("mistake Pulumi.dev.yaml:")
    assert "profile: expected" in mistake


def test_a_file_that_is_no_yaml_is_a_sentence(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    (repository.folder / "Pulumi.dev.yaml").write_text("config: [", encoding="utf-8")
    assert main(["dev"]) == 1
    assert "Pulumi.dev.yaml cannot be read" in capsys.readouterr().out


def test_an_unknown_stack_is_told_with_those_that_there_are(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repository.folder
    assert main(["nope"]) == 2
    assert "the stacks here are dev, prod" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_the_json_has_the_same_fields_whatever_is_found(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.change("dev", "profile: evaluation", "profile: evalution")
    assert main(["--json"]) == 1
    dev, prod = json.loads(capsys.readouterr().out)
    assert dev.keys() == prod.keys()
    assert (dev["valid"], prod["unreadable"]) == (False, None)
    assert dev["mistakes"][0]["key"] == "profile"
    assert dev["mistakes"][0]["line"]
