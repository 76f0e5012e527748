"""Runs the policy pack as the engine does: with inputs behind the SDK's proxies, one policy at a time."""

import copy
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.rules import POLICIES, configuration
from tests.harness import PROJECT, Recording, Registered
from tests.program.stacks import STACKS, stack_file

UNKNOWN = UNKNOWN_STRING_VALUE
ABSENT = object()
BY_NAME = {policy.name: policy for policy in POLICIES}

Configuration = Mapping[str, str | Mapping[str, Any]]
"""Content of a file for `--policy-pack-config`."""

Path = str | tuple[str, ...]
"""A dotted path, or its parts if a key contains dots; a number is an index of a list."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One resource, as the engine passes it to a policy."""

    type: str
    inputs: dict[str, Any]
    name: str = "example"
    stack: str = "prod"
    protect: bool = False
    provider: str | None = "cluster"
    profile: str = ""
    """The platform's profile in the stack's configuration; empty for another program's."""

    parents: str = ""
    """Types of the resource's parent components, each followed by `$`."""

    @property
    def urn(self) -> str:
        """The URN, as the engine makes it."""
        return f"urn:pulumi:{self.stack}::{PROJECT}::{self.parents}{self.type}::{self.name}"

    @functools.cached_property
    def shown(self) -> dict[str, Any]:
        """The inputs behind the SDK's proxy; rules only read, so they may all have the same."""
        return unknown_checking_proxy(self.inputs)


def violations(policy: str, asked: Asked, config: Mapping[str, Any] | None = None) -> list[str]:
    """Violations of a resource policy by a resource."""
    found: list[str] = []
    chosen = BY_NAME[policy]
    assert isinstance(chosen, ResourceValidationPolicy)
    args = ResourceValidationArgs(
        asked.type, asked.shown, asked.urn, asked.name, _options(asked.protect), _provider(asked), config
    )

    def report(message: str, urn: str | None = None) -> None:
        del urn
        found.append(message)

    _ask(chosen, args, report, asked.profile)
    return found


def stack_violations(policy: str, asked: Sequence[Asked], config: Mapping[str, Any] | None = None) -> list[str]:
    """Violations of a stack policy by the resources of a stack."""
    return [sentence for _, sentence in _of_stack(policy, asked, config)]


def _of_stack(policy: str, asked: Sequence[Asked], config: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Names of violating resources, each with the violation."""
    found: list[tuple[str, str]] = []
    chosen = BY_NAME[policy]
    assert isinstance(chosen, StackValidationPolicy)
    names = {one.urn: one.name for one in asked}
    resources = [
        PolicyResource(one.type, one.shown, one.urn, one.name, _options(one.protect), _provider(one), None, [], {})
        for one in asked
    ]

    def report(message: str, urn: str | None = None) -> None:
        assert urn
        found.append((names[urn], message))

    _ask(chosen, StackValidationArgs(resources, config), report, asked[0].profile if asked else "")
    return found


def _ask(policy: Any, args: object, report: ReportViolation, profile: str) -> None:  # noqa: ANN401 - two kinds of policy
    # The engine gives a pack the stack's configuration in its environment.
    config_of_stack = json.dumps({configuration.PROFILE: profile} if profile else {})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(configuration.VARIABLE, config_of_stack)
        assert policy.validate(args, report) is None


def judge(
    resources: Sequence[Asked], given: Configuration | None = None, *, admitted: Sequence[Asked] = ()
) -> list[str]:
    """Violations of the rules that are not disabled, each with the prefix `<policy>: <resource>: `.

    A rule about single resources skips the resources that it has already `admitted`.
    """
    known = {id(one) for one in admitted}
    remaining = [one for one in resources if id(one) not in known]
    found: list[str] = []
    for policy in POLICIES:
        entry = (given or {}).get(policy.name, {})
        config = dict(entry) if isinstance(entry, Mapping) else {"enforcementLevel": entry}
        assert policy.enforcement_level
        if config.pop("enforcementLevel", policy.enforcement_level.value) != EnforcementLevel.DISABLED.value:
            asked = resources if isinstance(policy, StackValidationPolicy) else remaining
            found += judge_by(policy.name, asked, config)
    return found


def judge_by(policy: str, resources: Sequence[Asked], config: Mapping[str, Any] | None = None) -> list[str]:
    """Violations of one rule, in the same form."""
    if isinstance(BY_NAME[policy], StackValidationPolicy):
        return [f"{policy}: {name}: {sentence}" for name, sentence in _of_stack(policy, resources, config)]
    return [
        f"{policy}: {asked.name}: {sentence}" for asked in resources for sentence in violations(policy, asked, config)
    ]


def as_asked(recording: Recording, stack: str) -> list[Asked]:
    """The resources of a recorded program, as the engine would pass them to policies."""
    return [_asked(found, stack) for found in recording]


def _asked(found: Registered, stack: str) -> Asked:
    # Providers and components are given no provider; the engine makes a default one for whatever else has none.
    needs_provider = found.custom and not found.type.startswith("pulumi:")
    return Asked(
        type=found.type,
        inputs=found.inputs,
        name=found.name,
        stack=stack,
        profile=profile_of(stack),
        protect=found.protect,
        provider=(found.provider or "default_4_34_2") if needs_provider else None,
        parents=found.urn.split("::")[2].removesuffix(found.type),
    )


@functools.cache
def profile_of(stack: str) -> str:
    """Profile of a committed stack; empty for another one."""
    return str(stack_file(stack)[configuration.PROFILE]) if stack in STACKS else ""


def changed(document: Mapping[str, Any], path: Path, value: object) -> dict[str, Any]:
    """A document with another value at a path (`ABSENT` removes it); it shares everything else with the old one."""
    *steps, last = [
        int(step) if step.isdigit() else step for step in (path.split(".") if isinstance(path, str) else path)
    ]
    result: dict[str, Any] = dict(document)
    node: Any = result
    for step in steps:
        inner: Any = node[step] if isinstance(step, int) else node.get(step, {})
        node[step] = copy.copy(inner)
        node = node[step]
    if value is ABSENT:
        del node[last]
    else:
        node[last] = value
    return result


def _options(protect: bool) -> PolicyResourceOptions:  # noqa: FBT001 - private
    return PolicyResourceOptions(
        protect=protect,
        ignore_changes=[],
        delete_before_replace=None,
        aliases=[],
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
        additional_secret_outputs=[],
    )


def _provider(asked: Asked) -> PolicyProviderResource | None:
    if asked.provider is None:
        return None
    kind = f"pulumi:providers:{asked.type.partition(':')[0]}"
    return PolicyProviderResource(
        kind, {}, f"urn:pulumi:{asked.stack}::{PROJECT}::{kind}::{asked.provider}", asked.provider
    )
