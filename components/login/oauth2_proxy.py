"""The login: OAuth2-Proxy as a sidecar in the server's pod, behind HAProxy (front.py): the only path to the server.

OAuth2-Proxy accepts browsers (with a session cookie), ID tokens of the identity provider, Kubernetes service-account
tokens and, with the basic login, user names with passwords. It replaces all identity headers that a client sends. It
and the server listen on loopback, so no request can bypass either of them. OAuth2-Proxy only authenticates: the server
authorises requests by Kubernetes RBAC.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.gateway import Address
from components.kubernetes import networks, pods
from components.login.files import AUTHORITIES, PAGES, SECRETS, login_authorities, login_secrets, sign_in_page
from components.login.front import LOGIN_PORT, PROBE_PORT, Bounds, Front, FrontArgs
from components.login.identity_provider import Oidc
from components.login.sign_in import SignIn

core = k8s.core.v1
rbac = k8s.rbac.v1

# Path of OAuth2-Proxy's own pages; the default of --proxy-prefix.
PROXY_PATH = "/oauth2"
# The server's port on the pod's loopback.
UPSTREAM_PORT = 5000
IN_CLUSTER_ISSUER = "https://kubernetes.default.svc.cluster.local"
# Measured: 6-8 MiB idle; uploads are streamed.
RESOURCES = pods.Resources(cpu="50m", memory="32Mi", cpu_limit="1", memory_limit="256Mi")
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

    service_account_audiences: Sequence[str]
    """Accepted audiences of service-account tokens."""

    session_hours: int
    """Hours after which an unused session expires."""

    verifies_only: bool = False
    """True if browsers sign in at a separate Deployment (ForwardAuth): the sidecar then accepts only tokens."""

    pass_token: bool = False
    """True if OAuth2-Proxy passes the caller's token to the server; the API server then has to accept that token."""


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
        "--scope=openid profile email groups offline_access",
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


class Login(pulumi.ComponentResource):
    """Secrets and settings of OAuth2-Proxy, and its container as a sidecar."""

    command_line: list[str]
    """OAuth2-Proxy's command line for browsers and programs."""

    attachment: pods.Attachment
    """Environment variables and volumes for every container of OAuth2-Proxy."""

    sidecars: pods.Attachment
    """HAProxy and OAuth2-Proxy, in the order in which they start, and their volumes."""

    issuer_ports: tuple[int, ...]
    """TCP ports outside the cluster that OAuth2-Proxy connects to: those of the issuers and of `logout_url`."""

    user_header: str
    """Request header in which OAuth2-Proxy passes the caller's name to the server, replacing the client's own value."""

    passes_token: bool
    """True if OAuth2-Proxy passes the caller's token to the server."""

    audience: str
    """An accepted audience of service-account tokens, for programs that request a token."""

    ready: list[pulumi.Resource]
    """Resources that must exist before the container starts: OAuth2-Proxy reads the issuers' public keys only once, and
    ignores a failure."""

    def __init__(self, name: str, args: LoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Login", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        in_cluster_issuer = args.service_account_issuer == IN_CLUSTER_ISSUER
        secrets = login_secrets(
            name,
            client_secret=args.oidc.client_secret,
            others=args.sign_in.secret_files,
            namespace=args.namespace,
            opts=child,
        )
        authority_files, authorities = login_authorities(
            name,
            kubernetes=in_cluster_issuer,
            identity_provider=args.authority,
            company=args.company_authorities,
            namespace=args.namespace,
            opts=child,
        )
        page = sign_in_page(name, args.sign_in.page, namespace=args.namespace, opts=child)
        self.attachment = pods.joined(secrets.attachment, authorities, page)
        self.ready = [*secrets.ready]
        if in_cluster_issuer:
            self.ready.append(_publish_service_account_keys(name, child))
        self.issuer_ports = _outside_ports(args)
        self.passes_token = args.pass_token
        self.audience = args.service_account_audiences[0]
        self.user_header = args.sign_in.user_header
        self.command_line = arguments(args, authority_files=authority_files)
        sidecar = container(
            args.image, verifying(self.command_line) if args.verifies_only else self.command_line, self.attachment
        )
        # As a sidecar it starts before the server and stops after it, so that no request finds only one of them.
        sidecar.restart_policy = "Always"
        front = Front(
            f"{name}-front",
            FrontArgs(namespace=args.namespace, image=args.front_image, bounds=args.bounds),
            child,
        )
        self.sidecars = pods.joined(
            front.attachment, pods.Attachment(volumes=self.attachment.volumes, init_containers=(sidecar,))
        )
        self.register_outputs({})

    def flows(self, *, controller_namespace: str, api_server: Sequence[str]) -> list[networks.Flow]:
        """Connections that a pod with OAuth2-Proxy opens to the issuers, to read their public keys.

        `api_server` contains the address ranges of the API server, as in `networks.api_server`.
        """
        flows = [
            # An identity provider behind this cluster's ingress controller: selected by the controller's pods, because
            # some network plugins never apply an address range to a pod.
            networks.Flow(peers=[networks.namespace(controller_namespace)], ports=networks.CONTROLLER_PORTS),
            networks.api_server(api_server),
        ]
        if self.issuer_ports:
            flows.append(networks.Flow(peers=[networks.anywhere_but_metadata()], ports=self.issuer_ports))
        return flows


def container(image: str, command_line: list[str], attachment: pods.Attachment) -> core.ContainerArgs:
    """The container of OAuth2-Proxy, with the environment variables and volume mounts that a `Login` attaches.

    It is probed through HAProxy, because the kubelet does not reach the pod's loopback.
    """
    return core.ContainerArgs(
        name="oauth2-proxy",
        image=image,
        command=["/bin/oauth2-proxy"],
        args=command_line,
        env=[*attachment.env] or None,
        resources=RESOURCES.to_args(),
        security_context=pods.container_security(),
        # OAuth2-Proxy exits while the identity provider is unavailable; five minutes are allowed.
        startup_probe=pods.http_probe("/ping", PROBE_PORT, period=2, failures=150),
        readiness_probe=pods.http_probe("/ping", PROBE_PORT, period=5, failures=2),
        liveness_probe=pods.http_probe("/ping", PROBE_PORT, period=15, failures=4),
        volume_mounts=[*attachment.mounts],
    )


def _outside_ports(args: LoginArgs) -> tuple[int, ...]:
    urls = (None if args.oidc.inside else args.oidc.issuer, args.service_account_issuer, args.sign_in.logout_url)
    return tuple(sorted({networks.port_of(url) for url in urls if url is not None and url != IN_CLUSTER_ISSUER}))


def _publish_service_account_keys(name: str, opts: pulumi.ResourceOptions) -> rbac.ClusterRoleBinding:
    """A ClusterRoleBinding that lets OAuth2-Proxy read the public keys of service-account tokens.

    Kubernetes defines the ClusterRole; it grants access to public keys only.
    """
    group = "rbac.authorization.k8s.io"
    return rbac.ClusterRoleBinding(
        f"{name}-issuer-discovery",
        metadata=k8s.meta.v1.ObjectMetaArgs(labels=pods.labels("login")),
        role_ref=rbac.RoleRefArgs(api_group=group, kind="ClusterRole", name="system:service-account-issuer-discovery"),
        subjects=[rbac.SubjectArgs(api_group=group, kind="Group", name="system:unauthenticated")],
        opts=opts,
    )
