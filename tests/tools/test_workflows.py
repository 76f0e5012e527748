import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PREVIEW = FOLDER / "preview.yml"


def workflow(file: Path) -> dict[Any, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job of every workflow, by file and name."""
    for file in FILES:
        for name, job in workflow(file)["jobs"].items():
            yield f"{file.name}: {name}", job


def steps(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]


def named(job: dict[str, Any], name: str) -> dict[str, Any]:
    (step,) = [step for step in job["steps"] if step.get("name") == name]
    return step


def test_the_workflows_are_found() -> None:
    assert [file.name for file in FILES] == ["preview.yml", "test.yml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(file: Path) -> None:
    """Whoever can move a tag of an action could read the secrets of the job."""
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    pinned = r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [action for action in used if not re.fullmatch(pinned, action)] == []


def test_an_action_has_one_version() -> None:
    versions = {action for file in FILES for action in re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))}
    assert len(versions) == len({action.partition("@")[0] for action in versions})


def test_no_job_gets_permissions_that_it_does_not_name() -> None:
    for file in FILES:
        assert workflow(file)["permissions"] in ({}, {"contents": "read"})


def test_a_jobs_token_writes_comments_or_nothing() -> None:
    writes = {
        name: {key for key, value in job.get("permissions", {}).items() if value == "write"} for name, job in jobs()
    }
    assert writes == {
        "preview.yml: preview": {"id-token"},
        "preview.yml: comment": {"pull-requests"},
        "test.yml: test": set(),
    }


def test_no_checkout_leaves_its_token_behind() -> None:
    for name, job in jobs():
        for step in steps(job, "actions/checkout"):
            assert step["with"]["persist-credentials"] is False, name


def test_secrets_are_those_of_an_environment_that_a_reviewer_releases() -> None:
    for name, job in jobs():
        assert "secrets." not in str(job) or job.get("environment"), name
    assert workflow(PREVIEW)["jobs"]["preview"]["environment"] == "preview"


def test_only_the_step_of_the_preview_sees_secrets() -> None:
    job = workflow(PREVIEW)["jobs"]["preview"]
    assert ["secrets." in str(step) for step in job["steps"]] == [
        step.get("name") == "preview" for step in job["steps"]
    ]


def test_no_script_contains_text_of_a_pull_request() -> None:
    """An expression in a script is replaced before the shell reads it."""
    for name, job in jobs():
        assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == [], name


def test_a_pull_request_cannot_change_the_workflow_that_has_secrets() -> None:
    # PyYAML reads `on` as true.
    assert list(workflow(PREVIEW)[True]) == ["pull_request_target"]


@pytest.mark.parametrize("name", ["preview", "comment"])
def test_a_commit_that_nobody_has_released_is_not_run(name: str) -> None:
    job = workflow(PREVIEW)["jobs"][name]
    proposed, released = named(job, "proposed"), named(job, "released")
    # The merge of the pull request: its first parent is the base branch, its second the pull request.
    assert proposed["with"]["fetch-depth"] == 2
    assert "HEAD^2" in released["run"]
    assert released["env"] == {"RELEASED": "${{ github.event.pull_request.head.sha }}"}
    assert job["steps"].index(released) == job["steps"].index(proposed) + 1


def test_the_job_that_can_write_runs_the_base_branchs_tools_alone() -> None:
    job = workflow(PREVIEW)["jobs"]["comment"]
    assert named(job, "comment")["env"]["TOOLS"] == "${{ github.workspace }}/base/tools"
    assert named(job, "comment")["env"]["BASE"] == "HEAD^1"
    assert [step["run"] for step in job["steps"] if "proposed/" in step.get("run", "")] == []
    assert "ref" not in named(job, "base")["with"]
