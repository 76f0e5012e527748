"""The YAML of stack files: scalars of the types that the Pulumi engine gives them, and the line of each key."""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

import yaml

# Deeper than any setting, and far less deep than any reader can go.
DEEPEST = 50
# Larger numbers are floating-point numbers to the engine.
LONGEST_WHOLE, LONGEST_BITS = 18, 63
# Half of a character, which JSON and YAML can escape but no text can contain.
HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
_OCTAL = re.compile(r"^([-+]?)0(?=[0-7])")


class UnreadableError(ValueError):
    """A file that cannot be read as a stack file; the message says why, and in which line if that is known."""


def load(text: str) -> tuple[object, yaml.Node | None]:
    """The content of a file, and its node, which `entries` reads; None for an empty file.

    Raises:
        UnreadableError: the text is not YAML, or has values that the engine does not know.
    """
    try:
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()  # pyright: ignore[reportUnknownMemberType] - has no types
        document: object = None if node is None else loader.construct_document(node)  # pyright: ignore[reportUnknownMemberType] - has no types
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnreadableError(f"{line}{error.problem}") from None
    except yaml.YAMLError:
        raise UnreadableError("the file contains characters that YAML does not allow") from None
    return document, node


def entries(node: yaml.Node) -> Iterator[tuple[str | int, int, yaml.Node]]:
    """Name or index, line and value of each entry of a mapping or list."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key.start_mark.line + 1, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((index, item.start_mark.line + 1, item) for index, item in enumerate(node.value))


def whole(digits: str) -> float | str:
    """A whole number in decimal digits."""
    return int(digits) if len(digits) <= LONGEST_WHOLE else number(digits)


def number(text: str) -> float | str:
    """A number with a point or exponent, or a whole number with many digits."""
    value = float(text)
    # The engine keeps the text of a number that is too large.
    return text if math.isinf(value) else int(value) if value.is_integer() else value


class _Loader(yaml.SafeLoader):
    """A YAML loader that types scalars as the engine does.

    That is neither YAML 1.1 nor 1.2: `yes` is a string, `010` is 8, `2026-1-1` is a timestamp and `{1: x}` has the key
    `"1"`. So PyYAML and ruamel.yaml each need these definitions.
    """

    # Without the YAML 1.1 types that PyYAML would inherit.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form
    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node; raise `UnreadableError` if it is nested too deep or contains a lone surrogate."""
        line = cast("Any", self).peek_event().start_mark.line + 1
        if self.depth > DEEPEST:
            raise UnreadableError(f"line {line}: the value is nested more than {DEEPEST} levels deep")
        self.depth += 1
        node = cast("yaml.Node | None", cast("Any", super()).compose_node(parent, index))
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and HALF_CHARACTER.search(node.value):
            raise UnreadableError(f"line {line}: a key or value contains a lone surrogate (\\ud800 to \\udfff)")
        return node


def _integer(text: str) -> float | str:
    digits = text.replace("_", "")
    if digits.lstrip("+-")[0] != "0":
        return whole(digits)
    # The engine reads a leading zero as octal, as YAML 1.1 does.
    value = int(_OCTAL.sub(r"\g<1>0o", digits), 0)
    return value if value.bit_length() <= LONGEST_BITS else text


def _moment(text: str) -> str:
    year, month, day = text.split("-")
    return f"{year}-{month:0>2}-{day:0>2} 00:00:00 +0000 UTC"


def _section(loader: _Loader, node: yaml.Node) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise UnreadableError(f"line {node.start_mark.line + 1}: the tag `!!map` does not match its value")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UnreadableError(f"line {line}: expected a string as key")
        if lines.setdefault(key.value, line) != line:
            raise UnreadableError(f"line {line}: the key `{key.value}` is already in line {lines[key.value]}")
    loader.flatten_mapping(node)
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}  # pyright: ignore[reportUnknownMemberType] - has no types


def _scalar(tag: str, pattern: str, make: Callable[[str], object]) -> None:
    """Let the loader read a type of scalars: those that match `pattern`, and those with the YAML tag `!!<tag>`."""
    full, form = f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$")

    def construct(loader: _Loader, node: yaml.ScalarNode) -> object:
        text = str(loader.construct_scalar(node))
        if not form.fullmatch(text):
            raise UnreadableError(f"line {node.start_mark.line + 1}: the tag `!!{tag}` does not match its value")
        return make(text)

    cast("Any", _Loader).add_implicit_resolver(full, form, None)
    _Loader.add_constructor(full, construct)


_scalar("null", r"~|null|Null|NULL|", lambda _: None)
_scalar("bool", r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true")
_scalar("int", r"[-+]?(?:0b_*[01][01_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*|0o_*[0-7][0-7_]*|0[0-7_]*|[1-9][0-9_]*)", _integer)
_scalar("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", number)
_scalar("timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", _moment)
_scalar("merge", "<<", str)
_PYYAML = cast("Any", yaml.SafeLoader)  # has no types
_Loader.add_constructor("tag:yaml.org,2002:str", _PYYAML.construct_yaml_str)
_Loader.add_constructor("tag:yaml.org,2002:seq", _PYYAML.construct_yaml_seq)
_Loader.add_constructor("tag:yaml.org,2002:map", _section)
_Loader.add_constructor(cast("Any", None), _PYYAML.construct_undefined)
