"""Reading of the stack's configuration into one document: from the Pulumi engine, or from the stack file itself.

Tools read the file without the engine, with the same result and with the line of each key. Scalars then get the types
that the engine gives them, and a placeholder replaces encrypted values.
"""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from pulumi.runtime import is_config_secret

# `pulumi.Config` finds only keys that are known in advance; this mapping also has the misspelt ones.
from pulumi.runtime.config import CONFIG

from settings import renames
from settings.faults import Fault, path_of, sounds_secret
from settings.renames import Rename
from settings.schema.stack import Settings
from settings.secrets import NEEDS, PROJECT, Written, written

# Minimum similarity to the project's name at which a namespace counts as misspelt.
ALIKE = 0.8
FLAGS = {"true": True, "false": False}
# Placeholder for an encrypted value, which only the engine can decrypt. No message shows values of encrypted keys.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Source:
    """Configuration of a stack without the values of secrets."""

    document: Mapping[str, object]
    """Settings by their present names."""

    encrypted: frozenset[str]
    """Top-level keys of the document whose values are encrypted or contain encrypted values."""

    elsewhere: tuple[str, ...]
    """Full names of keys outside the project's namespace."""

    secrets: Mapping[str, Written]
    """Form of each secret in the stack file."""

    lines: Mapping[str, int] = field(default_factory=dict[str, int], compare=False)
    """Line of each key in the stack file, by the key's path; empty with the engine, which does not know them."""

    renamed: tuple[Rename, ...] = ()
    """Keys that the stack file has by their old names."""


class UnreadableError(ValueError):
    """A file that cannot be read as a stack file; the message says why, and in which line if that is known."""


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
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()  # pyright: ignore[reportUnknownMemberType] - has no types
        document: object = {} if node is None else loader.construct_document(node)  # pyright: ignore[reportUnknownMemberType] - has no types
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnreadableError(f"{line}{error.problem}") from None
    except yaml.YAMLError:
        raise UnreadableError("the file contains characters that YAML does not allow") from None
    config = _mapping(document, "the file").get("config")
    values = {_full(key): value for key, value in _mapping(config if config is not None else {}, "`config`").items()}
    encrypted = frozenset(key for key, value in values.items() if any(_secure(value)))
    return assemble({key: _text(_without_secrets(value)) for key, value in values.items()}, encrypted, _lines(node))


def assemble(values: Mapping[str, str], encrypted: Collection[str], lines: Iterable[tuple[str, int]] = ()) -> Source:
    """Combine `values` (keys: `<namespace>:<name>`) into one document; `encrypted` lists keys with encrypted values."""
    prefix = f"{PROJECT}:"
    ours = {key.removeprefix(prefix): text for key, text in values.items() if key.startswith(prefix)}
    # The engine passes "" for a key that Pulumi.yaml declares and the stack file does not set.
    written_document = {key: parse(text) for key, text in ours.items() if text and key not in NEEDS}
    document, renamed = renames.applied(written_document, Settings)
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
        lines=dict(lines),
        renamed=renamed,
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
    yield from renames.faults(source.renamed)


class _Loader(yaml.SafeLoader):
    """A YAML loader that types scalars as the engine does.

    That is neither YAML 1.1 nor 1.2: `yes` is a string, `010` is 8, `2026-1-1` is a timestamp and `{1: x}` has the key
    `"1"`. So PyYAML and ruamel.yaml each need these definitions.
    """

    # Without the YAML 1.1 types that PyYAML would inherit.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form


def _scalars(tag: str, pattern: str) -> str:
    full = f"tag:yaml.org,2002:{tag}"
    resolve = cast("Any", _Loader).add_implicit_resolver
    resolve(full, re.compile(rf"^(?:{pattern})$"), None)
    return full


def _integer(_: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "")
    # The engine reads a leading zero as octal, as YAML 1.1 does.
    return int(re.sub(r"^([-+]?)0(?=[0-7])", r"\g<1>0o", text), 0)


def _number(_: _Loader, node: yaml.ScalarNode) -> float:
    value = float(node.value)
    return int(value) if value.is_integer() else value


def _moment(_: _Loader, node: yaml.ScalarNode) -> str:
    year, month, day = node.value.split("-")
    return f"{year}-{month:0>2}-{day:0>2} 00:00:00 +0000 UTC"


def _section(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UnreadableError(f"line {line}: expected a string as key")
        if lines.setdefault(key.value, line) != line:
            raise UnreadableError(f"line {line}: the key `{key.value}` is already in line {lines[key.value]}")
    loader.flatten_mapping(node)
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}  # pyright: ignore[reportUnknownMemberType] - has no types


_scalars("null", r"~|null|Null|NULL|")
_scalars("bool", r"true|True|TRUE|false|False|FALSE")
_scalars("merge", "<<")
for _tag, _pattern, _make in (
    ("int", r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)", _integer),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", _number),
    ("timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", _moment),
):
    _Loader.add_constructor(_scalars(_tag, _pattern), _make)
_Loader.add_constructor("tag:yaml.org,2002:map", _section)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise UnreadableError(f"expected {what} to be a YAML mapping (lines like `key: value`)")
    return cast("Mapping[str, object]", value)


def _full(key: str) -> str:
    """Write a key as `<namespace>:<name>`: add the project if there is no namespace, and remove `config:`."""
    namespace, colon, name = key.partition(":")
    return f"{namespace}:{name.removeprefix('config:')}" if colon else f"{PROJECT}:{key}"


def _lines(root: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Path and line of each key and of each entry of a list in `config`; `root` is the node of the whole file."""
    configs = () if root is None else (value for name, _, value in _entries(root) if name == "config")
    for key, line, value in (entry for config in configs for entry in _entries(config)):
        yield from _lines_in(value, line, (_full(str(key)).removeprefix(f"{PROJECT}:"),))


def _lines_in(node: yaml.Node, line: int, steps: tuple[str | int, ...]) -> Iterator[tuple[str, int]]:
    yield path_of(steps), line
    for step, below, value in _entries(node):
        yield from _lines_in(value, below, (*steps, step))


def _entries(node: yaml.Node) -> Iterator[tuple[str | int, int, yaml.Node]]:
    """Name or index, line and value of each entry of a mapping or list."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key.start_mark.line + 1, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((index, item.start_mark.line + 1, item) for index, item in enumerate(node.value))


def _secure(value: object) -> Iterator[bool]:
    """Yield True once for each encrypted value inside `value`."""
    if _is_secure(value):
        yield True
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, object]", value).values():
            yield from _secure(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _secure(inner)


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
