"""Values that are unknown in a preview: none of them hides another violation, and none stops a rule.

The policy SDK turns a rule that reads an unknown value into a warning, also if the rule is mandatory. Here every value
of a resource is unknown once, in turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest
from pulumi_policy import EnforcementLevel, StackValidationPolicy

from policy.rules import RULES
from policy.rules.rule import ResourceRule
from tests.policy.judge import BY_NAME, UNKNOWN, Asked, changed, judge_by
from tests.policy.mutation import Mutation, stack
from tests.policy.mutations import MUTATIONS

Steps = tuple[str, ...]


def places(value: object, path: Steps = ()) -> Iterator[Steps]:
    """The path of every value inside of a resource's inputs."""
    inner: Mapping[str, object] = {}
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, object]", value)
    elif isinstance(value, list):
        inner = {str(index): item for index, item in enumerate(cast("list[object]", value))}
    for key, item in inner.items():
        yield (*path, key)
        yield from places(item, (*path, key))


def steps(path: str | Steps) -> Steps:
    return tuple(path.split(".")) if isinstance(path, str) else path


def contains(outer: Steps, inner: Steps) -> bool:
    """True if a place contains another one, or is the same."""
    return inner[: len(outer)] == outer


def judged(mutation: Mutation, resources: Sequence[Asked]) -> set[str]:
    """Names of the resources that violate the rule of a mutation."""
    config = mutation.configuration.get(mutation.rule, {})
    found = judge_by(mutation.rule, resources, None if isinstance(config, str) else config)
    return {sentence.split(": ")[1] for sentence in found}


def undecided(resources: Sequence[Asked], name: str, place: Steps) -> list[Asked]:
    return [
        replace(found, inputs=changed(found.inputs, place, UNKNOWN)) if found.name == name else found
        for found in resources
    ]


# The same mutation of two stacks is one.
DISTINCT = list({(one.rule, one.name, one.path, str(one.value)): one for one in MUTATIONS}.values())


@pytest.mark.parametrize("mutation", DISTINCT, ids=str)
def test_an_unknown_value_hides_no_violation_that_does_not_depend_on_it(mutation: Mutation) -> None:
    broken = mutation.apply(list(stack(mutation.stack)))
    (name,) = judged(mutation, broken)
    (violating,) = [found for found in broken if found.name == name]
    # A rule about resources one by one needs no others.
    asked = broken if isinstance(BY_NAME[mutation.rule], StackValidationPolicy) else [violating]
    own = steps(mutation.path) if mutation.path and name == mutation.name else ("nothing",)
    decisive = [own, *map(steps, mutation.decided_by)]
    hidden = [
        ".".join(place)
        for place in places(violating.inputs)
        if not contains(own, place)
        and not any(contains(place, one) for one in decisive)
        and judged(mutation, undecided(asked, name, place)) != {name}
    ]
    assert hidden == []


def kinds(name: str) -> list[Asked]:
    """One resource of each type in a stack: the one with the most values."""
    found: dict[str, Asked] = {}
    for asked in stack(name):
        found[asked.type] = max(asked, found.get(asked.type, asked), key=lambda one: len(list(places(one.inputs))))
    return list(found.values())


# Kinds that no rule about the whole stack reads.
ALONE = frozenset({"ConfigMap", "Secret", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount"})


def is_alone(asked: Asked) -> bool:
    return asked.type.rpartition(":")[2] in ALONE or asked.type.startswith(("random:", "mlflow-platform:"))


def complaints(resources: Sequence[Asked], asked: Asked, place: Steps) -> list[str]:
    alone, together = undecided([asked], asked.name, place), undecided(resources, asked.name, place)
    return [
        sentence
        for rule in RULES
        if rule.level != EnforcementLevel.DISABLED
        and (isinstance(rule, ResourceRule) or not is_alone(asked))
        # Of a large pod, the rules about the stack read only what is outside of its containers.
        and (isinstance(rule, ResourceRule) or not {"containers", "initContainers", "volumes"} & set(place))
        for sentence in judge_by(rule.name, alone if isinstance(rule, ResourceRule) else together)
    ]


@pytest.mark.parametrize("name", ["dev", "prod", "gateway"])
def test_no_rule_stops_at_any_value_that_is_not_known(name: str) -> None:
    """No rule reports a correct program, and none reads the unknown value, which would turn the rule into a warning."""
    resources = [asked for asked in stack(name) if not is_alone(asked)]
    chosen = kinds(name)
    others = [] if name == "dev" else kinds("dev")
    found = {
        f"{asked.name}: {'.'.join(place)}": sentences
        for asked in chosen
        if asked.type not in {one.type for one in others}
        for place in places(asked.inputs)
        if (sentences := complaints(resources, asked, place))
    }
    assert found == {}
