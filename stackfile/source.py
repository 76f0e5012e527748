"""The stack file as the engine hands it over: text by key, put together to one document.

A tool without an engine makes the same of the file itself (`stackfile.file`).
"""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pulumi.runtime import is_config_secret

# Pulumi's own `Config` answers for keys that one knows; misspelt ones show in this mapping only.
from pulumi.runtime.config import CONFIG

from stackfile.faults import Fault, sounds_secret
from stackfile.secrets import NEEDS, PROJECT, Written, written

# How alike a namespace has to be to the project's name to be taken for a slip.
ALIKE = 0.8
FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Source:
    """One stack's configuration without the secrets' values."""

    document: Mapping[str, object]
    encrypted: frozenset[str]
    """Keys of the document that are encrypted, or hold something encrypted."""

    elsewhere: tuple[str, ...]
    """Full names of keys outside the project's namespace."""

    secrets: Mapping[str, Written]
    """How each secret is written that the stack file has."""


def read() -> Source:
    """The configuration that the engine gave this program."""
    given = {key: str(value) for key, value in CONFIG.get().items()}
    return assemble(given, [key for key in given if is_config_secret(key)])


def assemble(given: Mapping[str, str], encrypted: Collection[str]) -> Source:
    """One document from text by full key; `encrypted` are the keys that hold something encrypted."""
    prefix = f"{PROJECT}:"
    ours = {key.removeprefix(prefix): text for key, text in given.items() if key.startswith(prefix)}
    # The engine hands over "" for a key that the stack file leaves out and Pulumi.yaml declares.
    document = {key: parse(text) for key, text in ours.items() if text and key not in NEEDS}
    return Source(
        document=document,
        encrypted=frozenset(key for key in document if prefix + key in encrypted),
        elsewhere=tuple(key for key in given if not key.startswith(prefix)),
        secrets={
            name: written(text, encrypted=prefix + name in encrypted)
            for name, text in ours.items()
            if text and name in NEEDS
        },
    )


def parse(text: str) -> object:
    """A section from its JSON; everything else is the text of a scalar, of which the engine hands flags over too."""
    if text in FLAGS:
        return FLAGS[text]
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # Somebody's attempt at JSON by hand: the model says that it expects keys.
        return text


def source_faults(source: Source, found: list[Fault]) -> Iterator[Fault]:
    """Keys that are encrypted in vain, or stand where nobody reads them; `found` are the faults known already."""
    for key in sorted(source.encrypted):
        explained = any(fault.path.startswith(f"{key}.") and sounds_secret(fault.path) for fault in found)
        if not explained:
            yield Fault(
                key,
                "holds an encrypted value; expected plain text, because settings end up where many can read them",
                f"set it without --secret (the secrets are {', '.join(NEEDS)})",
            )
    for key in sorted(source.elsewhere):
        namespace, _, name = key.partition(":")
        if namespace == "kubernetes":
            yield Fault(
                key,
                "is read by nobody, because the program's provider is its own",
                f"remove it, and name the cluster by {PROJECT}:cluster.context or KUBECONFIG",
            )
        elif difflib.SequenceMatcher(a=namespace, b=PROJECT).ratio() >= ALIKE:
            yield Fault(key, "is read by nobody", f"did you mean `{PROJECT}:{name}`?")
