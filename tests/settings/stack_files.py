"""Stack files for tests: the committed ones, changed ones, and the form in which the engine passes them."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from settings import PROJECT, Secrets, Settings, Validation, validate
from settings.loader import Source

ROOT = Path(__file__).resolve().parents[2]

Document = dict[str, Any]


class Load(Protocol):
    """`settings.load` with a document as configuration."""

    def __call__(
        self, document: Mapping[str, object], *, encrypted: list[str] = ..., stack: str = ...
    ) -> tuple[Settings, Secrets]:
        """`encrypted` names the keys that were set with --secret."""
        ...


class Complaints(Protocol):
    """The lines of the report about a document, one for each mistake; none if it loads."""

    def __call__(self, document: Mapping[str, object], *, encrypted: list[str] = ...) -> list[str]:
        """`encrypted` names the keys that were set with --secret."""
        ...


def committed(stack: str) -> Document:
    """A copy of a committed stack file, without the project's prefix."""
    return {key.removeprefix(f"{PROJECT}:"): deepcopy(value) for key, value in _config(stack).items()}


@cache
def _config(stack: str) -> Document:
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]


def changed(stack: str, changes: Mapping[str, object]) -> Document:
    """A committed stack file with some keys replaced, each by its path with slashes; `...` removes a key."""
    document = committed(stack)
    for path, value in changes.items():
        *above, last = path.split("/")
        section = document
        for step in above:
            section = section[step]
        if value is ...:
            del section[last]
        else:
            section[last] = value
    return document


def validated(document: Mapping[str, object]) -> Validation:
    """Settings, mistakes and warnings of a document without secrets."""
    source = Source(document=document, encrypted=frozenset(), elsewhere=(), secrets={})
    return validate(source, "dev")


def given(document: Mapping[str, object]) -> dict[str, str]:
    """Configuration as the engine passes it: sections as JSON, scalars as text, every key with its namespace."""
    return {key if ":" in key else f"{PROJECT}:{key}": _text(value) for key, value in document.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
