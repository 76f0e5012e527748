"""Access to a resource's inputs, whose values can be absent, or unknown until the deployment.

If a rule reads an unknown value, the policy SDK skips the rule for that resource and reports a warning. With `Node` a
rule still checks all known values at preview, and checks the unknown ones during the deployment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from pulumi_policy.proxy import UnknownValueError


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN = _Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a resource's inputs."""

    value: object
    """None if the value is absent; `UNKNOWN` if only the deployment will compute it."""

    def __getitem__(self, key: str) -> "Node":
        """The value under `key`: absent if this node is absent or not a mapping, unknown if this node is unknown."""
        if self.value is UNKNOWN:
            return self
        return _read(self._entries(), key)

    def at(self, path: str) -> "Node":
        """The value under a dotted path."""
        node = self
        for key in path.split("."):
            node = node[key]
        return node

    def each(self) -> Iterator["Node"]:
        """Items of a list; none if the list is absent or unknown."""
        value = self.value
        if isinstance(value, Sequence):
            items = cast("Sequence[object]", value)
            for index in range(len(items)):
                yield _read(items, index)

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values of a mapping; none if the mapping is absent or unknown."""
        for key in self.fields:
            yield key, self[key]

    @property
    def fields(self) -> list[str]:
        """Keys of a mapping; none if the mapping is absent or unknown."""
        return list(self._entries())

    def _entries(self) -> Mapping[str, object]:
        value = self.value
        return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}

    @property
    def known(self) -> bool:
        """True unless the value is unknown; an absent value is known."""
        return self.value is not UNKNOWN

    @property
    def present(self) -> bool:
        """True if there is a value, known or not."""
        return self.value is not None

    def may_be(self, *allowed: object) -> bool:
        """True if the value is one of `allowed`, or unknown."""
        return not self.known or self.value in allowed

    def may_equal(self, other: "Node") -> bool:
        """True if both values are the same, or one of them is unknown."""
        return not self.known or not other.known or self.value == other.value

    @property
    def may_be_true(self) -> bool:
        """True if the value is true or unknown."""
        return not self.known or self.value is True

    @property
    def may_be_false(self) -> bool:
        """True if the value is explicitly false, or unknown."""
        return not self.known or self.value is False

    def is_surely(self, *refused: object) -> bool:
        """True if the value is known and one of `refused`."""
        return self.value in refused

    @property
    def text(self) -> str:
        """The value if it is a known string, else an empty string."""
        return self.value if isinstance(self.value, str) else ""

    def texts(self) -> list[str]:
        """All known, non-empty strings in a list."""
        return [item.text for item in self.each() if item.text]

    def may_contain(self, *wanted: str) -> bool:
        """True if the list has each of these strings, or if it or one of its items is unknown."""
        return not self.known or not all(item.known for item in self.each()) or set(wanted) <= set(self.texts())


def _read(container: Mapping[str, object] | Sequence[object], key: str | int) -> Node:
    try:
        return Node(container[key])  # type: ignore[index] - a string for a mapping, an index for a sequence
    except KeyError:
        return Node(None)
    except UnknownValueError:
        return Node(UNKNOWN)
