"""`Resource`, the input of rules, and functions that turn rules into policies of the pack.

A rule is a generator function: it takes a `Resource`, or all resources of a stack, and yields violations. A violation
is a string with the place, the problem and the expected value. Only the functions here report to the policy SDK.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from .node import Node

# API groups of the kinds that rules check; another group can have a different kind of the same name.
BUILT_IN = frozenset(
    {"core", "apps", "autoscaling", "batch", "extensions", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A Pulumi resource with its inputs and options, before it is created or updated."""

    type: str
    urn: str
    inputs: Node
    protected: bool
    provider: str | None
    """Name of the provider resource; None for resources without a provider."""

    config: Mapping[str, Any]
    """Configuration of the policy, such as `disposableStacks`; empty in rules for whole stacks."""

    @property
    def kind(self) -> str:
        """Kubernetes kind; empty for custom resources and for resources outside Kubernetes."""
        package, _, rest = self.type.partition(":")
        group_version, _, kind = rest.partition(":")
        return kind if package == "kubernetes" and group_version.partition("/")[0] in BUILT_IN else ""

    @property
    def stack(self) -> str:
        """Name of the stack, from the URN (`urn:pulumi:<stack>::<project>::...`)."""
        return self.urn.split("::", maxsplit=1)[0].rpartition(":")[2]


Rule = Callable[[Resource], Iterator[str]]
StackRule = Callable[[list[Resource]], Iterator[tuple[str, str]]]
"""A rule for all resources of a stack; yields pairs of a violation and the URN of the violating resource."""


def resource_policy(
    name: str, description: str, rule: Rule, config_schema: PolicyConfigSchema | None = None
) -> ResourceValidationPolicy:
    """A mandatory policy that checks resources one by one."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(
            type=args.resource_type,
            urn=args.urn,
            inputs=Node(args.props),
            protected=args.opts.protect,
            provider=None if args.provider is None else args.provider.name,
            config=args.get_config() or {},
        )
        for violation in rule(resource):
            report(violation, None)

    return ResourceValidationPolicy(
        name=name,
        description=description,
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=config_schema,
    )


def stack_policy(name: str, description: str, rule: StackRule) -> StackValidationPolicy:
    """A mandatory policy that checks all resources of a stack together."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [
            Resource(
                type=found.resource_type,
                urn=found.urn,
                inputs=Node(found.props),
                protected=found.opts.protect,
                provider=None if found.provider is None else found.provider.name,
                config={},
            )
            for found in args.resources
        ]
        for violation, urn in rule(resources):
            report(violation, urn)

    return StackValidationPolicy(
        name=name, description=description, validate=validate, enforcement_level=EnforcementLevel.MANDATORY
    )
