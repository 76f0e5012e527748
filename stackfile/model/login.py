"""The sections `login` and `sessions`."""

from typing import Annotated, Literal

from pydantic import Field

from stackfile import values
from stackfile.kinds import whole
from stackfile.model.base import Model
from stackfile.model.credentials import CONFIGURED, ClientSecret


class DevelopmentUser(Model):
    """Somebody who can sign in at the development identity provider."""

    groups: tuple[values.Group, ...] = ()
    """Groups that the identity provider says the user is in."""


class DevelopmentLogin(Model):
    """An identity provider of the platform's own, for evaluation."""

    kind: Literal["development"]
    """Who signs people in: the company (`oidc`), a small provider in the cluster (`development`), or the login itself
    with passwords that `up` makes (`basic`)."""

    users: dict[values.Email, DevelopmentUser] = Field(min_length=1)
    """Who can sign in, by e-mail address. `up` makes a password for each."""


class BasicUser(Model):
    """Somebody who signs in with a name and a password."""

    groups: tuple[values.Group, ...] = ()
    """Groups that the user is in; `up` binds the user itself to what they may do."""


class BasicLogin(Model):
    """Names and passwords, and no identity provider; for a small team's evaluation."""

    kind: Literal["basic"]
    """Who signs people in: the company (`oidc`), a small provider in the cluster (`development`), or the login itself
    with passwords that `up` makes (`basic`)."""

    users: dict[values.Email, BasicUser] = Field(min_length=1)
    """Who can sign in, by e-mail address. `up` makes a password for each."""


class OidcLogin(Model):
    """The company's identity provider."""

    kind: Literal["oidc"]
    """Who signs people in: the company (`oidc`), a small provider in the cluster (`development`), or the login itself
    with passwords that `up` makes (`basic`)."""

    issuer: values.Issuer
    """URL of the issuer, letter by letter as it stands in its tokens."""

    client_id: values.ClientId
    """Client registered there, with the redirect URI `https://<host>/oauth2/callback`."""

    credentials: ClientSecret = CONFIGURED
    """The client's secret."""

    audiences: tuple[values.ClientId, ...] = ()
    """Further clients whose ID tokens programs may present."""

    logout_url: values.LogoutUrl | None = None
    """What the login calls when somebody signs out, so that their session at the identity provider ends as well; in it,
    `{id_token}` stands for their ID token."""


class Sessions(Model):
    """How long a browser stays signed in."""

    hours: Annotated[int, whole(1, 168)] = 12
    """A session that nobody used for this long is over. One that is used goes on until the identity provider ends it,
    which is asked every `refreshMinutes`."""

    refresh_minutes: Annotated[int, whole(1, 1440)] = 15
    """How often the identity provider is asked again; the lag of a revocation there."""
