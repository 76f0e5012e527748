"""Creation of the identity provider or the users' passwords, and of OAuth2-Proxy in front of the server."""

from dataclasses import dataclass

import pulumi

from components.exposure.certificate import Certificate
from components.exposure.gateway import Route
from components.kubernetes.credential import Source
from components.login.command_line import LoginArgs, redirect_uri
from components.login.files import FailurePage
from components.login.forward_auth import LABELS as FORWARD_AUTH
from components.login.front import Bounds
from components.login.identity_provider import IdentityProvider, IdentityProviderArgs, Oidc
from components.login.oauth2_proxy import Login
from components.login.passwords import Passwords, PasswordsArgs
from components.login.session_store import SessionStore, SessionStoreArgs, Store
from components.login.sign_in import PasswordSignIn, ProviderSignIn, SignIn
from components.mlflow.args import LABELS as SERVER
from factories.context import Context
from factories.credentials import client_secret
from settings.schema.credentials import Configured
from settings.schema.login import BasicLogin, OidcLogin
from settings.secrets import required
from settings.types.service_accounts import AUDIENCE


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentitySource:
    """The source of users' identities: an identity provider, or passwords that OAuth2-Proxy verifies."""

    oidc: Oidc
    users: list[str]
    """E-mail addresses of the users in the stack file; empty with a company's identity provider."""

    passwords: pulumi.Output[dict[str, str]]
    """Generated passwords of `users`, by e-mail address."""

    sign_in: SignIn


def identity_source(context: Context, route: Route) -> IdentitySource:
    """The company's identity provider, the development identity provider, or passwords of the basic login."""
    settings = context.settings.login
    if isinstance(settings, OidcLogin):
        oidc = Oidc(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=_client_secret(context, settings),
            audiences=settings.audiences,
            offline_access=settings.offline_access,
            scopes=settings.scopes,
            groups_claim=settings.groups_claim,
            user_claim=settings.user_claim,
            verified_email=settings.require_verified_email,
        )
        return IdentitySource(
            oidc=oidc,
            users=[],
            passwords=pulumi.Output.from_input(dict[str, str]()),
            sign_in=ProviderSignIn(refresh_minutes=context.refresh_minutes, logout_url=settings.logout_url),
        )
    if isinstance(settings, BasicLogin):
        return _basic(context, settings)
    provider = IdentityProvider(
        "identity",
        IdentityProviderArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.dex),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            host=context.identity_host,
            redirect_uri=redirect_uri(context.address),
            users={email: user.groups for email, user in settings.users.items()},
            rotation=settings.rotation,
            route=route,
        ),
        context.opts,
    )
    return IdentitySource(
        oidc=provider.oidc,
        users=sorted(settings.users),
        passwords=provider.passwords,
        sign_in=ProviderSignIn(refresh_minutes=context.refresh_minutes),
    )


def _client_secret(context: Context, settings: OidcLogin) -> pulumi.Output[str] | Source:
    configured = context.secrets.login_client_secret
    if isinstance(settings.credentials, Configured):
        return required(configured)
    return client_secret(settings.credentials, configured)


def _basic(context: Context, settings: BasicLogin) -> IdentitySource:
    """Passwords that OAuth2-Proxy verifies. There is no identity provider, so the cluster issues all tokens."""
    component = Passwords(
        "users", PasswordsArgs(users=sorted(settings.users), rotation=settings.rotation), context.opts
    )
    issuer = context.settings.cluster.issuer
    return IdentitySource(
        oidc=Oidc(issuer=issuer, client_id=AUDIENCE, client_secret=component.client_secret, inside=True),
        users=sorted(settings.users),
        passwords=component.passwords,
        sign_in=PasswordSignIn(htpasswd=component.htpasswd),
    )


def connection_bounds(context: Context) -> Bounds:
    """Bounds of connections to the login."""
    bounds = context.settings.server.bounds
    return Bounds(
        header_seconds=bounds.header_seconds,
        header_kibibytes=bounds.header_kibibytes,
        connections=bounds.connections,
    )


def _session_store(context: Context) -> Store | None:
    if context.settings.sessions.store == "cookie":
        return None
    args = SessionStoreArgs(
        namespace=context.namespace,
        image=context.image(context.settings.images.valkey),
        pull_secrets=context.pull_secrets,
        scheduling=context.scheduling,
        clients=FORWARD_AUTH if context.forward_auth else SERVER,
        rotation=context.settings.sessions.rotation,
    )
    return SessionStore("session-store", args, context.opts).store


def _failure_page(context: Context) -> FailurePage | None:
    """The page about a sign-in that failed, where the stack file names the provider. Other logins stay as they were."""
    settings = context.settings.login
    if not isinstance(settings, OidcLogin) or settings.provider is None:
        return None
    contact = context.settings.access.contact or "the people who run this platform"
    return FailurePage(claim=settings.user_claim, contact=contact)


def login(context: Context, identities: IdentitySource, certificate: Certificate) -> Login:
    """OAuth2-Proxy, which authenticates every request to the server."""
    return Login(
        "login",
        LoginArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.oauth2_proxy),
            front_image=context.image(context.settings.images.haproxy),
            bounds=connection_bounds(context),
            address=context.address,
            oidc=identities.oidc,
            sign_in=identities.sign_in,
            pass_token=context.settings.access.review == "self-subject",
            authority=certificate.authority,
            company_authorities=context.settings.cluster.authorities,
            service_account_issuer=context.settings.cluster.issuer,
            api_server_issuer=context.settings.cluster.api_server_issuer,
            service_account_audiences=context.settings.audiences,
            session_hours=context.settings.sessions.hours,
            session_rotation=context.settings.sessions.rotation,
            failure_page=_failure_page(context),
            store=_session_store(context),
            verifies_only=context.forward_auth,
            proxy=context.proxy,
            metrics=context.settings.monitoring.served,
        ),
        context.opts,
    )
