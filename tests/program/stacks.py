"""Runs the program for the committed stack files."""

import functools
import json
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from tests.cloud import CANARY
from tests.harness import PROJECT, Recording, deploy

ROOT = Path(__file__).resolve().parents[2]
STACKS = ("dev", "prod")
# Secrets that each stack file requires.
SECRETS = {
    "dev": (),
    "prod": ("loginClientSecret",),
}


@functools.cache
def recorded(stack: str, *, preview: bool = False) -> Recording:
    """Recording of a committed stack, made once for all tests, which only read it."""
    return run(stack, secrets=SECRETS[stack], preview=preview)


def run(
    stack: str, *, secrets: Sequence[str] | Mapping[str, str] = (), preview: bool = False, **changes: object
) -> Recording:
    """Recording of a committed stack with changed settings and with these secrets, by name or with their values."""
    document = {**stack_file(stack), **{f"{PROJECT}:{key}": value for key, value in changes.items()}}
    return _run(document, stack, secrets, preview=preview)


def run_document(
    document: Mapping[str, object], *, stack: str, secrets: Sequence[str] = (), preview: bool = False
) -> Recording:
    """Recording of a stack with these settings, by their keys without the project's prefix."""
    return _run({f"{PROJECT}:{key}": value for key, value in document.items()}, stack, secrets, preview=preview)


def _run(
    document: Mapping[str, object], stack: str, secrets: Sequence[str] | Mapping[str, str], *, preview: bool
) -> Recording:
    values = secrets if isinstance(secrets, Mapping) else {name: secret_value(name) for name in secrets}
    return deploy(
        _program,
        stack=stack,
        config={key: value if isinstance(value, str) else json.dumps(value) for key, value in document.items()},
        secrets={f"{PROJECT}:{name}": value for name, value in values.items()},
        preview=preview,
    )


def secret_value(name: str) -> str:
    """Value of a secret in tests."""
    return f"{CANARY}{name}"


def stack_file(stack: str) -> dict[str, Any]:
    """Configuration as the engine passes it to the program: the stack file, and the project's defaults."""
    project = cast("dict[str, dict[str, Any]]", _yaml("Pulumi.yaml")["config"])
    defaults = {
        key if ":" in key else f"{PROJECT}:{key}": entry.get("default", entry.get("value"))
        for key, entry in project.items()
        if entry.keys() & {"default", "value"}
    }
    return {**defaults, **cast("dict[str, Any]", _yaml(f"Pulumi.{stack}.yaml")["config"])}


def _yaml(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
