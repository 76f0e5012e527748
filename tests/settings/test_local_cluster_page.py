"""The changes of the `dev` stack in docs/local-cluster.md are valid as written."""

import re

import pytest
import yaml

from tests.settings.stack_files import ROOT, Complaints, committed

PAGE = (ROOT / "docs" / "local-cluster.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_every_stack_file_of_the_page_is_right(text: str, complaints: Complaints) -> None:
    said = {key.removeprefix("mlflow-platform:"): value for key, value in yaml.safe_load(text)["config"].items()}
    assert complaints(committed("dev") | said) == []


def test_the_login_of_the_page_differs_from_the_dev_stacks_in_one_word(complaints: Complaints) -> None:
    stack = committed("dev")
    assert complaints(stack | {"login": {**stack["login"], "kind": "basic"}}) == []
    assert len(BLOCKS) == 2
