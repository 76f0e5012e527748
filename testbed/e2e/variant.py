"""Variants of the `dev` stack: its stack file with some of the keys replaced, deployed in its place.

A file in `variants/` is a piece of a stack file. Each of its keys replaces the one of `Pulumi.dev.yaml` as a whole.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, Finished, run, wait_for
from testbed.evidence.notes import note
from tools.smoke import wait_until_it_answers
from tools.stack import Platform, read_platform

FOLDER = Path(__file__).with_name("variants")
PROJECT = "mlflow-platform"
# Measured: 30-60 s each; the server's start is most of it.
UP_SECONDS = 420
ROLLOUT_SECONDS = 300
# The longest that a pod of the platform is given to end, and some.
ENDING_SECONDS = 120

UP = ("--yes", "--skip-preview", "--suppress-outputs")

Config = dict[str, Any]


def changes_of(variant: str) -> Config:
    """The keys that a variant replaces."""
    return _config(FOLDER / f"{variant}.yaml")


def deploy(folder: Path, changes: Mapping[str, object]) -> Platform:
    """Deploy the `dev` stack with some of its keys replaced, and wait until it answers."""
    file = _stack_file(folder, changes)
    return _up(f"--config-file={file}")


def attempt(folder: Path, changes: Mapping[str, object], *, expected: int | None = 0) -> Finished:
    """Deploy in the same way and return the result, without waiting until the platform answers."""
    file = _stack_file(folder, changes)
    return _pulumi("up", *UP, f"--config-file={file}", expected=expected)


def refused(folder: Path, changes: Mapping[str, object]) -> str:
    """Deploy a variant that must fail; returns the output."""
    done = attempt(folder, changes, expected=None)
    assert done.code != 0, done.said
    return done.said


def committed(section: str) -> Config:
    """A section of the committed `dev` stack."""
    return _config(CHECKOUT / "Pulumi.dev.yaml")[f"{PROJECT}:{section}"]


def restore() -> None:
    """Deploy the `dev` stack with its committed stack file."""
    # A deployment that took too long was killed, and left the stack locked.
    run(sys.executable, "-m", "tools.heal")
    # What a test has changed by hand, or an autoscaler meanwhile, is in the cluster only.
    _up("--refresh")


def expect_no_changes(folder: Path, changes: Mapping[str, object]) -> None:
    """Fail if a second deployment would change anything."""
    _pulumi("preview", "--expect-no-changes", f"--config-file={_stack_file(folder, changes)}")


def _up(*options: str) -> Platform:
    _pulumi("up", *UP, *options)
    platform = read_platform()
    # Pulumi's provider may read a Deployment before Kubernetes has seen its update, and then waits for nothing.
    kube.kubectl(
        "rollout",
        "status",
        "deployments,statefulsets",
        f"--namespace={platform.namespace}",
        f"--timeout={ROLLOUT_SECONDS}s",
        seconds=ROLLOUT_SECONDS + 30,
    )
    wait_until_it_answers(platform.url, platform.authority)
    # A server that is on its way out still answers what reaches it, as it was configured.
    wait_for("the server's old pods are gone", lambda: not _ending(platform.namespace), seconds=ENDING_SECONDS)
    return platform


def _ending(namespace: str) -> bool:
    pods = kube.objects("pods", f"--namespace={namespace}", f"--selector={kube.PLATFORM_LABEL}")
    return any("deletionTimestamp" in pod["metadata"] for pod in pods)


def _pulumi(command: str, *options: str, expected: int | None = 0) -> Finished:
    pack = f"--policy-pack={os.environ['POLICY_PACK']}"
    return run(
        "pulumi", command, "--stack=dev", "--non-interactive", pack, *options, seconds=UP_SECONDS, expected=expected
    )


def _stack_file(folder: Path, changes: Mapping[str, object]) -> Path:
    note(changes)
    file = folder / "Pulumi.variant.yaml"
    file.write_text(yaml.safe_dump({"config": _config(CHECKOUT / "Pulumi.dev.yaml") | dict(changes)}), encoding="utf-8")
    return file


def _config(file: Path) -> Config:
    return cast("Config", yaml.safe_load(file.read_text(encoding="utf-8"))["config"])
