"""Diff: the properties that differ, and those that require a replacement.

Inputs are compared with the state, so drift shows up after a refresh. Values that AWS chose are not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.providers.aws.inputs import DEFAULTS
from testbed.providers.aws.kinds import Kind
from testbed.providers.values import Object, same, strings


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """The result of a diff: the changed properties, and how they are applied."""

    changed: Sequence[str]
    replaces: Sequence[str]
    delete_first: bool


def changes(kind: Kind, state: Object, news: Object, ignored: Sequence[str]) -> Changes:
    """Compare a resource's state with the program's inputs."""
    left_out = {path.partition(".")[0].partition("[")[0] for path in ignored}
    changed = [name for name in sorted(kind.inputs) if name not in left_out and _differs(kind, name, state, news)]
    if kind.regional and news.get("region") not in (None, state.get("region")):
        changed.append("region")
    replaces = [name for name in changed if name in kind.replaces or name == "region"]
    named = kind.name is not None and kind.name.property not in strings(news, DEFAULTS)
    return Changes(changed=changed, replaces=replaces, delete_first=bool(replaces) and (named or kind.delete_first))


def _differs(kind: Kind, name: str, state: Object, news: Object) -> bool:
    if name == "tags" or (name in kind.chosen and news.get(name) is None):
        # Tags are compared as tagsAll.
        return False
    return not same(kind.normal(name, state.get(name)), kind.normal(name, news.get(name)))
