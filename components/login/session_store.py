"""Session store: Valkey, in which OAuth2-Proxy keeps browser sessions and a lock for each of them.

An identity provider may accept a refresh token only once. With sessions in cookies, each of the parallel requests of a
page then tries to refresh the session with the same token, and only the first succeeds. With a store, the first request
locks the session, on whichever replica it arrives, and the others read the refreshed session.

The store is one pod, and keeps sessions in memory only: after a restart people sign in again. OAuth2-Proxy encrypts
each session (AES-GCM) with a key that is only in the browser's cookie. So nobody can read tokens in the store or on its
connections, which have no TLS, like all connections within the platform's namespace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes import networks, pods, volumes
from components.kubernetes.credential import keepers
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template

core = k8s.core.v1

NAME = "session-store"
LABELS = pods.labels(NAME)
PORT = 6379
# The user `valkey` in the official image.
UID = 999
FOLDER = "/etc/session-store"
# Directory of OAuth2-Proxy's file with the password.
CLIENT_FOLDER = "/run/secrets/session-store"
# A session takes about 3 KiB with tokens of Keycloak, of somebody in 200 groups 40 KiB. Beyond this, sessions end that
# were unused for longest.
MEMORY_MEBIBYTES = 96
# Measured: 14 MiB resident without sessions, Valkey 8.1.1.
RESOURCES = pods.Resources(cpu="20m", memory="32Mi", cpu_limit="500m", memory_limit="160Mi")
# OAuth2-Proxy reads, writes and deletes sessions, and takes locks with scripts. Whoever has its password can neither
# list the sessions of others (KEYS, SCAN), nor reconfigure the store, stop it or write files (CONFIG, SHUTDOWN, SAVE).
COMMANDS = (
    *("get", "getrange", "mget", "set", "mset", "msetnx", "del", "exists", "pexpire", "pttl"),
    *("eval", "evalsha", "ping", "hello", "auth", "client|setinfo"),
)
PERMISSIONS = f"~* -@all {' '.join(f'+{command}' for command in COMMANDS)}"
OPTIONS = (
    "--session-store-type=redis",
    f"--redis-connection-url=redis://{NAME}:{PORT}",
    # The command line is visible in the Deployment; the password is in this file.
    f"--config={CLIENT_FOLDER}/oauth2-proxy.toml",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The settings and connections with which OAuth2-Proxy keeps its sessions in the store."""

    options: Sequence[str]
    """Options of OAuth2-Proxy's command line."""

    attachment: pods.Attachment
    """The file with the password."""

    flows: Sequence[networks.Flow]
    """Connections to the store."""

    ready: Sequence[pulumi.Resource]
    """Resources that must exist before OAuth2-Proxy starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStoreArgs:
    """Input of `SessionStore`."""

    namespace: pulumi.Input[str]
    image: str
    """Image with Valkey 8 or later; `valkey-server` is on its PATH."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    clients: Mapping[str, str]
    """Labels of the pods whose OAuth2-Proxy has sessions."""

    rotation: int = 1
    """Another number generates a new password."""


def configuration() -> str:
    """Valkey's configuration file, without the line that defines the user and contains the password."""
    lines = (
        "bind 0.0.0.0",
        f"port {PORT}",
        # Nothing is written to disk.
        'save ""',
        "appendonly no",
        f"maxmemory {MEMORY_MEBIBYTES}mb",
        "maxmemory-policy volatile-lru",
        "tcp-keepalive 60",
    )
    return "".join(f"{line}\n" for line in lines)


class SessionStore(pulumi.ComponentResource):
    """The Deployment of Valkey, its Service, its password, and the NetworkPolicy that lets in OAuth2-Proxy only."""

    store: Store

    def __init__(self, name: str, args: SessionStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:SessionStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        password = random.RandomPassword(
            f"{name}-password", length=40, special=False, keepers=keepers(args.rotation), opts=child
        ).result
        text = pulumi.Output.concat(configuration(), "user default reset on >", password, f" {PERMISSIONS}\n")
        server_files = _secret(name, "server", args, {"valkey.conf": text}, child)
        line = pulumi.Output.concat('redis_password = "', password, '"\n')
        client_files = _secret(name, "client", args, {"oauth2-proxy.toml": line}, child)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[networks.Flow(peers=[networks.pods({**args.clients})], ports=[PORT])],
            opts=child,
        )
        server = k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=NAME, labels=LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                # Two stores side by side would grant the same lock twice.
                strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                template=pod_template(_pod(args, server_files), LABELS, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network]),
        )
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=NAME, labels=LABELS),
            spec=core.ServiceSpecArgs(
                selector=LABELS, ports=[core.ServicePortArgs(name="valkey", port=PORT, target_port=PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        self.store = Store(
            options=OPTIONS,
            attachment=volumes.secret_files(NAME, client_files, CLIENT_FOLDER),
            flows=(networks.Flow(peers=[networks.pods(LABELS)], ports=[PORT]),),
            ready=(service,),
        )
        self.register_outputs({})


def _secret(
    name: str,
    role: str,
    args: SessionStoreArgs,
    files: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Create a Secret with files; returns its name, which changes with the content, so that the pods restart."""
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=LABELS)
    return core.Secret(f"{name}-{role}-files", metadata=metadata, string_data={**files}, opts=opts).metadata.name


def _pod(args: SessionStoreArgs, files: pulumi.Input[str]) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="valkey",
        image=args.image,
        command=["valkey-server", f"{FOLDER}/valkey.conf"],
        ports=[core.ContainerPortArgs(name="valkey", container_port=PORT)],
        resources=RESOURCES.to_args(),
        readiness_probe=pods.tcp_probe(PORT, period=5, failures=2),
        liveness_probe=pods.tcp_probe(PORT, period=15, failures=4),
    )
    attachment = volumes.secret_files("configuration", files, FOLDER)
    return pods.hardened_pod(UID, container, attachment, pull_secrets=args.pull_secrets)
