"""The issue about drift, with a stand-in for GitHub."""

from collections.abc import Iterator

import pytest

from tests.tools.drifted.parts import TIME
from tests.tools.github import GitHub, serving
from tools.drifted import report
from tools.drifted.drift import Difference, Drift
from tools.drifted.issue import keep, marker
from tools.drifted.managers import Manager
from tools.github import Repository

TOKEN = "ours"  # noqa: S105 - opens nothing but the stand-in
NOTHING = Drift(stack="prod", differences=[])


@pytest.fixture(scope="module")
def server() -> Iterator[GitHub]:
    with serving(TOKEN) as github:
        yield github


@pytest.fixture
def github(server: GitHub) -> GitHub:
    """GitHub without issues."""
    server.issues.clear()
    server.requests.clear()
    return server


def changed(cluster: str, stack: str = "prod") -> Drift:
    by = Manager(name="kubectl-patch", operation="Update", time=TIME)
    one = Difference(
        urn="urn::a",
        object="ConfigMap mlflow/settings",
        field="data.key",
        stack="one",
        cluster=cluster,
        by=(by,),
        up="`up` leaves it",
    )
    return Drift(stack=stack, differences=[one])


def kept(github: GitHub, found: Drift) -> str:
    return keep(Repository(api=github.url, name="example/platform", token=TOKEN), found)


def test_drift_opens_one_issue_that_names_field_values_and_manager(github: GitHub) -> None:
    assert kept(github, changed("two")).startswith("opened https://github.invalid/")
    (issue,) = github.issues
    assert issue["title"] == "prod: the cluster differs from the stack"
    assert issue["body"].startswith(f"{marker('prod')}\n\n### prod: 1 difference between the cluster and the stack")
    assert "- `ConfigMap mlflow/settings`: data.key\n  - in the stack: one\n  - in the cluster: two" in issue["body"]
    assert f"  - written by: kubectl-patch (Update, {TIME})" in issue["body"]


def test_the_next_night_edits_it_in_place_and_only_if_something_is_new(github: GitHub) -> None:
    kept(github, changed("two"))
    kept(github, changed("two"))
    assert github.requests.count("PATCH") == 0
    kept(github, changed("three"))
    (issue,) = github.issues
    assert "in the cluster: three" in issue["body"]


def test_without_drift_it_is_closed_and_another_one_is_opened_later(github: GitHub) -> None:
    kept(github, changed("two"))
    assert kept(github, NOTHING).startswith("closed ")
    assert [issue["state"] for issue in github.issues] == ["closed"]
    assert kept(github, NOTHING) == "no drift, and no open issue"
    kept(github, changed("two"))
    assert [issue["state"] for issue in github.issues] == ["closed", "open"]


def test_issues_of_other_stacks_and_of_others_are_left_alone(github: GitHub) -> None:
    github.open("mine", f"{marker('prod')}\n\nmine", by="mallory")
    github.open("a pull request", marker("prod"))["pull_request"] = {}
    kept(github, changed("two", stack="dev"))
    kept(github, NOTHING)
    assert [issue["state"] for issue in github.issues] == ["open", "open", "open"]


def test_no_value_from_the_cluster_can_become_markdown_and_long_ones_are_shortened(github: GitHub) -> None:
    kept(github, changed("@everybody [click](https://evil.example.com)\n# x" + "y" * 500))
    (issue,) = github.issues
    assert "in the cluster: `@everybody [click](https://evil.example.com) # x" in issue["body"]
    assert "y" * 200 not in issue["body"]


def test_an_issue_is_as_long_as_github_takes() -> None:
    many = Drift(stack="prod", differences=list(changed("two").differences) * 1000)
    text = report.markdown(many)
    assert len(text) < 65_536
    assert text.endswith("more: `make drift` shows them")
