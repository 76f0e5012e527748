"""Reading of the stack's configuration into one document: from the Pulumi engine, or from the stack file itself.

Tools read the file without the engine. The result is the same, and also has the line of each key: scalars read from the
file get the types that the engine gives them. A placeholder replaces each encrypted value in the file.
"""

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import yaml
from pulumi.runtime import is_config_secret

# `pulumi.Config` finds only keys that are known in advance; this mapping also has the misspelt ones.
from pulumi.runtime.config import CONFIG

from settings import renames, stack_yaml
from settings.faults import Fault, path_of
from settings.modes import model_of
from settings.renames import Rename
from settings.secrets import NEEDS, PROJECT, Written, written
from settings.stack_yaml import DEEPEST, HALF_CHARACTER, UnreadableError, entries, number, whole
from settings.suggestions import MISPLACED

# Minimum similarity to the project's name at which a namespace counts as misspelt.
ALIKE = 0.8
FLAGS = {"true": True, "false": False}
# Placeholder for an encrypted value, which only the engine can decrypt. No message shows values of encrypted keys.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Source:
    """Configuration of a stack without the values of secrets."""

    document: Mapping[str, object]
    """Settings by their current names."""

    encrypted: frozenset[str]
    """Top-level keys of the document whose values are encrypted or contain encrypted values."""

    elsewhere: tuple[str, ...]
    """Full names of keys outside the project's namespace."""

    secrets: Mapping[str, Written]
    """How each secret is stored in the stack file."""

    lines: Mapping[str, int] = field(default_factory=dict[str, int], compare=False)
    """Line of each key in the stack file, by the key's path; empty if the engine passed the configuration."""

    renamed: tuple[Rename, ...] = ()
    """Keys that have their old names in the stack file."""


def from_engine() -> Source:
    """The configuration that the engine passed to this program."""
    values = {key: str(value) for key, value in CONFIG.get().items()}
    return assemble(values, [key for key in values if is_config_secret(key)])


def from_file(text: str) -> Source:
    """The configuration in a stack file with the content `text`.

    Raises:
        UnreadableError: the text cannot be read as a stack file.
    """
    try:
        return _source(*stack_yaml.load(text))
    except RecursionError:
        raise UnreadableError("the file has an anchor that contains itself, or nests too many of them") from None


def _source(document: object, node: yaml.Node | None) -> Source:
    config = _mapping(document, "the file").get("config")
    values = {_full(key): value for key, value in _mapping(config, "`config`").items()}
    _check_names(node)
    shown = {key: _without_secrets(value) for key, value in values.items()}
    encrypted = frozenset(key for key in values if shown[key] != values[key])
    return assemble({key: _text(value) for key, value in shown.items()}, encrypted, _lines(node))


def assemble(values: Mapping[str, str], encrypted: Collection[str], lines: Iterable[tuple[str, int]] = ()) -> Source:
    """Combine `values` (keys: `<namespace>:<name>`) into one document; `encrypted` lists keys with encrypted values."""
    prefix = f"{PROJECT}:"
    ours = {key.removeprefix(prefix): text for key, text in values.items() if key.startswith(prefix)}
    # The engine passes "" for a key that Pulumi.yaml declares and the stack file does not set.
    written_document = plain({key: parse(text) for key, text in ours.items() if text and key not in NEEDS})
    document, renamed = renames.applied(written_document, model_of(written_document))
    hidden = {key for key in written_document if prefix + key in encrypted}
    return Source(
        document=document,
        encrypted=frozenset(hidden | {rename.new[0] for rename in renamed if rename.old[0] in hidden}),
        elsewhere=tuple(key for key in values if not key.startswith(prefix)),
        secrets={
            name: written(text, encrypted=prefix + name in encrypted)
            for name, text in ours.items()
            if text and name in NEEDS
        },
        lines=_with_new_names(dict(lines), renamed),
        renamed=renamed,
    )


def _with_new_names(lines: dict[str, int], renamed: Iterable[Rename]) -> dict[str, int]:
    """The lines of keys; a key that the file has by its old name is listed by its new name too."""
    for rename in renamed:
        old, new = path_of(rename.old), path_of(rename.new)
        moved = {
            new + name.removeprefix(old): line
            for name, line in lines.items()
            if name == old or name.startswith((f"{old}.", f"{old}["))
        }
        lines = moved | lines
    return lines


def parse(text: str) -> object:
    """Convert JSON to a mapping or list, and `true` or `false` to a boolean; return any other string unchanged."""
    if text in FLAGS:
        return FLAGS[text]
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text, parse_int=whole, parse_float=number)
    except (json.JSONDecodeError, RecursionError):
        # Probably JSON written by hand; the model reports that it expects a section.
        return text


def plain(document: Mapping[str, object]) -> dict[str, object]:
    """The document as JSON can contain it: lone surrogates are replaced, and values nested too deeply become null.

    No setting is nested that deeply, so the value around such a null is reported as wrong.
    """
    return cast("dict[str, object]", _plain(document, 0))


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str):
        return HALF_CHARACTER.sub("\ufffd", value)
    if isinstance(value, Mapping) and depth < DEEPEST:
        section = cast("Mapping[str, object]", value)
        return {str(_plain(key, depth)): _plain(inner, depth + 1) for key, inner in section.items()}
    if isinstance(value, list) and depth < DEEPEST:
        return [_plain(inner, depth + 1) for inner in cast("list[object]", value)]
    return None if isinstance(value, Mapping | list) else value


def source_faults(source: Source, known: list[Fault]) -> Iterator[Fault]:
    """Report keys that must not be encrypted, and keys that are ignored; `known` are the mistakes found so far."""
    for key in sorted(source.encrypted):
        explained = any(fault.path.startswith(f"{key}.") and fault.problem == MISPLACED for fault in known)
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
    yield from renames.faults(source.renamed)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UnreadableError(f"expected {what} to be a YAML mapping (lines like `key: value`)")
    return cast("Mapping[str, object]", value)


def _check_names(root: yaml.Node | None) -> None:
    """Check that no key occurs twice, for example with and without the project's namespace or `config:`."""
    lines: dict[str, int] = {}
    for key, line, _ in _config(root):
        name = _full(str(key))
        if lines.setdefault(name, line) != line:
            raise UnreadableError(f"line {line}: the key `{name}` is already in line {lines[name]}")


def _full(key: str) -> str:
    """Write a key as `<namespace>:<name>`: add the project if there is no namespace, and remove `config:`."""
    namespace, colon, name = key.partition(":")
    return f"{namespace}:{name.removeprefix('config:')}" if colon else f"{PROJECT}:{key}"


def _lines(root: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Path and line of each key and of each entry of a list in `config`; `root` is the node of the whole file."""
    for key, line, value in _config(root):
        yield from _lines_in(value, line, (_full(str(key)).removeprefix(f"{PROJECT}:"),))


def _config(root: yaml.Node | None) -> Iterator[tuple[str | int, int, yaml.Node]]:
    """Name, line and value of each entry of `config`; `root` is the node of the whole file."""
    for name, _, value in () if root is None else entries(root):
        if name == "config":
            yield from entries(value)


def _lines_in(node: yaml.Node, line: int, steps: tuple[str | int, ...]) -> Iterator[tuple[str, int]]:
    yield path_of(steps), line
    for step, below, value in entries(node):
        yield from _lines_in(value, below, (*steps, step))


def _is_secure(value: object) -> bool:
    return isinstance(value, dict) and [*cast("dict[str, object]", value)] == ["secure"]


def _without_secrets(value: object) -> object:
    if _is_secure(value):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _without_secrets(inner) for key, inner in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in cast("list[object]", value)]
    return value


def _text(value: object) -> str:
    """A value as the engine passes it: mappings and lists as JSON, scalars as strings, null as an empty string."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
