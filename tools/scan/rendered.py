"""Files for the scanners: the objects of each stack as the program would deploy them, one file for each object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from settings import loader, validate
from settings.faults import report
from settings.loader import Source
from tools import stack_file
from tools.render.objects import Item, render

EXAMPLES = Path(__file__).with_name("stacks")
PREFIX = "example-"
# Fields of the pod's template, by kind.
TEMPLATES = {"Deployment", "StatefulSet", "DaemonSet", "Job"}


class MistakesError(Exception):
    """A stack file has mistakes; the message lists them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """The files of one stack, and the target that each of them stands for."""

    stack: str
    folder: Path
    targets: Mapping[str, str]
    """Target by the name of the file."""

    pods: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Pods and pod templates, by the name of the file."""


def sources(stacks: list[str]) -> dict[str, Source]:
    """The stack files, by the name of the stack; examples have the prefix `example-`.

    Raises:
        tools.stack_file.UnknownError: there is no such stack.
        tools.stack_file.UnreadableError: a file cannot be read.
    """
    return {name: stack_file.read(name) for name in stacks}


def examples() -> dict[str, Source]:
    """The stack files in `stacks/`, which together have every component that the committed stacks do not have."""
    return {
        f"{PREFIX}{file.stem}": loader.from_file(file.read_text(encoding="utf-8"))
        for file in sorted(EXAMPLES.glob("*.yaml"))
    }


def write(stack: str, source: Source, folder: Path) -> Scanned:
    """Render a stack into an empty folder; secrets are stand-ins.

    Raises:
        MistakesError: a preview of the stack would fail.
    """
    validation = validate(source, stack)
    if validation.mistakes:
        raise MistakesError(report(validation.mistakes, _file(stack), source.lines))
    rendered = render(source, stack, validation.needed_secrets, {})
    folder.mkdir(parents=True)
    targets: dict[str, str] = {}
    pods: dict[str, Mapping[str, Any]] = {}
    # The names are those of no other stack, so that a scanner's message names the stack.
    for number, item in enumerate([*rendered.items, *rendered.beforehand]):
        name = f"{stack}-{number:03}.yaml"
        (folder / name).write_text(yaml.safe_dump(item.manifest), encoding="utf-8")
        targets[name] = f"{stack}/{item.kind}/{item.resource}"
        if pod := _pod(item):
            pods[name] = pod
    return Scanned(stack=stack, folder=folder, targets=targets, pods=pods)


def _file(stack: str) -> str:
    """Name of a stack's file, for messages."""
    example = EXAMPLES / f"{stack.removeprefix(PREFIX)}.yaml"
    return example.name if stack.startswith(PREFIX) and example.exists() else stack_file.file_name(stack)


def _pod(item: Item) -> Mapping[str, Any]:
    """The pod of an object, or the template of its pods; empty if it has none."""
    if item.kind == "Pod":
        return item.manifest
    return item.manifest["spec"]["template"] if item.kind in TEMPLATES else {}
