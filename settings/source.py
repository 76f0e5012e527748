"""The stack's configuration as the Pulumi engine passes it, one string for each key, combined into one document.

Tools that run without the engine get the same document from the stack file itself (`settings.file`).
"""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pulumi.runtime import is_config_secret

# `pulumi.Config` finds only keys that are known in advance; this mapping also has the misspelt ones.
from pulumi.runtime.config import CONFIG

from settings.faults import Fault, sounds_secret
from settings.secrets import NEEDS, PROJECT, Written, written

# Minimum similarity to the project's name at which a namespace counts as misspelt.
ALIKE = 0.8
FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Source:
    """Configuration of a stack without the values of secrets."""

    document: Mapping[str, object]
    encrypted: frozenset[str]
    """Top-level keys of the document whose values are encrypted or contain encrypted values."""

    elsewhere: tuple[str, ...]
    """Full names of keys outside the project's namespace."""

    secrets: Mapping[str, Written]
    """Form of each secret in the stack file."""


def read() -> Source:
    """The configuration that the engine passed to this program."""
    values = {key: str(value) for key, value in CONFIG.get().items()}
    return assemble(values, [key for key in values if is_config_secret(key)])


def assemble(values: Mapping[str, str], encrypted: Collection[str]) -> Source:
    """Combine `values` (keys: `<namespace>:<name>`) into one document; `encrypted` lists keys with encrypted values."""
    prefix = f"{PROJECT}:"
    ours = {key.removeprefix(prefix): text for key, text in values.items() if key.startswith(prefix)}
    # The engine passes "" for a key that Pulumi.yaml declares and the stack file does not set.
    document = {key: parse(text) for key, text in ours.items() if text and key not in NEEDS}
    return Source(
        document=document,
        encrypted=frozenset(key for key in document if prefix + key in encrypted),
        elsewhere=tuple(key for key in values if not key.startswith(prefix)),
        secrets={
            name: written(text, encrypted=prefix + name in encrypted)
            for name, text in ours.items()
            if text and name in NEEDS
        },
    )


def parse(text: str) -> object:
    """Convert JSON to a mapping or list, and `true` or `false` to a boolean; return any other string unchanged."""
    if text in FLAGS:
        return FLAGS[text]
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # Probably JSON written by hand; the model reports that it expects a section.
        return text


def source_faults(source: Source, known: list[Fault]) -> Iterator[Fault]:
    """Report keys that must not be encrypted, and keys that are ignored; `known` are the mistakes found so far."""
    for key in sorted(source.encrypted):
        explained = any(fault.path.startswith(f"{key}.") and sounds_secret(fault.path) for fault in known)
        if not explained:
            yield Fault(
                key,
                "contains an encrypted value; expected plain text, because the cluster shows settings in plain text",
                f"set it without --secret (which is only for {', '.join(NEEDS)})",
            )
    for key in sorted(source.elsewhere):
        namespace, _, name = key.partition(":")
        if namespace == "kubernetes":
            yield Fault(
                key,
                "is ignored: the program configures its own provider",
                f"remove it, and select the cluster with {PROJECT}:cluster.context or KUBECONFIG",
            )
        elif difflib.SequenceMatcher(a=namespace, b=PROJECT).ratio() >= ALIKE:
            yield Fault(key, f"is ignored: its prefix is not `{PROJECT}:`", f"did you mean `{PROJECT}:{name}`?")
