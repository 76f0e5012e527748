"""Calls of `pulumi` and `kubectl` that only read."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from tools.drifted import engine
from tools.drifted.declared import Declared, declared
from tools.drifted.engine import Found
from tools.plan.preview import Json, parts

STREAMING = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
# As in tools/up: with REFRESH=yes, `up` takes fields back that belong to another field manager.
TAKES_BACK = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
NOTHING: Mapping[str, str] = MappingProxyType({})


class LookError(Exception):
    """A program has failed; the message is the program's."""


def resources(stack: str) -> list[Declared]:
    """Content of the state of a stack.

    Raises:
        LookError: there is no such stack, or its state cannot be read.
    """
    return declared(_json(_run("pulumi", "stack", "export", "--stack", stack)))


def objects(known: Sequence[Declared]) -> list[Json]:
    """The objects of a stack that the cluster has, with their managed fields.

    Raises:
        LookError: the cluster does not answer, or refuses to show one of the objects.
    """
    wanted = [one.reference for one in known if one.is_object]
    if not wanted:
        return []
    options = ("--ignore-not-found", "--show-managed-fields", "--output=json")
    asked = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted})
    said = _run("kubectl", "get", "--filename=-", *options, text=asked)
    if not said.strip():
        return []
    found = _json(said)
    return parts(found, "items") if found.get("kind") == "List" else [found]


def refresh(stack: str) -> dict[str, Found]:
    """Findings of a refresh, by URN.

    Raises:
        EngineError: the engine could not look.
    """
    command = ("pulumi", "refresh", "--stack", stack, "--preview-only", "--json", "--non-interactive")
    return engine.refreshed(_run(*command, fails=True))


def answers(stack: str) -> dict[str, str]:
    """Actions of an `up` with REFRESH=yes, by URN.

    Raises:
        EngineError: the engine's answer cannot be read.
    """
    command = ("pulumi", "preview", "--stack", stack, "--refresh", "--json", "--non-interactive")
    return engine.answers(_run(*command, fails=True, more=TAKES_BACK))


def _json(text: str) -> Json:
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise LookError(f"expected JSON: {error}") from None
    return cast("Json", found) if isinstance(found, dict) else {}


def _run(*command: str, text: str = "", fails: bool = False, more: Mapping[str, str] = NOTHING) -> str:
    """The program's output, with `more` variables. With `fails`, a failed program that printed output is no error."""
    try:
        done = subprocess.run(
            command, input=text, env={**os.environ, **STREAMING, **more}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise LookError(f"{command[0]} is not on PATH") from None
    if done.returncode and not (fails and done.stdout.strip()):
        raise LookError(f"{' '.join(command[:3])} failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
