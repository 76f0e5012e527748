"""Principals that can send a request: users, sessions of roles, and anonymous callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from testbed.aws.policy.document import identity_policy
from testbed.aws.policy.evaluate import Policies, Statements
from testbed.aws.policy.request import Caller

ACCOUNT: Final = "123456789012"
"""Id of the AWS account that moto uses, the only account of the stand-in."""

REGION: Final = "eu-central-1"
"""AWS region in the host names of the stand-in's certificate, and in the ARNs of EKS clusters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """A user, or a session of a role."""

    arn: str
    names: tuple[str, ...]
    """Every ARN by which a policy may name the principal."""

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    """Condition keys that describe the principal, with their values."""

    policies: Sequence[str] = ()
    boundary: str | None = None

    @property
    def caller(self) -> Caller:
        """The principal as policies see it."""
        return Caller(names=self.names, account=ACCOUNT)

    def with_resource(self, resource: Statements) -> Policies:
        """Combine the principal's policies with the policy of a resource."""
        return Policies(
            identity=tuple(statement for text in self.policies for statement in identity_policy(text)),
            boundary=None if self.boundary is None else identity_policy(self.boundary),
            resource=resource,
        )


class Anonymous(Principal):
    """The principal of an unsigned request. It has only the permissions that a resource policy grants to everybody."""

    @property
    def caller(self) -> Caller:
        """The principal as policies see it."""
        return Caller()


ANONYMOUS: Final = Anonymous(arn="anonymous", names=(), keys={"aws:principaltype": "Anonymous"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessKey:
    """An access key, which signs requests."""

    principal: Principal
    secret: str
    token: str = ""
    """Session token, which every request of a session must contain; empty for an access key of a user."""

    fault: str = ""
    """Reason why the key is no longer valid; empty for a valid key."""
