"""Who may stand behind a request: users, sessions of roles, and nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from testbed.aws.policy.document import identity_policy
from testbed.aws.policy.evaluate import Policies, Statements
from testbed.aws.policy.request import Caller

ACCOUNT: Final = "123456789012"
"""moto's account; it has no other here."""

REGION: Final = "eu-central-1"
"""Of the certificates and of clusters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """A user or a session, as IAM knows it."""

    arn: str
    names: tuple[str, ...]
    """Every ARN that a policy may name it by."""

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    """What conditions can look at."""

    policies: Sequence[str] = ()
    boundary: str | None = None

    @property
    def caller(self) -> Caller:
        """Return it as policies see it."""
        return Caller(names=self.names, account=ACCOUNT)

    def with_resource(self, resource: Statements) -> Policies:
        """Return its policies beside those of a resource."""
        return Policies(
            identity=tuple(statement for text in self.policies for statement in identity_policy(text)),
            boundary=None if self.boundary is None else identity_policy(self.boundary),
            resource=resource,
        )


class Anonymous(Identity):
    """Nobody: only what a resource gives to everybody."""

    @property
    def caller(self) -> Caller:
        """Return it as policies see it."""
        return Caller()


ANONYMOUS: Final = Anonymous(arn="anonymous", names=(), keys={"aws:principaltype": "Anonymous"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessKey:
    """What signs a request."""

    identity: Identity
    secret: str
    token: str = ""
    """Of a session; it has to come with every request."""

    fault: str = ""
    """Why it is not good any more."""
