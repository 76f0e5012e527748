"""The answer to the engine's question what a change of inputs does to an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.checkpoint import parse
from testbed.providers.kubernetes.diff import (
    Difference,
    differences,
    replaced_paths,
    with_namespace,
    without,
)
from testbed.providers.kubernetes.kinds import annotation, name_of_object, namespace_of
from testbed.providers.kubernetes.normalise import normalise, prune
from testbed.providers.kubernetes.replacement import IDENTITY, replaced_on
from testbed.providers.values import Unknown, dig, plain_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.providers.kubernetes.settings import Settings
    from testbed.providers.values import Json, Object

AUTONAMED: Final = "autonamed"


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs, and what that means."""

    found: Sequence[Difference] = ()
    replaces: frozenset[str] = frozenset()
    delete_first: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Two sides to compare, and how."""

    state: Object
    new: Object
    ignored: Sequence[str]
    namespaced: bool
    patch: bool
    """Whether the resource is a Patch: those are replaced for their identity only."""

    unready: bool = False
    """Whether an unfinished Job is to be replaced (`pulumi.com/replaceUnready`)."""


def compare(question: Question, settings: Settings) -> Changes:
    """Compare new inputs with the state's live object, cut down to the old inputs."""
    old_inputs, live = parse(question.state)
    new = normalise(plain_object(question.new))
    old = prune(live, normalise(old_inputs))
    old, new = (_in_namespace(side, namespaced=question.namespaced) for side in (old, new))
    for key in ("apiVersion", "kind"):
        if key not in old and key in new:
            old[key] = new[key]
    found = without(differences(old, new), question.ignored)
    patterns = IDENTITY if question.patch else replaced_on(new, settings)
    replaces = replaced_paths(found, patterns)
    if question.unready:
        replaces.add('.metadata.annotations["pulumi.com/replaceUnready"]')
    return Changes(found, frozenset(replaces), bool(replaces) and _stays_in_place(old, new))


def _in_namespace(obj: Object, *, namespaced: bool) -> Object:
    """Return a copy that names its namespace, or none if its kind has none."""
    if isinstance(dig(obj, "metadata", "namespace"), Unknown):
        return dict(obj)
    return with_namespace(obj, (namespace_of(obj) or "default") if namespaced else "")


def _stays_in_place(old: Object, new: Object) -> bool:
    """Say whether the new object needs the name that the old one has."""
    return (
        annotation(new, AUTONAMED) != "true"
        and _known(dig(new, "metadata", "name"))
        and name_of_object(new) == name_of_object(old)
        and namespace_of(new) == namespace_of(old)
    )


def _known(value: Json) -> bool:
    return not isinstance(value, Unknown)
