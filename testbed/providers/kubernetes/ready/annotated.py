"""When an object is ready that says so itself, by the annotation `pulumi.com/waitFor`.

Of JSONPath there are keys, quoted keys, indexes and `*`. Filters are not copied: an expression
with one is an error that says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from testbed.providers.kubernetes.ready.rule import Rule, Sight, condition
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Json, Object, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_JSON_PATH: Final = re.compile(r"jsonpath=\{?\$?(?P<path>[^}=]*)\}?(?:=(?P<value>.*))?")
_STEP: Final = re.compile(r"\.?([\w-]+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+)|\*)\]|\.\*")


class Annotated(Rule):
    """Every expression holds."""

    timeout_text: ClassVar[str] = "timed out waiting for the condition"

    def __init__(self, written: Object, expressions: Sequence[str]) -> None:
        """Read the expressions; one that cannot be read is an error at once."""
        super().__init__(written, None)
        self._tests = [_parse(expression) for expression in expressions]
        self.progress = f"Waiting for {', '.join(expressions)}"

    def ready(self, sight: Sight, now: float) -> bool:
        """Test the live object."""
        del now
        return sight.live is not None and all(test.holds(sight.live) for test in self._tests)


class _Condition:
    def __init__(self, name: str, status: str) -> None:
        self._name, self._status = name, status

    def holds(self, obj: Object) -> bool:
        found = text(condition(obj, self._name), "status")
        return found.lower() == self._status.lower()


class _Path:
    def __init__(self, steps: Sequence[str | int], value: str | None) -> None:
        self._steps, self._value = steps, value

    def holds(self, obj: Object) -> bool:
        found = list(_follow(obj, self._steps))
        if self._value is None:
            return bool(found)
        return any(_spelled(value) == self._value for value in found)


def _spelled(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _follow(value: Json, steps: Sequence[str | int]) -> Iterator[Json]:
    if not steps:
        yield value
    elif steps[0] == "*" and isinstance(value, dict):
        for item in value.values():
            yield from _follow(item, steps[1:])
    elif steps[0] == "*" and isinstance(value, list):
        for item in value:
            yield from _follow(item, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _follow(value[str(steps[0])], steps[1:])
    elif isinstance(value, list) and isinstance(steps[0], int) and steps[0] < len(value):
        yield from _follow(value[steps[0]], steps[1:])


def _parse(expression: str) -> _Condition | _Path:
    if expression.startswith("condition="):
        name, _, status = expression.removeprefix("condition=").partition("=")
        return _Condition(name, status or "True")
    match = _JSON_PATH.fullmatch(expression)
    if match is None:
        message = f'expected a "jsonpath=" or "condition=" prefix, got "{expression}"'
        raise ProviderError(message)
    steps: list[str | int] = []
    position, path = 0, match["path"]
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            message = f"the provider stand-in cannot follow {path!r} in pulumi.com/waitFor"
            raise ProviderError(message)
        steps.append(int(step[4]) if step[4] else step[1] or step[2] or step[3] or "*")
        position = step.end()
    return _Path(steps, match["value"])
