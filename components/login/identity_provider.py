"""A development identity provider (dex) with a few fixed users, for an evaluation with a real OIDC login.

Dex keeps sessions and signing keys in memory: after a restart all users have to sign in again. The validation of the
settings refuses dex in production.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.exposure.gateway import Address, Route
from components.kubernetes import networks, pods, volumes
from components.kubernetes.credential import Source, keepers
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template

core = k8s.core.v1

PORT = 5556
# Health and metrics.
HEALTH_PORT = 5558
LABELS = pods.labels("dex")
UID = 1001
# Measured: 10 MiB with a handful of users.
RESOURCES = pods.Resources(cpu="20m", memory="32Mi", cpu_limit="500m", memory_limit="128Mi")
# UUID namespace of the user ids, which are derived from e-mail addresses (UUID version 5).
USER_IDS = uuid.uuid5(uuid.NAMESPACE_DNS, "dex.mlflow-platform")


@dataclass(frozen=True, kw_only=True, slots=True)
class Oidc:
    """The OIDC client that OAuth2-Proxy uses: its issuer, id and secret."""

    issuer: str
    client_id: str
    client_secret: pulumi.Output[str] | Source
    """The client secret itself, or the source of a credential with the entry `client-secret`."""

    audiences: tuple[str, ...] = ()
    """Further client ids whose ID tokens are accepted from programs."""

    offline_access: bool = True
    """True if OAuth2-Proxy asks for the scope `offline_access`."""

    scopes: tuple[str, ...] = ("openid", "profile", "email", "groups")
    """The other scopes that OAuth2-Proxy asks for. Most providers refuse a login that asks for one they do not know."""

    groups_claim: str = "groups"
    """Claim with the user's groups. If no claim has this name, it is read as a path, with dots."""

    user_claim: str = "email"
    """Claim with the user's name."""

    verified_email: bool = True
    """True refuses a token with `email_verified: false`. It applies only with the user claim `email`."""

    inside: bool = False
    """True if OAuth2-Proxy needs no additional NetworkPolicy rule to reach the issuer: the issuer is behind this
    cluster's ingress controller, or is the issuer of service-account tokens."""

    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must exist before a user signs in."""

    @property
    def options(self) -> list[str]:
        """OAuth2-Proxy's options for scopes and claims."""
        scopes = [*self.scopes, *(["offline_access"] if self.offline_access else [])]
        return [
            f"--scope={' '.join(scopes)}",
            *([] if self.groups_claim == "groups" else [f"--oidc-groups-claim={self.groups_claim}"]),
            *([] if self.user_claim == "email" else [f"--oidc-email-claim={self.user_claim}"]),
            *([] if self.verified_email else ["--insecure-oidc-allow-unverified-email=true"]),
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityProviderArgs:
    """Input of `IdentityProvider`."""

    namespace: pulumi.Input[str]
    image: str
    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    host: str
    """Host name of the issuer."""

    redirect_uri: str
    """OAuth2-Proxy's redirect URI."""

    users: Mapping[str, Sequence[str]]
    """Groups of each user, by e-mail address."""

    rotation: int = 1
    """A new number generates new passwords and a new client secret."""

    route: Route


def configuration(
    *, issuer: str, client: tuple[str, str], redirect_uri: str, users: Mapping[str, tuple[str, Sequence[str]]]
) -> dict[str, object]:
    """Dex's configuration.

    `client` is a pair of client id and secret. `users` maps each user's e-mail address to a bcrypt hash of the password
    and the user's groups.
    """
    return {
        "issuer": issuer,
        "storage": {"type": "memory"},
        "web": {"http": f"0.0.0.0:{PORT}"},
        "telemetry": {"http": f"0.0.0.0:{HEALTH_PORT}"},
        # With the password connector a command-line client gets a token without a browser.
        "oauth2": {"skipApprovalScreen": True, "passwordConnector": "local"},
        "enablePasswordDB": True,
        "staticClients": [{"id": client[0], "name": "MLflow", "secret": client[1], "redirectURIs": [redirect_uri]}],
        "staticPasswords": [
            {
                "email": email,
                "username": email.partition("@")[0],
                "userID": str(uuid.uuid5(USER_IDS, email)),
                "hash": digest,
                "groups": list(groups),
            }
            for email, (digest, groups) in sorted(users.items())
        ],
    }


class IdentityProvider(pulumi.ComponentResource):
    """Dex at its own host name, with one OIDC client and a generated password for each user."""

    oidc: Oidc
    passwords: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, args: IdentityProviderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:IdentityProvider", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = LABELS
        issuer = f"https://{args.host}"
        kept = keepers(args.rotation)
        client_secret = random.RandomPassword(f"{name}-client", length=40, special=False, keepers=kept, opts=child)
        passwords = {
            email: random.RandomPassword(f"{name}-user-{email}", length=20, special=False, keepers=kept, opts=child)
            for email in args.users
        }
        settings = self._settings(name, args, client_secret, passwords)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=labels,
            ingress=[networks.Flow(peers=args.route.controller.peers, ports=[PORT])],
            opts=child,
        )
        server = k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="dex", labels=labels),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
                template=pod_template(_pod(args, settings.metadata.name), labels, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network]),
        )
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="dex", labels=labels),
            spec=core.ServiceSpecArgs(
                selector=labels, ports=[core.ServicePortArgs(name="http", port=80, target_port=PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        ingress = args.route.expose(name, address=Address(host=args.host), service=service, opts=child)
        self.oidc = Oidc(
            issuer=issuer, client_id="mlflow", client_secret=client_secret.result, inside=True, ready=(ingress,)
        )
        self.passwords = pulumi.Output.all(**{email: password.result for email, password in passwords.items()})
        self.register_outputs({"issuer": issuer})

    def _settings(
        self,
        name: str,
        args: IdentityProviderArgs,
        client_secret: random.RandomPassword,
        passwords: Mapping[str, random.RandomPassword],
    ) -> core.Secret:
        """The Secret with dex's configuration."""
        groups = dict(args.users)
        hashes = pulumi.Output.all(**{email: password.bcrypt_hash for email, password in passwords.items()})
        config = pulumi.Output.all(client_secret.result, hashes).apply(
            lambda values: json.dumps(
                configuration(
                    issuer=f"https://{args.host}",
                    client=("mlflow", values[0]),
                    redirect_uri=args.redirect_uri,
                    users={email: (digest, groups[email]) for email, digest in values[1].items()},
                )
            )
        )
        return core.Secret(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            string_data={"config.json": config},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _pod(args: IdentityProviderArgs, settings: pulumi.Input[str]) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="dex",
        image=args.image,
        command=["/usr/local/bin/dex", "serve", "/etc/dex/config.json"],
        ports=[core.ContainerPortArgs(name="http", container_port=PORT)],
        resources=RESOURCES.to_args(),
        readiness_probe=pods.http_probe("/healthz/ready", HEALTH_PORT, period=5, failures=3),
        liveness_probe=pods.http_probe("/healthz/live", HEALTH_PORT, period=15, failures=4),
    )
    attachment = pods.joined(volumes.tmp("16Mi"), volumes.secret_files("configuration", settings, "/etc/dex"))
    return pods.hardened_pod(UID, container, attachment, pull_secrets=args.pull_secrets)
