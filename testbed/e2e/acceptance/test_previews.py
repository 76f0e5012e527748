"""Previews by the real engine: no changes after `up`, both stacks pass the policy pack, a broken one does not."""

import os
import re
from pathlib import Path

import pytest

from testbed.e2e.clone import Clone
from testbed.e2e.commands import run
from testbed.e2e.figures import Figures

UP_SECONDS = 240
CHANGES = re.compile(r"^ +[-+~]+ *(\d+) (?:to )?(created?|updated?|deleted?|replaced?)\b", re.MULTILINE)


@pytest.fixture
def clone(tmp_path: Path, aws_credentials: dict[str, str]) -> Clone:
    return Clone.make(tmp_path, aws_credentials)


def test_a_second_up_changes_nothing(figures: Figures) -> None:
    whole = run("make", "up", seconds=UP_SECONDS)
    assert re.search(r"^ +\d+ unchanged$", whole.stdout, re.MULTILINE), whole.stdout
    assert not CHANGES.search(whole.stdout), whole.stdout
    figures.add("second `make up`, everything there, with its smoke test", whole.seconds)
    again = run(
        "pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--expect-no-changes", seconds=UP_SECONDS
    )
    figures.add("second `pulumi up` alone", again.seconds)


def test_the_deployed_stack_keeps_the_policies(figures: Figures) -> None:
    done = run("tools/preview", "dev", seconds=UP_SECONDS)
    assert _judged(done.said)
    figures.add("preview of `dev` with the policy pack", done.seconds)


def test_the_production_stack_keeps_the_policies(clone: Clone, figures: Figures) -> None:
    clone.make_stack("prod")
    done = clone.run("tools/preview", "prod")
    assert _judged(done.said)
    assert "mlflow.example.com" in done.said
    assert "warning: server.image: has no digest" in done.said
    figures.add("preview of `prod` with the policy pack", done.seconds)


def test_a_broken_program_is_refused_by_every_rule_that_it_breaks(clone: Clone) -> None:
    clone.change("components/login/identity_provider.py", "resources=RESOURCES.to_args(),", "")
    clone.change("components/kubernetes/pods.py", "read_only_root_filesystem=True,", "read_only_root_filesystem=False,")
    clone.change("components/team/role_bindings.py", "verbs=list(verbs)", 'verbs=["*"]')
    clone.make_stack("dev")
    done = clone.run("tools/preview", "dev", expected=None)
    assert done.code != 0
    for fault in ("resources.limits.memory is missing", "readOnlyRootFilesystem must be true", "verbs must not be `*`"):
        assert fault in done.said, f"{fault!r} is not reported:\n{done.said}"


def test_a_mistake_in_the_stack_file_is_a_sentence_and_no_traceback(clone: Clone) -> None:
    clone.change("Pulumi.dev.yaml", "profile: evaluation", "profile: evalution")
    clone.change("Pulumi.dev.yaml", "host: mlflow.localhost", "host: MLflow")
    clone.make_stack("dev")
    done = clone.run("pulumi", "preview", "--stack", "dev", "--non-interactive", expected=None)
    assert done.code != 0
    assert "2 mistakes in Pulumi.dev.yaml" in done.said
    assert "Traceback" not in done.said


def _judged(said: str) -> bool:
    """True if the policy pack was loaded; a violation would have ended the preview with an error."""
    assert os.environ.get("POLICY_PACK"), "python -m testbed exec sets POLICY_PACK"
    return "Loading policy packs" in said
