"""Judgement on a plan: applied or not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.delivery.parts import COMMIT, HEAD, RISKY, SAFE, TOKEN, events, plan, show
from tests.tools.github import GitHub
from tools.delivery.__main__ import main
from tools.plan.fingerprint import fingerprint

Judge = Callable[..., tuple[int, str]]
"""Judges a preview with some environment variables; returns the exit code and the output."""


@pytest.fixture
def judge(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Judge:
    given = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "example/platform", "GITHUB_API_URL": github.url}
    file = tmp_path / "events.json"

    def judged(text: str = RISKY, *options: str, **env: str) -> tuple[int, str]:
        file.write_text(text, encoding="utf-8")
        # A workflow that runs the tests has the variable too.
        monkeypatch.setenv("GITHUB_GRAPHQL_URL", f"{github.url}/graphql")
        for name, value in {"COMMIT": COMMIT, "APPROVED": "", "APPROVER": "", **given, **env}.items():
            monkeypatch.setenv(name, value)
        code = main([f"dev={file}", *(options or ("--against", "HEAD"))])
        said = capsys.readouterr()
        assert bool(said.out) == (code == 0)
        return code, said.out + said.err

    return judged


def unapproved(judged: tuple[int, str], reason: str) -> bool:
    code, said = judged
    return code == 4 and reason in said


pytestmark = pytest.mark.usefixtures("repository")


def test_a_safe_plan_that_was_shown_has_to_be_the_same_too(github: GitHub, judge: Judge) -> None:
    show(github, SAFE)
    assert judge(SAFE)[0] == 0
    assert judge(events("create", "Service", "b"))[0] == 3


def test_a_safe_plan_needs_no_approval(judge: Judge) -> None:
    code, said = judge(SAFE)
    assert code == 0
    assert "safe, so it needs no approval; pull request #7" in said


def test_a_commit_that_no_pull_request_has_made_is_not_approved(github: GitHub, judge: Judge) -> None:
    github.pulls.clear()
    assert unapproved(judge(), f"commit {COMMIT[:12]}, which no pull request has created")


def test_a_pull_request_that_only_contains_the_commit_has_not_made_it(github: GitHub, judge: Judge) -> None:
    (found,) = github.pulls[COMMIT]
    found["merge_commit_sha"] = "e" * 40
    assert unapproved(judge(), "which no pull request has created")


def test_a_comment_of_somebody_else_is_no_plan(github: GitHub, judge: Judge) -> None:
    show(github, RISKY, by="mallory")
    github.review("alice", HEAD)
    assert unapproved(judge(), "which has no plan of dev in a comment that github-actions[bot] alone has written")


def test_a_comment_that_somebody_else_has_edited_is_no_plan(github: GitHub, judge: Judge) -> None:
    node = show(github, RISKY)
    github.review("alice", HEAD)
    github.editors[node] = "mallory"
    assert unapproved(judge(), "alone has written")
    github.editors[node] = "github-actions[bot]"
    assert judge()[0] == 0


def test_another_ci_may_write_the_plan_with_an_account_of_its_own(github: GitHub, judge: Judge) -> None:
    show(github, RISKY, by="our-ci[bot]")
    github.review("alice", HEAD)
    assert judge(PLAN_AUTHOR="our-ci[bot]")[0] == 0


@pytest.mark.parametrize(
    ("review", "permission", "reason"),
    [
        ({"commit": "e" * 40}, "write", "alice approved another commit (eeeeeeeeeeee)"),
        ({"at": "2026-11-02T09:59:59Z"}, "write", "alice approved before the plan was posted"),
        ({}, "read", "alice has no write access to the repository"),
        ({"state": "CHANGES_REQUESTED"}, "write", "nobody has approved it"),
    ],
    ids=["another commit", "too early", "a passer-by", "changes requested"],
)
def test_a_review_that_is_none_of_this_plan_does_not_count(
    github: GitHub, judge: Judge, review: dict[str, str], permission: str, reason: str
) -> None:
    show(github, RISKY)
    github.review("alice", **{"commit": HEAD, **review})
    github.permissions["alice"] = permission
    assert unapproved(judge(), reason)


def test_the_last_review_of_a_person_counts_and_a_remark_is_none(github: GitHub, judge: Judge) -> None:
    show(github, RISKY)
    github.review("alice", HEAD)
    github.review("alice", HEAD, state="DISMISSED")
    assert unapproved(judge(), "nobody has approved it")
    github.review("alice", HEAD)
    github.review("alice", HEAD, state="COMMENTED")
    assert judge()[0] == 0


def test_elsewhere_the_fingerprint_is_given(judge: Judge) -> None:
    given = {"COMMIT": "", "GITHUB_TOKEN": "", "APPROVER": "bob"}
    approved = fingerprint(plan(RISKY)).value
    code, said = judge(APPROVED=f"sha256:{'0' * 64}", **given)
    assert code == 3
    assert "what differs is unknown, because only a fingerprint was given" in said
    code, said = judge(APPROVED=approved, **given)
    assert code == 0
    assert said == f"dev: plan {approved}, approved by bob; the variable APPROVED\n"
    assert unapproved(judge(**given), "neither APPROVED nor COMMIT is set")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"APPROVED": "sha256:short"}, "APPROVED is not a fingerprint"),
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_TOKEN": "someone else's"}, "the token is invalid or expired"),
    ],
)
def test_what_cannot_be_judged_is_not_applied(judge: Judge, env: dict[str, str], said: str) -> None:
    code, told = judge(**env)
    assert code == 2
    assert said in told


def test_nothing_is_applied_without_what_the_plan_is_compared_with(judge: Judge) -> None:
    code, said = judge(SAFE, "--against", "nowhere")
    assert code == 2
    assert "there is no git revision nowhere" in said
    code, said = judge(SAFE, "--prices", "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml cannot be read" in said
