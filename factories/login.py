"""Who signs people in, and the door beside the server."""

from dataclasses import dataclass

import pulumi

from components.exposure.certificate import Certificate
from components.exposure.gateway import Route
from components.kubernetes.credential import Source
from components.login.identity_provider import IdentityProvider, IdentityProviderArgs, Oidc
from components.login.oauth2_proxy import Login, LoginArgs, redirect_uri
from components.login.passwords import Passwords, PasswordsArgs
from factories.context import Context
from factories.credentials import client_secret
from settings import BasicLogin, OidcLogin, required
from stackfile.model.credentials import Configured
from stackfile.programs import AUDIENCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who people sign in at."""

    oidc: Oidc
    users: list[str]
    """E-mail addresses of the users that the stack file names; none with a company login."""

    passwords: pulumi.Output[dict[str, str]]
    """Their passwords, by e-mail."""

    htpasswd: pulumi.Output[str] | None = None
    """The same for the login itself, where there is no identity provider."""


def identity(context: Context, route: Route) -> Identity:
    """The development identity provider, or the company's."""
    chosen = context.settings.login
    if isinstance(chosen, OidcLogin):
        oidc = Oidc(
            issuer=chosen.issuer,
            client_id=chosen.client_id,
            client_secret=_client_secret(context, chosen),
            audiences=chosen.audiences,
        )
        return Identity(oidc=oidc, users=[], passwords=pulumi.Output.from_input(dict[str, str]()))
    if isinstance(chosen, BasicLogin):
        return _basic(context, chosen)
    provider = IdentityProvider(
        "identity",
        IdentityProviderArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.dex),
            pull_secrets=context.pull_secrets,
            host=context.identity_host,
            redirect_uri=redirect_uri(context.address),
            users={email: user.groups for email, user in chosen.users.items()},
            route=route,
        ),
        context.opts,
    )
    return Identity(oidc=provider.oidc, users=sorted(chosen.users), passwords=provider.passwords)


def _client_secret(context: Context, chosen: OidcLogin) -> pulumi.Output[str] | Source:
    configured = context.secrets.login_client_secret
    if isinstance(chosen.credentials, Configured):
        return required(configured)
    return client_secret(chosen.credentials, configured)


def _basic(context: Context, chosen: BasicLogin) -> Identity:
    """Passwords that the login itself knows, and the cluster for an issuer: programs have no other."""
    made = Passwords("users", PasswordsArgs(users=sorted(chosen.users)), context.opts)
    issuer = context.settings.cluster.service_account_issuer
    return Identity(
        oidc=Oidc(issuer=issuer, client_id=AUDIENCE, client_secret=made.client_secret, inside=True),
        users=sorted(chosen.users),
        passwords=made.passwords,
        htpasswd=made.htpasswd,
    )


def login(context: Context, identity: Identity, certificate: Certificate) -> Login:
    """The door beside the server."""
    chosen = context.settings.login
    return Login(
        "login",
        LoginArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.oauth2_proxy),
            address=context.address,
            oidc=identity.oidc,
            htpasswd=identity.htpasswd,
            logout_url=chosen.logout_url if isinstance(chosen, OidcLogin) else None,
            pass_token=context.settings.access.review == "self-subject",
            authority=certificate.authority,
            company_authorities=context.settings.cluster.authorities,
            service_account_issuer=context.settings.cluster.service_account_issuer,
            service_account_audiences=context.settings.audiences,
            session_hours=context.settings.sessions.hours,
            refresh_minutes=context.refresh_minutes,
            verifies_only=context.asks_login,
        ),
        context.opts,
    )
