"""The webhook proxy: Squid, the only path from the server to the hosts of webhooks.

It opens tunnels to port 443 of the listed hosts and to nothing else. TLS is between the server and the receiver, so the
proxy sees neither the URL's path nor the body. It resolves the names itself and refuses a host if any of its addresses
is not public: NetworkPolicies do not support host names, and the owner of a name may change its addresses at any time.
With `parent` it hands its tunnels on to the company's HTTP proxy, which then resolves the names for itself.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods, volumes
from components.kubernetes.http_proxy import HttpProxy
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.mlflow.args import LABELS as SERVER

core = k8s.core.v1

NAME = "webhook-proxy"
LABELS = pods.labels(NAME)
PORT = 3128
# Host and port, by the name of the Service.
ADDRESS = f"{NAME}:{PORT}"
HTTPS_PORTS = (443,)
# The user `proxy` in Debian's and Ubuntu's package.
UID = 13
FOLDER = "/etc/webhook-proxy"
# Measured: 27 MiB resident with 200 open tunnels, Squid 6.13.
RESOURCES = pods.Resources(cpu="10m", memory="48Mi", cpu_limit="500m", memory_limit="128Mi")
# Squid reserves memory for as many connections as the container may have files, which is a billion on some nodes.
# A tunnel takes two.
FILES = 1024
STOP_SECONDS = 2

# Addresses that are not public, by the registries of IANA (RFC 6890 and later).
NOT_PUBLIC_IPV4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "224.0.0.0/3"),
)
# Everything but 2000::/3, and of that special, documentation and 6to4 addresses. Ranges leave out ::ffff:0:0/96, as
# which Squid represents IPv4: an IPv6 address of that form is judged as the IPv4 address in it.
NOT_PUBLIC_IPV6 = (
    *("::-::fffe:ffff:ffff", "::1:0:0:0-1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    "4000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)
# One JSON object for each request. A tunnel's request has no path; of any other only method, host and port are logged.
LOG_FORMAT = (
    '{"log":"webhook-proxy","time":"%{%Y-%m-%dT%H:%M:%SZ}tg","client":"%>a","method":"%#rm","host":"%#>rd",'
    '"port":"%#>rP","address":"%<a","status":%>Hs,"result":"%Ss","sent":%>st,"received":%<st,"ms":%tr}'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookProxyArgs:
    """Input of `WebhookProxy`."""

    namespace: pulumi.Input[str]
    image: str
    """Image with Squid 6 at /usr/sbin/squid."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    hosts: Sequence[str]
    """Hosts that webhooks may be sent to."""

    seconds: int
    """Longest time in seconds of the delivery of one webhook."""

    parent: HttpProxy | None = None
    """The company's HTTP proxy, to which Squid hands on the tunnels that it allows."""


def through_parent(hosts: Sequence[str], parent: HttpProxy | None) -> tuple[str, ...]:
    """Squid's rules that hand on tunnels to the company's proxy; without one, what keeps names that do not resolve out.

    The company's proxy resolves names itself: those outside often have no address in the cluster. So Squid refuses a
    host with an address that is not public, but not one without an address.
    """
    # A name without an address does not match an address list, so it would pass the rules about addresses.
    if parent is None:
        return ("http_access deny !resolved",)
    direct = sorted({host for host in hosts if not parent.carries(f"https://{host}")})
    return (
        f"cache_peer {parent.host} parent {parent.port} 0 no-query no-digest default",
        "nonhierarchical_direct off",
        "dns_timeout 2 seconds",
        *(
            (
                f"acl direct dstdomain -n {' '.join(direct)}",
                "always_direct allow direct",
                "never_direct allow !direct",
                "http_access deny direct !resolved",
            )
            if direct
            else ("never_direct allow all",)
        ),
    )


def configuration(hosts: Sequence[str], *, seconds: int, parent: HttpProxy | None = None) -> str:
    """Squid's configuration file: tunnels to port 443 of `hosts`, each for at most twice `seconds`."""
    return "\n".join(
        (
            f"http_port {PORT}",
            # Squid would otherwise also believe names of the node and of the pod.
            "hosts_file none",
            # `-n`: an address is never looked up to find its name.
            f"acl hosts dstdomain -n {' '.join(sorted(set(hosts)))}",
            "acl https port 443",
            "acl resolved dst all",
            # Two lists: in one, Squid takes ranges of IPv6 and networks of IPv4 for parts of each other.
            f"acl not_public_ipv4 dst {' '.join(NOT_PUBLIC_IPV4)}",
            f"acl not_public_ipv6 dst {' '.join(NOT_PUBLIC_IPV6)}",
            "http_access deny !CONNECT",
            "http_access deny !https",
            "http_access deny !hosts",
            *through_parent(hosts, parent),
            "http_access deny not_public_ipv4",
            "http_access deny not_public_ipv6",
            "http_access allow all",
            "cache deny all",
            "cache_mem 0",
            "memory_pools off",
            f"logformat webhooks {LOG_FORMAT}",
            # Probes connect and send nothing.
            "acl request has request",
            "access_log stdio:/dev/stdout logformat=webhooks request",
            "cache_log /dev/stderr",
            "logfile_rotate 0",
            "pid_filename none",
            "coredump_dir none",
            "pinger_enable off",
            "httpd_suppress_version_string on",
            f"visible_hostname {NAME}",
            f"max_filedescriptors {FILES}",
            f"connect_timeout {seconds} seconds",
            # Squid counts whole seconds, so with the server's own limit it may end a tunnel before the server does,
            # which could then only say that the receiver has closed the connection.
            f"read_timeout {2 * seconds} seconds",
            f"request_start_timeout {seconds} seconds",
            f"client_lifetime {2 * seconds} seconds",
            f"shutdown_lifetime {STOP_SECONDS} seconds",
            "",
        )
    )


class WebhookProxy(pulumi.ComponentResource):
    """The Deployment of Squid, its Service, and the NetworkPolicy that lets in the server only."""

    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: WebhookProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:WebhookProxy", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        text = configuration(args.hosts, seconds=args.seconds, parent=args.parent)
        settings = core.ConfigMap(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={"squid.conf": text},
            opts=child,
        )
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[networks.Flow(peers=[networks.pods(SERVER)], ports=[PORT])],
            egress=_egress(args),
            opts=child,
        )
        server = k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=NAME, labels=LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                template=pod_template(
                    _pod(args, settings.metadata.name),
                    LABELS,
                    args.scheduling,
                    annotations={"mlflow-platform/configuration": hashlib.sha256(text.encode()).hexdigest()},
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network]),
        )
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=NAME, labels=LABELS),
            spec=core.ServiceSpecArgs(
                selector=LABELS, ports=[core.ServicePortArgs(name="proxy", port=PORT, target_port=PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        self.ready = [service]
        self.register_outputs({})


def _egress(args: WebhookProxyArgs) -> list[networks.Flow]:
    """Connections to public addresses, or to the company's proxy; to both if it does not carry all hosts."""
    public = networks.Flow(peers=[networks.public_addresses()], ports=HTTPS_PORTS)
    if args.parent is None:
        return [public]
    carried = [args.parent.carries(f"https://{host}") for host in args.hosts]
    return [*([] if all(carried) else [public]), *([args.parent.flow] if any(carried) else [])]


def _pod(args: WebhookProxyArgs, settings: pulumi.Input[str]) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="squid",
        image=args.image,
        # `-N`: one process, in the foreground.
        command=["/usr/sbin/squid", "-N", "-f", f"{FOLDER}/squid.conf"],
        ports=[core.ContainerPortArgs(name="proxy", container_port=PORT)],
        resources=RESOURCES.to_args(),
        readiness_probe=pods.tcp_probe(PORT, period=5, failures=2),
        liveness_probe=pods.tcp_probe(PORT, period=15, failures=4),
    )
    attachment = pods.joined(
        volumes.config_map_files("configuration", settings, FOLDER),
    )
    return pods.hardened_pod(
        UID, container, attachment, pull_secrets=args.pull_secrets, termination_seconds=STOP_SECONDS + 8
    )
