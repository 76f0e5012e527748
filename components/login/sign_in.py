"""How users sign in: at an identity provider, or with a password that OAuth2-Proxy checks itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pulumi

from components.login.files import SECRETS


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSignIn:
    """Users sign in at the identity provider, from which OAuth2-Proxy also refreshes their groups."""

    page: ClassVar[str] = "sign_in_at_provider.html"
    """The sign-in page, a file of components/scripts."""

    user_header: ClassVar[str] = "x-forwarded-email"
    """Request header with the user's name for the server. The user names of an identity provider are opaque."""

    refresh_minutes: int
    """Minutes after which OAuth2-Proxy reads a user's groups from the identity provider again: a user who is removed
    from a group loses access after that time."""

    logout_url: str | None = None
    """URL to call when a user signs out; `{id_token}` in it is replaced by the user's ID token."""

    @property
    def secret_files(self) -> Mapping[str, pulumi.Output[str]]:
        """Content, by name, of the secret files that OAuth2-Proxy needs only with this way of signing in."""
        return {}

    @property
    def options(self) -> list[str]:
        """OAuth2-Proxy's options for the refresh of sessions, and for signing out."""
        logout = [] if self.logout_url is None else [f"--backend-logout-url={self.logout_url}"]
        return [f"--cookie-refresh={self.refresh_minutes}m", *logout]


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordSignIn:
    """Users sign in with user name and password, without an identity provider."""

    page: ClassVar[str] = "sign_in_with_password.html"
    user_header: ClassVar[str] = "x-forwarded-user"
    """Request header with the user's name for the server: a session with a password has no e-mail address."""

    htpasswd: pulumi.Output[str]
    """Content of the htpasswd file, with user names and password hashes."""

    logout_url: ClassVar[None] = None

    @property
    def secret_files(self) -> Mapping[str, pulumi.Output[str]]:
        """Content, by name, of the secret files that OAuth2-Proxy needs only with this way of signing in."""
        return {"htpasswd": self.htpasswd}

    @property
    def options(self) -> list[str]:
        """OAuth2-Proxy's option for the users' passwords. Without an identity provider, sessions are not refreshed."""
        return [f"--htpasswd-file={SECRETS}/htpasswd"]


SignIn = ProviderSignIn | PasswordSignIn
