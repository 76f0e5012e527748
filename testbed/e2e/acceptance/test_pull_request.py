"""The command of the pull request workflow, with previews by the real engine."""

import os
from pathlib import Path

import pytest

from testbed.e2e.clone import Clone
from testbed.e2e.figures import Figures
from testbed.e2e.preview_workflow import environment, workflow_commands
from tests.tools.github import serving
from tools.plan.report import MARKER

TOKEN = "the-workflow's-own-token"  # noqa: S105 - opens nothing but the stand-in


@pytest.fixture
def clone(tmp_path: Path, aws_credentials: dict[str, str]) -> Clone:
    made = Clone.make(tmp_path, aws_credentials)
    made.make_stack("dev")
    made.make_stack("prod")
    made.commit()
    made.kubeconfig.write_text(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"), encoding="utf-8")
    return made


GAIN = "gains *read*, *create and change*, and *delete* on team"


def section(body: str, stack: str, heading: str) -> str:
    """The text below a heading of the part about a stack."""
    part = body.partition(f"\n## {stack}: ")[2].partition("\n## ")[0]
    return part.partition(f"### {heading}\n\n")[2].partition("\n\n")[0]


def test_one_comment_tells_who_gains_access_and_what_changes_and_is_updated_in_place(
    clone: Clone, figures: Figures
) -> None:
    managers = "manager: [pricing-mlflow-users, data-platform]\n"
    clone.change("Pulumi.prod.yaml", managers, f"{managers}        viewer: [pricing-interns]\n")
    clone.commit()
    with serving(TOKEN) as github:
        for number in range(120):
            github.add(f"remark {number} of a long discussion")
        head = clone.run("git", "rev-parse", "HEAD").stdout.strip()
        given = {**environment(github, clone), "BASE": "HEAD^1", "HEAD_COMMIT": head}
        first = clone.run("sh", "-euc", workflow_commands(given), env=given)
        ours = [comment for comment in github.comments if MARKER in comment["body"]]
        assert len(ours) == 1
        body = ours[0]["body"]
        assert section(body, "dev", "Who gains or loses access") == "- Rights in MLflow: unchanged."
        gains, members = section(body, "prod", "Who gains or loses access").splitlines()
        assert gains == (
            "- **Group pricing-interns** gains *read* on team pricing (experiments, runs, artifacts, datasets,"
            " registered models)"
        )
        assert members.startswith("- Members of group pricing-interns: the identity provider knows them")
        assert "\n## prod: needs approval: access is gained by group pricing-interns" in body
        assert body.index("\n## dev: ") < body.index("\n## prod: ")
        assert "+ Namespace team-a-namespace" in body
        assert "+ RoleBinding pricing-viewer-binding" in body
        assert f"Plan of commit {head[:12]}." in body
        figures.add("pull request: previews of both stacks and a comment", first.seconds)

        clone.change("Pulumi.dev.yaml", "description: Demand forecasting", "description: Demand")
        clone.change("Pulumi.dev.yaml", "    team-b:\n", "    team-c:\n      description: A new team\n    team-b:\n")
        clone.run("tools/preview-pull-request", "dev", env=environment(github, clone), expected=1)
        again = [comment for comment in github.comments if MARKER in comment["body"]]
        assert [comment["id"] for comment in again] == [ours[0]["id"]]
        access = section(again[0]["body"], "dev", "Who gains or loses access").splitlines()
        assert access[0].startswith(f"- **Group team-c-mlflow-users** {GAIN} team-c ")
        assert any(line.startswith("- **Team team-c** is new") for line in access)
        assert "+ Namespace team-c-namespace" in again[0]["body"]
        assert github.requests.count("POST") == 1


def test_a_broken_rule_is_named_in_the_comment_and_fails_the_check(clone: Clone) -> None:
    clone.change("components/login/identity_provider.py", "resources=RESOURCES.to_args(),", "")
    with serving(TOKEN) as github:
        done = clone.run("tools/preview-pull-request", "dev", env=environment(github, clone), expected=None)
    assert done.code == 2
    (comment,) = github.comments
    assert "containers-are-sized" in comment["body"]
    assert "identity-server" in comment["body"]


def test_a_mistake_in_the_stack_file_is_quoted_in_the_comment(clone: Clone) -> None:
    clone.change("Pulumi.prod.yaml", "kind: oidc", "kind: development")
    done = clone.run("tools/preview-pull-request", "prod", expected=None)
    assert done.code == 2
    assert "Pulumi.prod.yaml" in done.stdout
    assert "- Unknown until the mistakes above are corrected." in done.stdout
    assert "login" in done.stdout


def test_a_refusal_of_github_says_what_is_wrong_with_the_token(clone: Clone) -> None:
    with serving(TOKEN) as github:
        refused = environment(github, clone) | {"GITHUB_TOKEN": "somebody else's"}
        done = clone.run("tools/preview-pull-request", "prod", env=refused, expected=None)
    assert done.code == 1
    assert "the token is invalid or expired" in done.stderr
