"""The script `tools/deploy`, with a stand-in for GitHub and fake programs that record their calls."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.tools.access.repository import Repository
from tests.tools.copies import REAL_PYTHON, RECORDER, Copy
from tests.tools.delivery.parts import BROKEN, COMMIT, HEAD, RISKY, SAFE, TOKEN, events, plan, show
from tests.tools.github import GitHub
from tools.plan.fingerprint import fingerprint

# Like the program's calls of Python, but for the one that judges.
PYTHON = f'#!/bin/sh\ncase "$*" in *tools.delivery*) {REAL_PYTHON} ;; esac\necho "python $*" >> "$CALLS"\n'
PULUMI = f'{RECORDER}case "$1" in preview) cat events.json; [ ! -e broken ] ;; up) [ ! -e failing ] ;; esac\n'


class Delivery:
    """A folder with the stack files, whose last commit is the merge."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.copy = Copy(folder)
        self.github = github
        self.copy.program(".venv/bin/python", PYTHON)
        self.copy.program(".venv/bin/pulumi", PULUMI)
        self.preview(RISKY)

    def preview(self, text: str) -> None:
        """Set the preview that the engine gives from now on."""
        (self.copy.folder / "events.json").write_text(text, encoding="utf-8")

    def deploy(self, **env: str) -> subprocess.CompletedProcess[str]:
        """Deploy `dev`."""
        given = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "example/platform", "GITHUB_API_URL": self.github.url}
        return self.copy.run("deploy", "dev", **{"BASE": "HEAD", "COMMIT": COMMIT, **given, **env})

    @property
    def applied(self) -> list[str]:
        """Recorded calls that change something."""
        return [call for call in self.copy.calls if call.startswith("pulumi up")]


@pytest.fixture
def delivery(repository: Repository, github: GitHub) -> Delivery:
    return Delivery(repository.folder, github)


def test_an_approved_plan_is_applied_and_nothing_else_can_be(delivery: Delivery) -> None:
    show(delivery.github, RISKY)
    delivery.github.review("alice", HEAD)
    done = delivery.deploy()
    assert done.returncode == 0, done.stderr
    value = fingerprint(plan(RISKY)).value
    sentence = f"dev: plan {value}, approved by alice; pull request #7 (https://github.invalid/example/platform/pull/7)"
    assert sentence in done.stdout.splitlines()
    steps = [call.partition(" --")[0] for call in delivery.copy.calls]
    assert steps == [
        "python -m tools.torn_state",
        "pulumi stack select",
        "python -m tools.heal",
        "pulumi preview",
        "pulumi up",
        "python -m tools.smoke",
    ]
    preview, up = delivery.copy.calls[3:5]
    (saved,) = [word for word in preview.split() if word.endswith("plan.json")]
    assert f"--save-plan {saved} --policy-pack policy" in preview
    assert f"--plan {saved} --yes --skip-preview" in up
    assert "--policy-pack policy" in up
    assert sentence in up
    assert not Path(saved).parent.exists()


def test_a_plan_that_has_changed_since_is_not_applied_and_what_differs_is_told(delivery: Delivery) -> None:
    show(delivery.github, RISKY)
    delivery.github.review("alice", HEAD)
    delivery.preview(events("delete", "Namespace", "team-c"))
    done = delivery.deploy()
    assert done.returncode == 3
    assert delivery.applied == []
    assert (
        "  new: delete Namespace team-c\n  gone: delete Namespace team-b\n  other: interruptions\n  other: reasons\n"
        "  other: risks\n" in done.stderr
    )
    assert "dev: needs approval: data is at risk" in done.stderr


def test_a_plan_that_nobody_has_approved_is_not_applied(delivery: Delivery) -> None:
    show(delivery.github, RISKY)
    done = delivery.deploy()
    assert (done.returncode, delivery.applied) == (4, [])
    assert (
        "dev: needs approval: data is at risk (Namespace team-b: its pods, Secrets and volumes are lost" in done.stderr
    )
    assert "; nobody has approved it, so nothing was applied." in done.stderr


def test_a_plan_that_would_fail_is_not_applied_even_if_it_was_approved(delivery: Delivery) -> None:
    delivery.preview(BROKEN)
    (delivery.copy.folder / "broken").touch()
    done = delivery.deploy(APPROVED=fingerprint(plan(BROKEN)).value)
    assert (done.returncode, delivery.applied) == (2, [])
    assert "no such cluster" in done.stderr


def test_a_deployment_that_fails_is_not_told_as_refused(delivery: Delivery) -> None:
    delivery.preview(SAFE)
    (delivery.copy.folder / "failing").touch()
    done = delivery.deploy()
    assert (done.returncode, len(delivery.applied)) == (1, 1)
    assert not any("smoke" in call for call in delivery.copy.calls)


def test_the_json_of_a_plan_shows_the_fingerprint_that_can_be_approved(delivery: Delivery) -> None:
    delivery.copy.program(".venv/bin/python", f"#!/bin/sh\n{REAL_PYTHON}\n")
    shown = delivery.copy.run("preview-pull-request", "dev", BASE="HEAD", FORMAT="json")
    assert json.loads(shown.stdout)["plans"][0]["fingerprint"] == fingerprint(plan(RISKY)).value
