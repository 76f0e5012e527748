"""The commands of the pull request workflow, and the environment variables that they run with."""

from collections.abc import Mapping
from typing import Any

import yaml

from testbed.e2e.clone import Clone
from testbed.e2e.commands import CHECKOUT
from tests.tools.github import GitHub

WORKFLOW = CHECKOUT / ".github" / "workflows" / "preview.yml"
# Variables of the tests' own environment that the commands use.
INHERITED = frozenset({"PULUMI_CONFIG_PASSPHRASE", "POLICY_PACK"})


def workflow_commands(given: Mapping[str, str]) -> str:
    """Return the commands of the job that previews and of the job that comments.

    Raises:
        LookupError: the workflow sets a variable that is not given.
    """
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    commands: list[str] = []
    for name in ("preview", "comment"):
        (step,) = [step for step in workflow["jobs"][name]["steps"] if step.get("name") == name]
        missing = step["env"].keys() - given.keys() - INHERITED
        if missing:
            raise LookupError(
                f"{WORKFLOW.name} sets variables that the tests do not give: {', '.join(sorted(missing))}"
            )
        commands.append(step["run"])
    return "\n".join(commands)


def environment(github: GitHub, clone: Clone) -> dict[str, str]:
    """Environment variables that GitHub and the workflow set, with a path for the kubeconfig that it writes."""
    return {
        "KUBECONFIG": str(clone.kubeconfig),
        "EVENTS": str(clone.folder.parent / "events"),
        "TOOLS": str(clone.folder / "tools"),
        "CONTENTS": clone.kubeconfig.read_text(encoding="utf-8"),
        **clone.environment,
        "GITHUB_TOKEN": github.token,
        "GITHUB_REPOSITORY": "example/platform",
        "GITHUB_API_URL": github.url,
        "PULL_REQUEST": "7",
        "BASE": "HEAD",
        "HEAD_COMMIT": "",
    }
