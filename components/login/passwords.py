"""Names and passwords that the login itself knows: the small option, without an identity provider.

OAuth2-Proxy reads them from a file in htpasswd's format. It gives its sessions no groups, so users
themselves are bound to their teams' roles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random as random

# 20 letters and digits are 119 bits.
LENGTH = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordsArgs:
    """Input of `Passwords`."""

    users: Sequence[str]
    """E-mail addresses."""


class Passwords(pulumi.ComponentResource):
    """A password for each user."""

    htpasswd: pulumi.Output[str]
    """The file: one line per user, passwords hashed by bcrypt."""

    passwords: pulumi.Output[dict[str, str]]
    """By e-mail address."""

    client_secret: pulumi.Output[str]
    """OAuth2-Proxy does not start without one; it would redeem codes with it, and nobody issues any."""

    def __init__(self, name: str, args: PasswordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Passwords", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        made = {
            user: random.RandomPassword(f"{name}-{user}", length=LENGTH, special=False, opts=child)
            for user in sorted(args.users)
        }
        self.client_secret = random.RandomPassword(f"{name}-client", length=40, special=False, opts=child).result
        self.passwords = pulumi.Output.all(**{user: one.result for user, one in made.items()})
        self.htpasswd = pulumi.Output.all(**{user: one.bcrypt_hash for user, one in made.items()}).apply(
            lambda hashes: "".join(f"{user}:{digest}\n" for user, digest in sorted(hashes.items()))
        )
        self.register_outputs({})
