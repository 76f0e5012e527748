"""Input of the login, and OAuth2-Proxy's command line, a pure function of that input."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.exposure.gateway import Address
from components.kubernetes.http_proxy import HttpProxy
from components.login.files import AUTHORITIES, PAGES, SECRETS, FailurePage
from components.login.front import LOGIN_METRICS_PORT, LOGIN_PORT, Bounds
from components.login.identity_provider import Oidc
from components.login.session_store import Store
from components.login.sign_in import SignIn

# Path of OAuth2-Proxy's own pages; the default of --proxy-prefix.
PROXY_PATH = "/oauth2"
# The server's port on the pod's loopback.
UPSTREAM_PORT = 5000
# An hour, for an upload of several GiB over a slow connection.
UPSTREAM_TIMEOUT = "3600s"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginArgs:
    """Input of `Login`."""

    namespace: pulumi.Input[str]
    image: str
    front_image: str
    """HAProxy's image."""

    bounds: Bounds
    address: Address
    """Public address of the platform."""

    oidc: Oidc
    """The identity provider; with `PasswordSignIn`, the issuer of the cluster's service-account tokens."""

    sign_in: SignIn
    authority: pulumi.Output[str] | None
    """Private CA certificate with which the identity provider is verified, as PEM; None if there is none."""

    company_authorities: str | None = None
    """CA certificates of the company, as PEM; one of these CAs may have signed the identity provider's certificate."""

    service_account_issuer: str
    """Issuer of service-account tokens: the API server's option `--service-account-issuer`."""

    api_server_issuer: bool = False
    """True if the API server serves the issuer's public keys, though the issuer has another host name than
    `kubernetes.default.svc`."""

    service_account_audiences: Sequence[str]
    """Accepted audiences of service-account tokens."""

    session_hours: int
    """Hours after which an unused session expires."""

    session_rotation: int = 1
    """A new number generates a new session secret, which ends all sessions."""

    failure_page: FailurePage | None = None
    """Page about a sign-in that failed; None shows OAuth2-Proxy's own."""

    store: Store | None = None
    """Store of the browser sessions; None keeps them in the browsers' cookies."""

    verifies_only: bool = False
    """True if browsers sign in at a separate Deployment (ForwardAuth): the sidecar then accepts only tokens."""

    pass_token: bool = False
    """True if OAuth2-Proxy passes the caller's token to the server; the API server then has to accept that token."""

    proxy: HttpProxy | None = None
    """The company's HTTP proxy, through which OAuth2-Proxy reaches issuers outside the cluster."""

    metrics: bool = False
    """True serves metrics of HAProxy and OAuth2-Proxy (`front.METRICS_PORT`, `front.LOGIN_METRICS_PORT`)."""


def arguments(args: LoginArgs, *, authority_files: list[str]) -> list[str]:
    """OAuth2-Proxy's command line. It contains no secret."""
    below = re.escape(args.address.path)
    return [
        f"--http-address=127.0.0.1:{LOGIN_PORT}",
        f"--upstream=http://127.0.0.1:{UPSTREAM_PORT}",
        f"--upstream-timeout={UPSTREAM_TIMEOUT}",
        # One request per connection: components/mlflow/process.py says why (`ONE_REQUEST_PER_CONNECTION`).
        "--disable-keep-alives=true",
        # X-Forwarded-Uri, -Host and -Proto are ignored, whoever sends them: redirects and cookies are set below. So no
        # address needs to be trusted (`--trusted-proxy-ip`).
        "--reverse-proxy=false",
        # Browsers.
        "--provider=oidc",
        f"--oidc-issuer-url={args.oidc.issuer}",
        f"--client-id={args.oidc.client_id}",
        f"--client-secret-file={SECRETS}/client-secret",
        f"--proxy-prefix={args.address.path}{PROXY_PATH}",
        f"--redirect-url={redirect_uri(args.address)}",
        *args.oidc.options,
        "--code-challenge-method=S256",
        "--approval-prompt=auto",
        # The platform's own page comes first: a redirect would lose the URL fragment, which names MLflow's page.
        "--skip-provider-button=false",
        f"--custom-templates-dir={PAGES}",
        *args.sign_in.options,
        # Access depends on the RoleBindings of the user's groups, not on the e-mail domain.
        "--email-domain=*",
        f"--cookie-name={cookie_name(args.address)}",
        f"--cookie-path={args.address.path or '/'}",
        f"--cookie-secret-file={SECRETS}/cookie-secret",
        "--cookie-secure=true",
        "--cookie-httponly=true",
        "--cookie-samesite=lax",
        f"--cookie-expire={args.session_hours}h",
        *(() if args.store is None else args.store.options),
        # Programs: a bearer token is accepted or refused, and never redirected to the sign-in page.
        "--skip-jwt-bearer-tokens=true",
        # One verifier for each audience; a token has to pass one of them.
        *(
            f"--extra-jwt-issuers={args.service_account_issuer}={audience}"
            for audience in args.service_account_audiences
        ),
        *(f"--oidc-extra-audience={audience}" for audience in args.oidc.audiences),
        rf"--api-route=^{below}/(api|ajax-api|graphql|v1)(/|$)",
        # The kubelet's probes; the response only shows that the server is up.
        f"--skip-auth-route=GET=^{below}/health$",
        # The caller's identity for the server: X-Forwarded-Email and X-Forwarded-Groups, set by the proxy alone.
        "--pass-user-headers=true",
        "--pass-basic-auth=false",
        "--pass-access-token=false",
        *(["--pass-authorization-header=true"] if args.pass_token else []),
        # Without this the private CA certificates below would replace the public ones.
        "--use-system-trust-store=true",
        *(f"--provider-ca-file={AUTHORITIES}/{file}" for file in authority_files),
        # The ingress controller logs requests, with path and user; this container logs failed logins.
        "--request-logging=false",
        *([f"--metrics-address=0.0.0.0:{LOGIN_METRICS_PORT}"] if args.metrics else []),
    ]


def with_options(command_line: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """A copy of `command_line` in which `options` have new values; each of these options may occur at most once."""
    others = [word for word in command_line if word.partition("=")[0] not in options]
    return others + [f"{option}={value}" for option, value in options.items()]


def verifying(command_line: Sequence[str]) -> list[str]:
    """A copy of `command_line` with which OAuth2-Proxy only verifies tokens, and refuses requests without a token."""
    return with_options(
        command_line,
        {
            "--api-route": "^/",
            # A session's signature covers the cookie's name, so sessions of the other login are invalid here.
            "--cookie-name": "__Host-none",
            "--cookie-path": "/",
        },
    )


def redirect_uri(address: Address) -> str:
    """The redirect URI that has to be registered at the identity provider."""
    return f"{address.url}{PROXY_PATH}/callback"


def cookie_name(address: Address) -> str:
    """Name of the session cookie.

    With the prefix `__Host-` browsers refuse the cookie from any other host or sub-domain; the prefix also requires the
    cookie path `/`. A platform below a URL path does not use the prefix, because with the cookie path `/` browsers
    would send the cookie to another platform on the same host too.
    """
    return "__Secure-mlflow" if address.path else "__Host-mlflow"
