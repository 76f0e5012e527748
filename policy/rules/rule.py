"""`Rule`: a demand of the pack, its reason, the remedy of a violation, and the function that finds violations.

That function is a generator: it takes a `Resource`, or all resources of a stack, and yields violations. A violation is
a string with the place, the problem and the expected value. Only this module reports to the policy SDK.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from . import configuration
from .configuration import Configuration, Schema
from .exceptions import remaining
from .node import Node
from .references import Reference
from .resource import Resource


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule(ABC):
    """One rule of the pack."""

    name: str
    """Name under which the rule is reported and configured."""

    demands: str
    reason: str
    remedy: str
    reference: Reference
    parameters: Mapping[str, Schema] = field(default_factory=dict[str, Schema])
    """JSON schema of each parameter, with its default."""

    level: EnforcementLevel = EnforcementLevel.MANDATORY
    """Disabled for a rule that a stack has to enable in its configuration."""

    @property
    def description(self) -> str:
        """The line above each violation; the violation itself has the remedy."""
        return f"{self.demands} {self.reason} ({self.reference.title}: {self.reference.url})"

    @abstractmethod
    def policy(self) -> Policy:
        """The rule as an object of the policy SDK."""

    def _read(self, given: Mapping[str, Any] | None) -> Configuration:
        return configuration.read(self.name, self.parameters, given)

    def _schema(self) -> PolicyConfigSchema:
        properties = configuration.schema_of(self.parameters)["properties"]
        return PolicyConfigSchema(properties={name: dict(schema) for name, schema in properties.items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceRule(Rule):
    """A rule that judges each resource by itself."""

    finds: Callable[[Resource], Iterator[str]]

    def policy(self) -> Policy:
        """A policy that Pulumi applies to each resource before the resource is created or updated."""

        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            given = self._read(args.get_config())
            resource = Resource(
                type=args.resource_type,
                urn=args.urn,
                inputs=Node(args.props),
                protected=args.opts.protect,
                provider=None if args.provider is None else args.provider.name,
                config=given.parameters,
                profile=configuration.profile(),
            )
            for violation in self.finds(resource):
                if sentence := remaining(violation, resource, given.exemptions):
                    report(sentence, None)

        return ResourceValidationPolicy(
            name=self.name,
            description=self.description,
            validate=validate,
            enforcement_level=self.level,
            config_schema=self._schema(),
            remediation_steps=self.remedy,
            url=self.reference.url,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRule(Rule):
    """A rule about all resources of a stack together; its function yields pairs of a violation and a resource."""

    finds: Callable[[list[Resource]], Iterator[tuple[str, Resource]]]

    def policy(self) -> Policy:
        """A policy that Pulumi applies to all resources at the end of a preview or deployment."""

        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            given = self._read(args.get_config())
            for violation, resource in self.finds([_resource(found, given) for found in args.resources]):
                if sentence := remaining(violation, resource, given.exemptions):
                    report(sentence, resource.urn)

        return StackValidationPolicy(
            name=self.name,
            description=self.description,
            validate=validate,
            enforcement_level=self.level,
            config_schema=self._schema(),
            remediation_steps=self.remedy,
            url=self.reference.url,
        )


def _resource(found: PolicyResource, given: Configuration) -> Resource:
    return Resource(
        type=found.resource_type,
        urn=found.urn,
        inputs=Node(found.props),
        protected=found.opts.protect,
        provider=None if found.provider is None else found.provider.name,
        config=given.parameters,
        profile=configuration.profile(),
    )
