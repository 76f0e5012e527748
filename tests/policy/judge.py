"""Runs the policy pack as the engine does: with inputs behind the SDK's proxies, one policy at a time."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.rules import POLICIES
from tests.harness import PROJECT, Recording, Registered

UNKNOWN = UNKNOWN_STRING_VALUE
ABSENT = object()
BY_NAME = {policy.name: policy for policy in POLICIES}

Path = str | tuple[str, ...]
"""Dotted, or in parts where a key has dots; numbers count in lists."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One resource, as the engine shows it to a policy."""

    type: str
    inputs: dict[str, Any]
    name: str = "example"
    stack: str = "prod"
    protect: bool = False
    provider: str | None = "cluster"

    @property
    def urn(self) -> str:
        """As the engine makes it."""
        return f"urn:pulumi:{self.stack}::{PROJECT}::{self.type}::{self.name}"


def violations(policy: str, asked: Asked, config: Mapping[str, Any] | None = None) -> list[str]:
    """Violations of a resource policy by a resource."""
    found: list[str] = []
    chosen = BY_NAME[policy]
    assert isinstance(chosen, ResourceValidationPolicy)
    args = ResourceValidationArgs(
        asked.type, _proxy(asked.inputs), asked.urn, asked.name, _options(asked.protect), _provider(asked), config
    )
    _ask(chosen, args, found)
    return found


def stack_violations(policy: str, asked: Sequence[Asked]) -> list[str]:
    """Violations of a stack policy by the resources of a stack."""
    found: list[str] = []
    chosen = BY_NAME[policy]
    assert isinstance(chosen, StackValidationPolicy)
    resources = [
        PolicyResource(
            one.type, _proxy(one.inputs), one.urn, one.name, _options(one.protect), _provider(one), None, [], {}
        )
        for one in asked
    ]
    _ask(chosen, StackValidationArgs(resources), found)
    return found


def _ask(policy: Any, args: object, found: list[str]) -> None:  # noqa: ANN401 - the SDK's two kinds of policy
    def report(message: str, urn: str | None = None) -> None:
        del urn
        found.append(message)

    assert policy.validate(args, report) is None


def judge(resources: Sequence[Asked]) -> list[str]:
    """Violations of the whole pack, each with the prefix `<policy>: <resource>: `."""
    found: list[str] = []
    for policy in POLICIES:
        if isinstance(policy, StackValidationPolicy):
            found += [f"{policy.name}: {sentence}" for sentence in stack_violations(policy.name, resources)]
        else:
            for asked in resources:
                found += [f"{policy.name}: {asked.name}: {sentence}" for sentence in violations(policy.name, asked)]
    return found


def as_asked(recording: Recording, stack: str) -> list[Asked]:
    """A recorded program as the engine would show it."""
    return [_asked(found, stack) for found in recording]


def _asked(found: Registered, stack: str) -> Asked:
    # Providers and components are given no provider; the engine makes a default one for whatever else has none.
    needs_provider = found.custom and not found.type.startswith("pulumi:")
    return Asked(
        type=found.type,
        inputs=found.inputs,
        name=found.name,
        stack=stack,
        protect=found.protect,
        provider=(found.provider or "default_4_34_2") if needs_provider else None,
    )


def changed(document: Mapping[str, Any], path: Path, value: object) -> dict[str, Any]:
    """A copy of a document with another value at a path (`ABSENT` removes it)."""
    result: dict[str, Any] = copy.deepcopy(dict(document))
    *steps, last = [
        int(step) if step.isdigit() else step for step in (path.split(".") if isinstance(path, str) else path)
    ]
    node: Any = result
    for step in steps:
        node = cast("list[Any]", node)[step] if isinstance(step, int) else node.setdefault(step, {})
    if value is ABSENT:
        del node[last]
    else:
        node[last] = value
    return result


def _proxy(inputs: dict[str, Any]) -> dict[str, Any]:
    return unknown_checking_proxy(copy.deepcopy(inputs))


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
