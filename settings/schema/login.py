"""The sections `login` and `sessions`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from settings.providers import PROVIDER, ProviderName
from settings.schema.base import Model
from settings.schema.credentials import CONFIGURED, ClientSecret, Needs, Rotation
from settings.types import values
from settings.types.kinds import whole


class DevelopmentUser(Model):
    """A user of the development identity provider."""

    groups: tuple[values.Group, ...] = ()
    """Groups in the user's token."""


class DevelopmentLogin(Model):
    """A Dex identity provider in the cluster, for evaluation."""

    has_tokens: ClassVar[bool] = True
    """Signed-in users have an ID token."""

    kind: Literal["development"]

    users: dict[values.Email, DevelopmentUser] = Field(min_length=1)
    """Users by e-mail address; `up` generates a password for each."""

    rotation: Rotation = 1
    """Raise this number to generate new passwords; existing sessions continue."""


class BasicUser(Model):
    """A user who signs in with a password."""

    groups: tuple[values.Group, ...] = ()
    """Groups of the user; `up` gives the user the same RBAC bindings as these groups."""


class BasicLogin(Model):
    """User names and passwords without an identity provider, for a small team."""

    has_tokens: ClassVar[bool] = False
    """Signed-in users have no ID token."""

    kind: Literal["basic"]

    users: dict[values.Email, BasicUser] = Field(min_length=1)
    """Users by e-mail address; `up` generates a password for each."""

    rotation: Rotation = 1
    """Raise this number to generate new passwords; existing sessions continue."""


class OidcLogin(Model):
    """The company's identity provider."""

    has_tokens: ClassVar[bool] = True
    """Signed-in users have an ID token."""

    kind: Literal["oidc"]

    issuer: values.Issuer
    """URL of the issuer, exactly as in the `iss` claim of its tokens."""

    provider: Annotated[ProviderName, PROVIDER] | None = None
    """Product of the identity provider at `issuer`. It sets the defaults of `scopes`, `offlineAccess`, `groupsClaim`,
    `userClaim` and `logoutUrl`; docs/login.md has a table. Users whose sign-in fails then see a page with the reason.
    """

    client_id: values.ClientId
    """Client ID at the identity provider; register the redirect URI `https://<host>/oauth2/callback` there."""

    credentials: Annotated[ClientSecret, Needs("loginClientSecret", "Secret of the client `login.clientId`.")] = (
        CONFIGURED
    )
    """Client secret."""

    audiences: tuple[values.ClientId, ...] = ()
    """Other client IDs: MLflow also accepts ID tokens that programs obtained with these IDs."""

    scopes: tuple[values.Scope, ...] = ("openid", "profile", "email", "groups")
    """Scopes that OAuth2-Proxy asks for, besides `offline_access`. Most providers refuse a login that asks for a scope
    that they do not know."""

    groups_claim: values.Claim = "groups"
    """Claim of the ID token with a user's groups. A path leads into a claim, such as `realm_access.roles`."""

    user_claim: values.Claim = "email"
    """Claim with a user's name. Choose one that users cannot change themselves: the audit log records it."""

    require_verified_email: values.Flag = True
    """Refuse users whose token says `email_verified: false`. Only with `userClaim` `email`."""

    offline_access: values.Flag = True
    """Ask for the scope `offline_access`. Most identity providers give no refresh token without it. Set `false` for
    Keycloak: it always gives a refresh token, and with this scope its session continues after the sign-out.
    """

    logout_url: values.LogoutUrl | None = None
    """URL that OAuth2-Proxy calls at sign-out, to end the session at the identity provider too; `{id_token}` in it is
    replaced by the user's ID token."""


class Sessions(Model):
    """Lifetime of browser sessions."""

    hours: Annotated[int, whole(1, 168)] = 12
    """Hours after which an unused session expires. A session in use continues until the identity provider ends it,
    which is checked every `refreshMinutes`."""

    refresh_minutes: Annotated[int, whole(1, 1440)] = 15
    """Interval of token refresh, and the delay until a revocation at the identity provider takes effect."""

    store: Literal["cookie", "valkey"] = "cookie"
    """Store of the sessions: encrypted in the browser's cookies (`cookie`), or in memory in the cluster (`valkey`), for
    an identity provider that accepts each refresh token only once.
    """

    rotation: Rotation = 1
    """Raise this number to sign everybody out: `up` generates a new secret for the encryption of sessions."""
