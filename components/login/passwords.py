"""Users and passwords of the basic login, which needs no identity provider.

OAuth2-Proxy reads users and password hashes from an htpasswd file. The sessions of such users have no groups, so the
teams' RoleBindings name the users themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.kubernetes.credential import keepers

# 20 letters and digits are 119 bits.
LENGTH = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordsArgs:
    """Input of `Passwords`."""

    users: Sequence[str]
    """E-mail addresses of the users."""

    rotation: int = 1
    """A new number generates new passwords."""


class Passwords(pulumi.ComponentResource):
    """A generated password for each user."""

    htpasswd: pulumi.Output[str]
    """Content of the htpasswd file: one line per user, with the bcrypt hash of the password."""

    passwords: pulumi.Output[dict[str, str]]
    """Password by e-mail address."""

    client_secret: pulumi.Output[str]
    """OIDC client secret. OAuth2-Proxy does not start without one, but does not use it with an htpasswd file."""

    def __init__(self, name: str, args: PasswordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Passwords", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        passwords = {
            user: random.RandomPassword(
                f"{name}-{user}", length=LENGTH, special=False, keepers=keepers(args.rotation), opts=child
            )
            for user in sorted(args.users)
        }
        self.client_secret = random.RandomPassword(f"{name}-client", length=40, special=False, opts=child).result
        self.passwords = pulumi.Output.all(**{user: password.result for user, password in passwords.items()})
        self.htpasswd = pulumi.Output.all(**{user: password.bcrypt_hash for user, password in passwords.items()}).apply(
            lambda hashes: "".join(f"{user}:{digest}\n" for user, digest in sorted(hashes.items()))
        )
        self.register_outputs({})
