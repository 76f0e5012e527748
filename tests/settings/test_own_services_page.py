"""The stack files in docs/own-services.md are valid as written."""

import re

import pytest
import yaml

from tests.settings.stack_files import ROOT, Complaints, Document, committed, validated

PAGE = (ROOT / "docs" / "own-services.md").read_text(encoding="utf-8")
SECTIONS = ("database", "artifacts")
# One is left out: its certificate is not written down.
SNIPPETS = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "..." not in text]


def document(text: str) -> Document:
    """A snippet, completed with the other settings of the `dev` stack."""
    said = {key.removeprefix("mlflow-platform:"): value for key, value in yaml.safe_load(text)["config"].items()}
    return committed("dev") | said


@pytest.mark.parametrize("text", SNIPPETS)
def test_every_stack_file_of_the_page_is_right(text: str, complaints: Complaints) -> None:
    written = document(text)
    secrets = validated(written).needed_secrets
    assert complaints(written | dict.fromkeys(secrets, "hunter2"), encrypted=secrets) == []


def test_the_page_shows_each_way() -> None:
    kinds = {written[section]["kind"] for text in SNIPPETS for written in [document(text)] for section in SECTIONS}
    assert kinds >= {"external", "s3", "sqlite", "volume"}
