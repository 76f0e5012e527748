"""The one door to the server: OAuth2-Proxy in the server's own pod.

It admits browsers (session in a cookie), the identity provider's ID tokens, Kubernetes service-account tokens, and
names with passwords where it is given some. It replaces whatever identity headers a client sends, and the server
listens on the pod's loopback only, so there is no way round it. Authorisation is not its matter: the server asks
Kubernetes RBAC.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.address import Address
from components.kubernetes import networks, pods
from components.login.identity_provider import Oidc
from components.login.secrets import login_secrets

core = k8s.core.v1

PORT = 4180
# OAuth2-Proxy's own pages; the default of --proxy-prefix.
PROXY_PATH = "/oauth2"
# The server beside it, on the pod's loopback.
UPSTREAM_PORT = 5000
IN_CLUSTER_ISSUER = "https://kubernetes.default.svc.cluster.local"
# Measured: 6-8 MiB idle; uploads are streamed.
RESOURCES = pods.Resources(cpu="50m", memory="32Mi", cpu_limit="1", memory_limit="256Mi")
# An hour: an upload of several GiB over a slow line.
UPSTREAM_TIMEOUT = "3600s"
# By OAuth2-Proxy's own name for the page.
SIGN_IN = "sign_in.html"
FILES = Path(__file__).parent.parent / "scripts"
PAGES = "/etc/login-pages"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginArgs:
    """Input of `Login`."""

    namespace: pulumi.Input[str]
    image: str
    address: Address
    """Of the platform."""

    oidc: Oidc
    authority: pulumi.Output[str] | None
    """PEM of a private authority that signed the identity provider's certificate."""

    company_authorities: str | None = None
    """PEM of the company's own authorities, which may have signed it as well."""

    service_account_issuer: str
    """`--service-account-issuer` of the API server."""

    service_account_audiences: Sequence[str]
    """Audiences of the service-account tokens that are admitted."""

    session_hours: int
    """A session that was not used for this long is over."""

    refresh_minutes: int
    """After this time a session asks the identity provider for new groups: the lag of a revocation there."""

    verifies_only: bool = False
    """Whether browsers sign in elsewhere, so that the sidecar has nothing to do but to judge tokens."""

    htpasswd: pulumi.Output[str] | None = None
    """Names and passwords, in place of an identity provider for people: `oidc` is then the cluster's own issuer."""

    logout_url: str | None = None
    """Called when somebody signs out, with their ID token for `{id_token}`."""

    pass_token: bool = False
    """Whether the server is handed the caller's token, which then has to be one that the API server takes."""


def arguments(args: LoginArgs, *, authority_files: list[str]) -> list[str]:
    """OAuth2-Proxy's command line. It holds no secret."""
    below = re.escape(args.address.path)
    return [
        f"--http-address=0.0.0.0:{PORT}",
        f"--upstream=http://127.0.0.1:{UPSTREAM_PORT}",
        f"--upstream-timeout={UPSTREAM_TIMEOUT}",
        # One connection per request: see `ONE_REQUEST_PER_CONNECTION` in mlflow.py for what a shared one gives away.
        "--disable-keep-alives=true",
        # What a client writes into X-Forwarded-Uri or -Host decides nothing: redirects and cookies are set below.
        "--reverse-proxy=false",
        # Browsers.
        "--provider=oidc",
        f"--oidc-issuer-url={args.oidc.issuer}",
        f"--client-id={args.oidc.client_id}",
        "--client-secret-file=/run/secrets/login/client-secret",
        f"--proxy-prefix={args.address.path}{PROXY_PATH}",
        f"--redirect-url={redirect_uri(args.address)}",
        "--scope=openid profile email groups offline_access",
        "--code-challenge-method=S256",
        "--approval-prompt=auto",
        *_way_in(args),
        # Who is admitted is decided by the groups' role bindings, not by the e-mail domain.
        "--email-domain=*",
        f"--cookie-name={cookie_name(args.address)}",
        f"--cookie-path={args.address.path or '/'}",
        "--cookie-secret-file=/run/secrets/login/cookie-secret",
        "--cookie-secure=true",
        "--cookie-httponly=true",
        "--cookie-samesite=lax",
        f"--cookie-expire={args.session_hours}h",
        # Programs: a bearer token is judged as it is and never sent to the login page.
        "--skip-jwt-bearer-tokens=true",
        # One verifier for each audience; a token has to please one of them.
        *(
            f"--extra-jwt-issuers={args.service_account_issuer}={audience}"
            for audience in args.service_account_audiences
        ),
        *(f"--oidc-extra-audience={audience}" for audience in args.oidc.audiences),
        rf"--api-route=^{below}/(api|ajax-api|graphql|v1)(/|$)",
        # The kubelet's probes; the path shows nothing but that the server is up.
        f"--skip-auth-route=GET=^{below}/health$",
        # What the server sees of the caller: X-Forwarded-Email and X-Forwarded-Groups, set by the proxy alone.
        "--pass-user-headers=true",
        "--pass-basic-auth=false",
        "--pass-access-token=false",
        *(["--pass-authorization-header=true"] if args.pass_token else []),
        # Beside the authorities below, without which they would replace the system's.
        "--use-system-trust-store=true",
        *(f"--provider-ca-file=/etc/login/{file}" for file in authority_files),
        # Requests are logged with path and user by the server's ingress; failures of the login are logged here.
        "--request-logging=false",
    ]


def replaced(line: Sequence[str], changes: Mapping[str, str]) -> list[str]:
    """A command line with other values for some options, each of which is there once or not at all."""
    kept = [word for word in line if word.partition("=")[0] not in changes]
    return kept + [f"{option}={value}" for option, value in changes.items()]


def verifying(line: Sequence[str]) -> list[str]:
    """The command line of a login that judges tokens alone: who has none is refused, and led nowhere."""
    return replaced(
        line,
        {
            "--api-route": "^/",
            # The name is part of what a session's signature covers: sessions of the other login are nothing here.
            "--cookie-name": "__Host-none",
            "--cookie-path": "/",
        },
    )


def _way_in(args: LoginArgs) -> list[str]:
    """How people sign in, stay signed in, and sign out."""
    # A page of ours comes first: a redirect would lose the part of the address that names MLflow's page.
    page = ["--skip-provider-button=false", f"--custom-templates-dir={PAGES}"]
    if args.htpasswd is not None:
        # Nobody can be asked for new groups, so nothing is refreshed.
        return [*page, "--htpasswd-file=/run/secrets/login/htpasswd"]
    logout = [] if args.logout_url is None else [f"--backend-logout-url={args.logout_url}"]
    return [*page, f"--cookie-refresh={args.refresh_minutes}m", *logout]


def redirect_uri(address: Address) -> str:
    """Where the identity provider sends the browser back to; register it there."""
    return f"{address.url}{PROXY_PATH}/callback"


def cookie_name(address: Address) -> str:
    """Name of the session's cookie.

    `__Host-` makes browsers refuse the cookie from any other host or sub-domain, and demands that it be sent to every
    path. Below a path it must not be: another platform on the host would be handed sessions of this one.
    """
    return "__Secure-mlflow" if address.path else "__Host-mlflow"


class Login(pulumi.ComponentResource):
    """Secrets and settings of OAuth2-Proxy, and the container to put beside a server."""

    line: list[str]
    """Command line of a login for browsers and programs."""

    sidecar: core.ContainerArgs
    volumes: list[core.VolumeArgs]
    issuer_ports: tuple[int, ...]
    """TCP ports of the issuers outside of this cluster, and of the log-out there, which the container has to reach."""

    user_header: str
    """Header in which the server finds the caller's name; whatever a client writes there is removed."""

    passes_token: bool
    """Whether the server is handed the caller's token."""

    audience: str
    """One of the audiences of the service-account tokens that are admitted: for whoever asks for a token."""

    env: tuple[core.EnvVarArgs, ...]
    """Of each container of it: what rolls it with a secret of others."""

    ready: list[pulumi.Resource]
    """What must exist before the container starts: it asks for the issuer's keys once, and falls back silently."""

    def __init__(self, name: str, args: LoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Login", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secrets = login_secrets(
            name, client_secret=args.oidc.client_secret, htpasswd=args.htpasswd, namespace=args.namespace, opts=child
        )
        # By file name, because OAuth2-Proxy takes each as an argument.
        authorities: dict[str, pulumi.Input[str]] = {}
        self.ready, self.env = [*secrets.ready], secrets.env
        called = (None if args.oidc.inside else args.oidc.issuer, args.service_account_issuer, args.logout_url)
        outside = [url for url in called if url is not None and url != IN_CLUSTER_ISSUER]
        self.issuer_ports = tuple(sorted(set(map(networks.port_of, outside))))
        if args.service_account_issuer == IN_CLUSTER_ISSUER:
            # Kubernetes puts this ConfigMap with the API server's authority into every namespace.
            authorities["kubernetes.crt"] = "kube-root-ca.crt"
            self.ready.append(self._publish_service_account_keys(name))
        if args.authority is not None:
            authority = core.ConfigMap(
                f"{name}-authority",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
                data={"ca.crt": args.authority},
                opts=child,
            )
            authorities["identity-provider.crt"] = authority.metadata.name
        if args.company_authorities is not None:
            company = core.ConfigMap(
                f"{name}-company-authorities",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
                data={"ca.crt": args.company_authorities},
                opts=child,
            )
            authorities["company.crt"] = company.metadata.name
        self.passes_token = args.pass_token
        self.audience = args.service_account_audiences[0]
        # An identity provider's own names are opaque; a session made by a password has no e-mail address.
        self.user_header = "x-forwarded-email" if args.htpasswd is None else "x-forwarded-user"
        page = "sign_in_at_provider.html" if args.htpasswd is None else "sign_in_with_password.html"
        pages = core.ConfigMap(
            f"{name}-pages",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={SIGN_IN: (FILES / page).read_text(encoding="utf-8")},
            opts=child,
        )
        self.line = arguments(args, authority_files=sorted(authorities))
        self.sidecar = container(args.image, verifying(self.line) if args.verifies_only else self.line, env=self.env)
        # A sidecar: started before the server and stopped after it, so that no request meets a missing half.
        self.sidecar.restart_policy = "Always"
        self.volumes = [
            secrets.volume,
            core.VolumeArgs(
                name="login-authorities",
                projected=core.ProjectedVolumeSourceArgs(
                    sources=[_projection(config_map, file) for file, config_map in sorted(authorities.items())]
                ),
            ),
            core.VolumeArgs(name="login-pages", config_map=core.ConfigMapVolumeSourceArgs(name=pages.metadata.name)),
        ]
        self.register_outputs({})

    def flows(self, *, controller_namespace: str, api_server: Sequence[str]) -> list[networks.Flow]:
        """Where a pod with this login has to get to: the issuers' keys. `api_server` as in `networks.api_server`."""
        flows = [
            # An identity provider behind this cluster's ingress controller: by its pods, because some network
            # plugins never apply an address range to a pod.
            networks.Flow(peers=[networks.namespace(controller_namespace)], ports=networks.CONTROLLER_PORTS),
            networks.api_server(api_server),
        ]
        if self.issuer_ports:
            flows.append(networks.Flow(peers=[networks.anywhere_but_metadata()], ports=self.issuer_ports))
        return flows

    def _publish_service_account_keys(self, name: str) -> k8s.rbac.v1.ClusterRoleBinding:
        """Let OAuth2-Proxy read the public keys that verify service-account tokens.

        The ClusterRole is Kubernetes' own and shows public keys only.
        """
        return k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-issuer-discovery",
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=pods.labels("login")),
            role_ref=k8s.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io",
                kind="ClusterRole",
                name="system:service-account-issuer-discovery",
            ),
            subjects=[
                k8s.rbac.v1.SubjectArgs(
                    api_group="rbac.authorization.k8s.io", kind="Group", name="system:unauthenticated"
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _projection(config_map: pulumi.Input[str], file: str) -> core.VolumeProjectionArgs:
    return core.VolumeProjectionArgs(
        config_map=core.ConfigMapProjectionArgs(name=config_map, items=[core.KeyToPathArgs(key="ca.crt", path=file)])
    )


def container(image: str, command_line: list[str], env: Sequence[core.EnvVarArgs] = ()) -> core.ContainerArgs:
    """OAuth2-Proxy with the volumes of a `Login` mounted."""
    return core.ContainerArgs(
        name="oauth2-proxy",
        image=image,
        command=["/bin/oauth2-proxy"],
        args=command_line,
        env=[*env] or None,
        ports=[core.ContainerPortArgs(name="http", container_port=PORT)],
        resources=RESOURCES.to_args(),
        security_context=pods.container_security(),
        # It ends when the identity provider is away; five minutes until the pod is given up.
        startup_probe=pods.http_probe("/ping", PORT, period=2, failures=150),
        readiness_probe=pods.http_probe("/ping", PORT, period=5, failures=2),
        liveness_probe=pods.http_probe("/ping", PORT, period=15, failures=4),
        volume_mounts=[
            core.VolumeMountArgs(name="login-secret", mount_path="/run/secrets/login", read_only=True),
            core.VolumeMountArgs(name="login-authorities", mount_path="/etc/login", read_only=True),
            core.VolumeMountArgs(name="login-pages", mount_path=PAGES, read_only=True),
        ],
    )
