"""The Pulumi state of a stack, through `pulumi --stack`."""

import json
import os
import subprocess

from tools.plan.preview import Json, Preview, parse, part

NO_STACK = "no stack named"
STREAMED = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}


class StateError(Exception):
    """Pulumi has failed; the message is Pulumi's."""


def deployment(stack: str) -> Json:
    """The exported state, whose secrets stay encrypted; empty if there is no such stack.

    Raises:
        StateError: it cannot be read.
    """
    done = start("stack", "export", "--stack", stack)
    if done.returncode:
        if NO_STACK in done.stderr:
            return {}
        raise StateError(_last_words(done))
    return part(json.loads(done.stdout), "deployment")


def resources(state: Json) -> list[Json]:
    """The resources of an exported state."""
    return list(state.get("resources") or ())


def refresh(stack: str, urns: list[str]) -> None:
    """Read these resources from the cluster into the state, and no others.

    Raises:
        StateError: Pulumi has failed.
    """
    done = start("refresh", "--stack", stack, "--yes", "--skip-preview", "--non-interactive", *_targets(urns))
    if done.returncode:
        raise StateError(_last_words(done))


def preview(stack: str, urns: list[str]) -> Preview:
    """The preview of these resources.

    Raises:
        StateError: its events cannot be read.
    """
    done = start("preview", "--stack", stack, "--json", "--non-interactive", *_targets(urns), env=STREAMED)
    try:
        return parse(done.stdout)
    except ValueError:
        raise StateError(_last_words(done)) from None


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Pulumi.

    Raises:
        StateError: it cannot be started.
    """
    try:
        return subprocess.run(
            ["pulumi", *arguments], env=os.environ | (env or {}), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise StateError(f"pulumi cannot be started: {error}") from None


def _targets(urns: list[str]) -> list[str]:
    return [option for urn in urns for option in ("--target", urn)]


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip() or done.stdout.strip() or "pulumi gives no reason"
