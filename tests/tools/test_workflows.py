import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PREVIEW, DEPLOY, DRIFT, RELEASE = (FOLDER / f"{name}.yml" for name in ("preview", "deploy", "drift", "release"))
TOOLS = FOLDER.parents[1] / "tools"


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
    assert [file.name for file in FILES] == ["deploy.yml", "drift.yml", "preview.yml", "release.yml", "test.yml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(file: Path) -> None:
    """Anybody who can move a tag of an action could read the secrets of the job."""
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


def test_a_jobs_token_writes_what_it_is_for_or_nothing() -> None:
    writes = {
        name: {key for key, value in job.get("permissions", {}).items() if value == "write"} for name, job in jobs()
    }
    assert writes == {
        "deploy.yml: prod": {"id-token"},
        "drift.yml: prod": {"id-token", "issues"},
        "preview.yml: preview": {"id-token"},
        "preview.yml: comment": {"pull-requests"},
        # Whoever can change what is built cannot write the repository, and the other way round.
        "release.yml: image": {"id-token", "packages"},
        "release.yml: publish": {"contents"},
        "test.yml: test": set(),
        "test.yml: scan": set(),
    }


def test_no_checkout_leaves_its_token_behind() -> None:
    for name, job in jobs():
        for step in steps(job, "actions/checkout"):
            assert step["with"]["persist-credentials"] is False, name


def test_secrets_are_those_of_an_environment_that_a_reviewer_releases() -> None:
    for name, job in jobs():
        assert "secrets." not in str(job) or job.get("environment"), name
    environments = {name: job["environment"] for name, job in jobs() if "environment" in job}
    assert environments == {
        "deploy.yml: prod": "production",
        "drift.yml: prod": "drift",
        "preview.yml: preview": "preview",
        "release.yml: image": "release",
    }


@pytest.mark.parametrize(
    ("file", "name", "only"),
    [(PREVIEW, "preview", "preview"), (DEPLOY, "prod", "deploy"), (DRIFT, "prod", "drift")],
    ids=["preview", "deploy", "drift"],
)
def test_only_one_step_sees_secrets(file: Path, name: str, only: str) -> None:
    job = workflow(file)["jobs"][name]
    assert ["secrets." in str(step) for step in job["steps"]] == [step.get("name") == only for step in job["steps"]]


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


def test_every_job_ends_at_some_time() -> None:
    assert [name for name, job in jobs() if not job.get("timeout-minutes")] == []


def test_a_deployment_follows_a_push_to_the_default_branch_and_nothing_else() -> None:
    assert workflow(DEPLOY)[True] == {"push": {"branches": ["main"]}}


@pytest.mark.parametrize("file", [DEPLOY, DRIFT, RELEASE], ids=["deploy", "drift", "release"])
def test_a_run_that_changes_something_is_never_cancelled_and_never_beside_another(file: Path) -> None:
    concurrency = workflow(file)["concurrency"]
    assert concurrency["cancel-in-progress"] is False
    # No expression: it is the same for every run.
    assert "${{" not in concurrency["group"]


def test_a_deployment_judges_the_commit_that_was_pushed_against_the_one_before() -> None:
    job = workflow(DEPLOY)["jobs"]["prod"]
    (checkout,) = steps(job, "actions/checkout")
    assert "ref" not in checkout["with"]
    assert checkout["with"]["fetch-depth"] == 2
    given = named(job, "deploy")["env"]
    assert given["COMMIT"] == "${{ github.sha }}"
    # Whoever could set these would approve.
    assert given.keys().isdisjoint({"APPROVED", "APPROVER", "PLAN_AUTHOR", "BASE"})
    assert job["permissions"]["pull-requests"] == "read"


@pytest.mark.parametrize("file", [DEPLOY, DRIFT, RELEASE], ids=["deploy", "drift", "release"])
def test_every_step_is_a_script_that_another_ci_can_run(file: Path) -> None:
    for job in workflow(file)["jobs"].values():
        for step in job["steps"]:
            words = step.get("run", "").removesuffix(" || [ $? -eq 1 ]").split()
            scripts = [word for word in words if word.startswith("tools/")]
            assert words == scripts + words[len(scripts) :][:1]
            assert all((TOOLS.parent / script).is_file() for script in scripts)


def test_drift_is_looked_for_every_night_and_told_in_an_issue() -> None:
    (nightly,) = workflow(DRIFT)[True]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", nightly["cron"])
    assert named(workflow(DRIFT)["jobs"]["prod"], "drift")["env"]["ISSUE"] == "yes"


def test_a_release_is_started_by_somebody_on_the_default_branch_alone() -> None:
    assert list(workflow(RELEASE)[True]) == ["workflow_dispatch"]
    job = workflow(RELEASE)["jobs"]["image"]
    assert job["if"] == "github.ref_name == github.event.repository.default_branch"
    assert workflow(RELEASE)["jobs"]["publish"]["needs"] == "image"


def test_an_image_is_examined_before_it_is_pushed_and_signed_before_it_is_published() -> None:
    jobs_of = workflow(RELEASE)["jobs"]
    steps_of = [str(step.get("run", step.get("uses"))).partition("@")[0] for step in jobs_of["image"]["steps"]]
    order = ["tools/release check", "tools/release build", "tools/release sbom", "anchore/scan-action"]
    order += ["tools/release push", "tools/release sign"]
    assert [step for step in steps_of if step in order] == order
    (scan,) = steps(jobs_of["image"], "anchore/scan-action")
    assert scan["with"]["fail-build"] is True
    published = [step["run"] for step in jobs_of["publish"]["steps"] if "run" in step]
    assert published == ["tools/bootstrap", "tools/release tag", "tools/release publish"]


def test_only_the_steps_that_write_get_the_token_of_a_release() -> None:
    having = [
        step["name"]
        for job in workflow(RELEASE)["jobs"].values()
        for step in job["steps"]
        if "github.token" in str(step)
    ]
    assert having == ["push", "tag", "publish"]
