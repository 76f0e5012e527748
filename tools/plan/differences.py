"""Lines about each changed resource, by component, with the values that change; secrets stay hidden.

Lists are compared as sets: an item that only has another position is no change.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from tools.plan.network_rules import in_words
from tools.plan.preview import UNKNOWN, Json, Step, is_masked, part

SIGNS = {"create": "+", "import": "=", "update": "~", "replace": "±", "delete": "-"}
LONGEST_VALUE = 160
# Kinds whose values are shown whole: a part that is cut off could be the one that matters.
WHOLE = frozenset({"NetworkPolicy", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Ingress", "HTTPRoute"})
# `a.b[0]["c/d"]` in its steps.
PATH = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
# Up to the first position in a list.
LIST = re.compile(r'^((?:\["(?:[^"\\]|\\.)*"\]|[^\[])*)\[\d+\]')
# Objects that Pulumi replaces for each change: their content is no diff that helps anybody.
NEW_FOR_EACH_CHANGE = frozenset({"ConfigMap", "Job", "Secret"})
# Names that Pulumi makes end with eight hexadecimal digits.
GENERATED = re.compile(r"(.+)-[0-9a-f]{8}")
# `--name=value` in a command line.
OPTION = re.compile(r"(--[\w-]+)=(.*)", re.DOTALL)
# Lists whose items have no parts that are worth a comparison.
SETS = frozenset({"spec.egress", "spec.ingress", "subjects", "rules"})
COMPONENT = "mlflow-platform:"
STATES = {"create": " (new)", "delete": " (removed)"}
OUTSIDE = "outside of components"


def by_component(steps: Sequence[Step]) -> list[tuple[str, list[str]]]:
    """Each component with changes, and the lines about its resources; both sorted."""
    found: dict[str, list[str]] = {}
    states = {f"{step.kind} {step.name}": STATES.get(step.op, "") for step in steps if step.type.startswith(COMPONENT)}
    for step in sorted(steps, key=lambda one: (_place(one), one.op, one.shown)):
        if step.op in SIGNS:
            inner = found.setdefault(_place(step), [])
            inner.extend([] if step.type.startswith(COMPONENT) else lines(step))
    return [
        (f"{place}{states.get(place, '')}{'' if inner else ': no object of its own'}", inner)
        for place, inner in found.items()
    ]


def _place(step: Step) -> str:
    """The component that a resource belongs to, or that it is."""
    return step.shown if step.type.startswith(COMPONENT) else step.component or OUTSIDE


def lines(step: Step) -> list[str]:
    """The lines about one resource: a heading, and each property that changes."""
    heading = f"{SIGNS[step.op]} {step.shown}"
    if step.op == "replace" and step.kind in NEW_FOR_EACH_CHANGE:
        names = [part(inputs, "metadata").get("name") for inputs in (step.old, step.new)]
        same = "" if names[0] == names[1] else " under a new name"
        return [f"{heading}: {'runs again' if step.kind == 'Job' else 'new content'}{same}"]
    if step.op not in {"update", "replace"}:
        return [heading]
    return [heading, *(f"    {line}" for line in _changes(step))]


def _changes(step: Step) -> Iterator[str]:
    """Lines about the values of a resource that change."""
    secret = [path for path in step.changed if step.kind == "Secret" or any(map(is_masked, _values(step, path)))]
    yield from (f"{path}: changes (secret)" for path in secret)
    left: dict[str, list[str]] = {}
    for path in step.changed:
        if path not in secret:
            # A path ends at the first list that it leads into.
            left.setdefault(match[1] if (match := LIST.match(path)) else path, []).append(path)
    for path, inner in left.items():
        before, after = _values(step, path)
        found = list(_between(path, before, after, is_whole=step.kind in WHOLE))
        # Where the inputs are alike, the object itself has another value.
        yield from found or (f"{each}: {shown(at(step.new, each))} again" for each in inner)


def _values(step: Step, path: str) -> tuple[Any, Any]:
    return at(step.old, path), at(step.new, path)


def _between(path: str, before: Any, after: Any, *, is_whole: bool) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if before == after:
        return
    if is_masked(before) or is_masked(after):
        yield f"{path}: changes (secret)"
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, cast("list[Any]", before), cast("list[Any]", after), is_whole=is_whole)
    elif isinstance(before, dict) and isinstance(after, dict):
        ours, theirs = cast("Json", before), cast("Json", after)
        for key in sorted({*ours, *theirs}):
            yield from _between(_joined(path, key), ours.get(key), theirs.get(key), is_whole=is_whole)
    else:
        yield _value(path, cast("Any", before), after, is_whole=is_whole)


def _value(path: str, before: Any, after: Any, *, is_whole: bool) -> str:  # noqa: ANN401 - any JSON
    if is_renamed(before, after):
        return f"{path}: a new name"
    if before is None or after is None:
        # Of a variable, the value.
        before, after = _of_variable(before), _of_variable(after)
        value, what = (after, "new") if before is None else (before, "removed")
        return f"{path}: {_written(path, value, is_whole=is_whole)} is {what}"
    old, new = (_written(path, one, is_whole=is_whole) for one in (before, after))
    return f"{path}: {old} → {new}"


def _of_variable(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value of a variable; anything else as it is."""
    found = part(value)
    return found["value"] if found.keys() == {"name", "value"} else value


def _lists(path: str, before: list[Any], after: list[Any], *, is_whole: bool) -> Iterator[str]:
    gone, new = _without(before, after), _without(after, before)
    if not gone and not new:
        yield f"{path}: another order"
        return
    if path in SETS:
        yield from (f"{path}: {_written(path, one, is_whole=True)} is removed" for one in gone)
        yield from (f"{path}: {_written(path, one, is_whole=True)} is new" for one in new)
    elif all(isinstance(one, str) for one in (*gone, *new)):
        yield from _words(path, gone, new, is_whole=is_whole)
    else:
        yield from _objects(path, gone, new, is_whole=is_whole)


def _objects(path: str, gone: Sequence[Any], new: Sequence[Any], *, is_whole: bool) -> Iterator[str]:
    """Lines about objects, compared by their names; objects without names only if there is one on each side."""
    ours, theirs = _named(gone), _named(new)
    if len(ours) == len(gone) and len(theirs) == len(new):
        for name in sorted({*ours, *theirs}):
            yield from _between(f"{path}[{name}]", ours.get(name), theirs.get(name), is_whole=is_whole)
    elif len(gone) == len(new) == 1:
        yield from _between(f"{path}[]", gone[0], new[0], is_whole=is_whole)
    else:
        yield from (f"{path}: {shown(one, whole=is_whole)} is removed" for one in gone)
        yield from (f"{path}: {shown(one, whole=is_whole)} is new" for one in new)


def _without(these: Sequence[Any], those: Sequence[Any]) -> list[Any]:
    return [one for one in these if one not in those]


def _named(items: Sequence[Any]) -> dict[str, Any]:
    """Containers, variables and volumes by name; items without a name, or with a repeated one, are left out."""
    names = [str(part(one).get("name", "")) for one in items]
    return {name: one for name, one in zip(names, items, strict=True) if name and names.count(name) == 1}


def _words(path: str, gone: Sequence[str], new: Sequence[str], *, is_whole: bool) -> Iterator[str]:
    """Lines about lists of words, such as a command line, whose options are compared by name."""
    ours, theirs = _options(gone), _options(new)
    both = [name for name in ours if name in theirs]
    for name in both:
        before, after = (one[name].split(",") for one in (ours, theirs))
        if max(len(before), len(after)) > 1:
            yield f"{path} {name}: {', '.join(_signed(_without(before, after), _without(after, before)))}"
        else:
            yield from _between(f"{path} {name}", ours[name], theirs[name], is_whole=True)
    left = [[one for one in words if one.partition("=")[0] not in both] for words in (gone, new)]
    for words, what in zip(left, ("removed", "new"), strict=True):
        yield from (f"{path}: {shown(one, whole=is_whole or one.startswith('--'))} is {what}" for one in words)


def _options(words: Sequence[str]) -> dict[str, str]:
    found = [match for one in words if (match := OPTION.fullmatch(one))]
    names = [match[1] for match in found]
    return {match[1]: match[2] for match in found if names.count(match[1]) == 1}


def _signed(gone: Sequence[str], new: Sequence[str]) -> list[str]:
    return [*(f"{one} is removed" for one in gone), *(f"{one} is new" for one in new)]


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if re.fullmatch(r"\w+", key) else f'{path}["{key}"]'


def _written(path: str, value: Any, *, is_whole: bool) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        inner = cast("Json", value)
        if path in {"spec.egress", "spec.ingress"}:
            return in_words(inner)
        if path == "subjects":
            return " ".join(filter(None, (str(inner.get("kind")), _qualified(inner))))
    return shown(value, whole=is_whole)


def _qualified(subject: Json) -> str:
    return "/".join(str(subject[key]) for key in ("namespace", "name") if subject.get(key))


def is_renamed(before: object, after: object) -> bool:
    """True if both are names that Pulumi generates for the same resource."""
    ours, theirs = (GENERATED.fullmatch(one) if isinstance(one, str) else None for one in (before, after))
    return ours is not None and theirs is not None and ours[1] == theirs[1]


def at(value: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """The value at a path of a detailed diff; None if there is none."""
    for quoted, index, name in PATH.findall(path):
        if index and isinstance(value, list):
            items = cast("list[Any]", value)
            value = items[int(index)] if int(index) < len(items) else None
        elif isinstance(value, dict):
            value = cast("dict[str, Any]", value).get(quoted.replace('\\"', '"') or name or index)
        else:
            return None
    return value


def shown(value: Any, *, whole: bool = False) -> str:  # noqa: ANN401 - any JSON
    """A value in one line, shortened unless `whole`."""
    if isinstance(value, str) and value == UNKNOWN:
        return "known after `up`"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = " ".join(text.replace(UNKNOWN, "?").split())
    return text if whole or len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
