"""The environment of the pull request workflow's commands in the end-to-end tests."""

from pathlib import Path

import pytest

from testbed.e2e.clone import Clone
from testbed.e2e.preview_workflow import environment, workflow_commands
from tests.tools.github import GitHub


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    clone = Clone(folder=tmp_path / "clone", state=tmp_path / "state", credentials={})
    clone.kubeconfig.write_text("apiVersion: v1", encoding="utf-8")
    return environment(GitHub(token="a token"), clone)  # noqa: S106 - opens nothing


def test_the_end_to_end_tests_give_every_variable_that_the_workflow_sets(given: dict[str, str]) -> None:
    assert "preview-pull-request" in workflow_commands(given)


@pytest.mark.parametrize("name", ["EVENTS", "HEAD_COMMIT", "TOOLS"])
def test_a_variable_of_the_workflow_that_is_not_given_is_named(given: dict[str, str], name: str) -> None:
    del given[name]
    with pytest.raises(LookupError, match=rf"preview\.yml .*{name}"):
        workflow_commands(given)
