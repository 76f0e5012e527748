"""Comparison of an object in the cluster with the fields that the stack declares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tools.drifted.declared import Declared
from tools.drifted.managers import Manager, Path, managers
from tools.plan.preview import Json, is_masked, part

# Fields of `metadata` that people set; the API server writes the others.
METADATA = frozenset({"annotations", "labels"})
# kubectl leaves them behind whatever it does: a copy of what was applied, the time of a restart.
TRACES = frozenset({"kubectl.kubernetes.io/last-applied-configuration", "kubectl.kubernetes.io/restartedAt"})
PROVIDERS = "pulumi.com/"
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
SECRET = "(secret)"  # noqa: S105 - what stands for one


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A field that differs."""

    path: Path
    stack: Any
    """Value that the stack declares; None if it does not declare the field."""

    cluster: Any
    """Value in the cluster; None if there is none."""

    by: tuple[Manager, ...] = ()
    """Managers that wrote the field; empty if that is not recorded, as for a removed field."""

    @property
    def field(self) -> str:
        """The path as text, for example `spec.template.spec.containers[0].image`."""
        return "".join(_text(step) for step in self.path).removeprefix(".")


def _text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if set(step) <= PLAIN else f'["{step}"]'


def changes(one: Declared, live: Json) -> list[Change]:
    """Differences that others made by changing, adding or removing fields."""
    found: list[Change] = []
    is_patch = one.step.type.endswith("Patch")
    for change in _walk(one.step.old, live, ()):
        # Nobody is recorded for what is not there.
        by = [] if change.cluster is None else managers(live, change.path)
        others = tuple(each for each in by if not each.is_pulumi and not each.is_controller)
        if not _is_ignored(change.field, one.ignored) and _is_drift(change, by, others, is_patch=is_patch):
            found.append(_told(change, others, is_secret=one.step.kind == "Secret" and change.path[0] == "data"))
    return found


def _is_drift(change: Change, by: Sequence[Manager], others: Sequence[Manager], *, is_patch: bool) -> bool:
    """True if somebody else has made the difference.

    If only Pulumi wrote a field, it differs because the API server stores the same value in another form, such as 1 for
    1000m. A field that the stack does not declare contains a default, unless somebody wrote it; in an object that the
    stack only patches, it is somebody else's.
    """
    if change.stack is None and is_patch:
        return False
    if change.stack is None or is_masked(change.stack):
        return bool(others)
    return bool(others) or not by or _is_shorter(change)


def _is_shorter(change: Change) -> bool:
    """True for a list that has lost items: the remaining ones are Pulumi's."""
    stack, cluster = change.stack, change.cluster
    if not isinstance(stack, list) or not isinstance(cluster, list):
        return False
    return len(cast("list[Any]", cluster)) < len(cast("list[Any]", stack))


def _told(change: Change, by: tuple[Manager, ...], *, is_secret: bool) -> Change:
    if is_secret or is_masked(change.stack):
        stack, cluster = (None if value is None else SECRET for value in (change.stack, change.cluster))
        return Change(path=change.path, stack=stack, cluster=cluster, by=by)
    return Change(path=change.path, stack=change.stack, cluster=change.cluster, by=by)


def _is_ignored(field: str, ignored: Sequence[str]) -> bool:
    return any(field == one or field.startswith((f"{one}.", f"{one}[")) for one in ignored)


def _walk(stack: Any, cluster: Any, path: Path) -> Iterator[Change]:  # noqa: ANN401 - any JSON
    """Every field that may differ."""
    if is_masked(stack):
        yield Change(path=path, stack=stack, cluster=cluster)
    elif isinstance(stack, dict) and isinstance(cluster, dict):
        yield from _in_mapping(cast("Json", stack), cast("Json", cluster), path)
    elif isinstance(stack, list) and isinstance(cluster, list):
        yield from _in_list(cast("list[Any]", stack), cast("list[Any]", cluster), path)
    elif stack != cluster and (stack or cluster):
        yield Change(path=path, stack=stack, cluster=cluster)


def _in_mapping(stack: Json, cluster: Json, path: Path) -> Iterator[Change]:
    for key, value in stack.items():
        # The API server leaves out what is empty, and the provider what is meant for itself.
        if key in cluster or (value and not key.startswith(PROVIDERS)):
            yield from _walk(value, cluster.get(key), (*path, key))
    for key, value in cluster.items():
        if key in stack or _is_the_servers((*path, key)):
            continue
        if isinstance(value, dict):
            yield from _walk({}, value, (*path, key))
        else:
            yield Change(path=(*path, key), stack=None, cluster=value)


def _is_the_servers(path: Path) -> bool:
    if path[0] == "metadata" and len(path) == 2:  # noqa: PLR2004 - a field of it
        return path[1] not in METADATA
    return path[0] == "status" or path[-1] in TRACES


def _in_list(stack: list[Any], cluster: list[Any], path: Path) -> Iterator[Change]:
    before, after = _names(stack), _names(cluster)
    if before is not None and after is not None:
        for name, index in after.items():
            inner = stack[before[name]] if name in before else None
            yield from _walk(inner, cluster[index], (*path, index))
        for name, index in before.items():
            if name not in after:
                yield Change(path=(*path, index), stack=stack[index], cluster=None)
    elif len(stack) == len(cluster):
        for index, (one, other) in enumerate(zip(stack, cluster, strict=True)):
            yield from _walk(one, other, (*path, index))
    else:
        yield Change(path=path, stack=stack, cluster=cluster)


def _names(items: Sequence[Any]) -> Mapping[str, int] | None:
    """Place of each item by its name; None if an item has no name, or two have the same."""
    found = {str(part(item).get("name")): index for index, item in enumerate(items) if part(item).get("name")}
    return found if len(found) == len(items) else None
