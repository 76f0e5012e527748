"""`Resource`, the input of rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .node import Node

# API groups of the kinds that rules check; another group can have a different kind of the same name.
GROUPS = frozenset(
    {
        "core",
        "apps",
        "autoscaling",
        "batch",
        "extensions",
        "gateway.networking.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
    }
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
    """Parameters of the rule, such as `disposableStacks`, each with its value or its default."""

    profile: str
    """The platform's profile in the configuration of the stack; empty for other programs."""

    @property
    def kind(self) -> str:
        """Kubernetes kind; empty for kinds that no rule checks, and for resources outside Kubernetes."""
        package, _, rest = self.type.partition(":")
        group_version, _, kind = rest.partition(":")
        return kind if package == "kubernetes" and group_version.partition("/")[0] in GROUPS else ""

    @property
    def stack(self) -> str:
        """Name of the stack, from the URN (`urn:pulumi:<stack>::<project>::...`)."""
        return self.urn.split("::", maxsplit=1)[0].rpartition(":")[2]

    @property
    def name(self) -> str:
        """Name of the Pulumi resource, the end of the URN."""
        return self.urn.split("::", maxsplit=3)[-1]

    @property
    def parent_type(self) -> str:
        """Type of the component that the resource belongs to; empty without one."""
        ancestors = self.urn.split("::")[2].rpartition("$")[0]
        return ancestors.rpartition("$")[2]
