"""Thirteen pull requests on the deployed `dev` stack: the comment that each gets, and its exit code.

The comments in `comments/` are reviewed by people. After an intended change write them again with WRITE_COMMENTS=1, and
read the difference.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.e2e import api_server
from testbed.e2e.clone import Clone
from testbed.e2e.commands import run
from testbed.e2e.figures import Figures
from tools.plan.fingerprint import HIDDEN

FOLDER = Path(__file__).with_name("comments")
FILE = "Pulumi.dev.yaml"
# Names that Pulumi makes end with eight hexadecimal digits.
HASH = re.compile(r"-[0-9a-f]{8}\b")
Stack = dict[str, Any]


def nothing(_: Stack) -> None:
    """The stack file stays as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    """A change of the stack file or of the program, and the exit code of its plan."""

    code: int
    stack: Callable[[Stack], object] = nothing
    """Changes the sections of the stack file, which are given by name."""

    program: tuple[str, str, str] | None = None
    """A file, a line of it, and the line in its place."""


def add_a_team(stack: Stack) -> None:
    stack["teams"]["team-c"] = {"description": "Pricing"}


def remove_a_team(stack: Stack) -> None:
    del stack["teams"]["team-b"]
    stack["login"]["users"] |= {"bob@example.com": {}, "dora@example.com": {"groups": ["team-a-mlflow-users"]}}


def widen_a_role(stack: Stack) -> None:
    stack["teams"]["team-b"]["groups"] = {"manager": ["team-b-mlflow-users"], "viewer": ["interns"]}


def change_the_host(stack: Stack) -> None:
    stack["host"] = "ml.localhost"


def resize_the_database(stack: Stack) -> None:
    stack["database"]["memoryLimit"] = "2304Mi"


def grow_the_volume(stack: Stack) -> None:
    stack["artifacts"]["storage"] = "20Gi"


def rotate(stack: Stack) -> None:
    stack["certificate"]["issued"] = "2026-11-20"


def upgrade(stack: Stack) -> None:
    stack["server"]["image"] = "localhost/mlflow-platform/mlflow:3.17.3"


def loosen_a_network(stack: Stack) -> None:
    stack["cluster"] = {"apiServer": api_server.addresses()}
    stack["workspaces"] = {"apiServer": True}


def switch_the_login(stack: Stack) -> None:
    stack["login"] = {"kind": "basic", "users": {"alice@example.com": {"groups": ["team-a-mlflow-users"]}}}


def move_the_bucket(stack: Stack) -> None:
    stack["artifacts"] = {
        "kind": "s3",
        "bucket": "company-mlflow",
        "endpointUrl": "https://s3.example.com",
        "credentials": {"kind": "secret", "name": "company-store"},
    }


def a_typo(stack: Stack) -> None:
    stack["profile"] = "evalution"


PULL_REQUESTS = {
    "add a team": PullRequest(code=1, stack=add_a_team),
    "remove a team": PullRequest(code=1, stack=remove_a_team),
    "widen a role": PullRequest(code=1, stack=widen_a_role),
    "change the host": PullRequest(code=1, stack=change_the_host),
    "resize the database": PullRequest(code=1, stack=resize_the_database),
    "grow a volume": PullRequest(code=2, stack=grow_the_volume),
    "rename a component": PullRequest(code=2, program=("__main__.py", '        "gateway",\n', '        "entrance",\n')),
    "rotate the certificate": PullRequest(code=0, stack=rotate),
    "upgrade MLflow": PullRequest(code=1, stack=upgrade),
    "loosen a network": PullRequest(code=1, stack=loosen_a_network),
    "switch the login": PullRequest(code=1, stack=switch_the_login),
    "move the bucket": PullRequest(code=1, stack=move_the_bucket),
    "make a typo": PullRequest(code=2, stack=a_typo),
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, aws_credentials: dict[str, str]) -> Clone:
    """A clone whose stack has the deployed resources."""
    folder = tmp_path_factory.mktemp("plans")
    made = Clone.make(folder, aws_credentials)
    state = folder / "dev.json"
    # Secrets in plain text: the clone's stack encrypts them with a key of its own.
    state.write_text(run("pulumi", "stack", "export", "--stack", "dev", "--show-secrets").stdout, encoding="utf-8")
    made.make_stack("dev")
    made.run("pulumi", "stack", "import", "--stack", "dev", "--file", str(state))
    state.unlink()
    made.commit()
    return made


def changed(text: str, change: Callable[[Stack], object]) -> str:
    """The stack file with some sections changed."""
    document = yaml.safe_load(text)
    stack = {key.partition(":")[2]: value for key, value in document["config"].items()}
    change(stack)
    document["config"] = {f"mlflow-platform:{key}": value for key, value in stack.items()}
    return yaml.safe_dump(document, sort_keys=False)


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_a_pull_request_gets_the_reviewed_comment_and_its_exit_code(name: str, clone: Clone, figures: Figures) -> None:
    request = PULL_REQUESTS[name]
    clone.run("git", "checkout", "--quiet", "--", ".")
    file = clone.folder / FILE
    file.write_text(changed(file.read_text(encoding="utf-8"), request.stack), encoding="utf-8")
    if request.program:
        clone.change(*request.program)
    done = clone.run("tools/preview-pull-request", "dev", expected=None)
    figures.add(f"plan of `dev`: {name}", done.seconds)
    comment = HASH.sub("-HASH", HIDDEN.sub("<!-- fingerprint -->", done.stdout))
    golden = FOLDER / f"{name.replace(' ', '-')}.md"
    if os.environ.get("WRITE_COMMENTS"):
        FOLDER.mkdir(exist_ok=True)
        golden.write_text(comment, encoding="utf-8")
    assert (comment, done.code) == (golden.read_text(encoding="utf-8"), request.code), done.said


def test_the_same_change_gives_the_same_bytes(clone: Clone) -> None:
    clone.run("git", "checkout", "--quiet", "--", ".")
    file = clone.folder / FILE
    file.write_text(changed(file.read_text(encoding="utf-8"), widen_a_role), encoding="utf-8")
    first, second = (clone.run("tools/preview-pull-request", "dev", expected=None).stdout for _ in range(2))
    assert first == second


def test_a_plan_of_twenty_teams_has_all_their_changes(clone: Clone, figures: Figures) -> None:
    clone.run("git", "checkout", "--quiet", "--", ".")
    file = clone.folder / FILE
    teams: Stack = {f"team-{number:02}": {} for number in range(18)}
    file.write_text(changed(file.read_text("utf-8"), lambda stack: stack["teams"].update(teams)), encoding="utf-8")
    done = clone.run("tools/preview-pull-request", "dev", env={"FORMAT": "json"}, expected=1)
    assert len(json.loads(done.stdout)["plans"][0]["changes"]) > 18 * 10
    figures.add("plan of `dev` with eighteen new teams", done.seconds)
