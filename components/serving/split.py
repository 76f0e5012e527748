"""HAProxy in front of two servers of a model, which divides the requests between them by their shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import availability, pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.serving import model_server
from components.serving.model_server import REQUEST_SECONDS
from components.sizes import SPLIT_CPU, SPLIT_MEMORY, SPLIT_PODS, SURGE

core = k8s.core.v1

NAME = "model-split"
PORT = model_server.PORT
# The kubelet's probes; NetworkPolicies admit no pod here.
PROBE_PORT = 8081
PATH = "/split"
FOLDER = "/etc/haproxy"
# The user `haproxy` in its published image.
UID = 99
CONNECTIONS = 500
# Each connection has two buffers of 16 KiB, and those of the kernel.
RESOURCES = pods.Resources(cpu="20m", memory="32Mi", cpu_limit=SPLIT_CPU, memory_limit=SPLIT_MEMORY)


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitArgs:
    """Input of `Split`."""

    namespace: pulumi.Input[str]
    name: str
    """Name of the served model."""

    labels: Mapping[str, str]
    """Labels of HAProxy's pods, by which the Deployment selects them."""

    image: str
    pull_secrets: Sequence[str]

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    weights: Mapping[str, int]
    """Share of the requests in percent, by the host name of each server's Service."""

    ready: Sequence[pulumi.Resource] = ()
    """Resources that must exist before the pods start."""


def configuration(weights: Mapping[str, int]) -> str:
    """HAProxy's configuration file."""
    servers = "\n".join(
        f"    server {host.partition('.')[0]} {host}:80 weight {weight}" for host, weight in weights.items()
    )
    return f"""\
global
    log stdout format raw local0
    maxconn {CONNECTIONS + 20}
    nbthread 1

defaults
    mode http
    log global
    option dontlog-normal
    option dontlognull
    # One request per connection, on both sides: so every request counts for the shares, and none is sent on a
    # connection whose other end is about to stop.
    option httpclose
    option redispatch
    retries 3
    retry-on conn-failure
    timeout connect 2s
    timeout http-request 10s
    timeout client {REQUEST_SECONDS}s
    timeout server {REQUEST_SECONDS + 5}s

# Addresses of the Services, which change if a Service is deleted and made again.
resolvers cluster
    parse-resolv-conf
    hold valid 10s

frontend requests
    bind 0.0.0.0:{PORT}
    maxconn {CONNECTIONS}
    default_backend servers

frontend probes
    bind 0.0.0.0:{PROBE_PORT}
    http-request return status 200 content-type text/plain string OK if {{ path {PATH} }}
    http-request deny

# Each process sends requests in turn, in the proportion of the weights. A server without a ready pod gets none.
backend servers
    balance roundrobin
    option httpchk GET {model_server.READY}
    default-server check inter 5s fall 3 rise 1 resolvers cluster resolve-prefer ipv4 init-addr last,libc,none
{servers}
"""


class Split(pulumi.ComponentResource):
    """The Deployment of HAProxy and its PodDisruptionBudget."""

    ready: list[pulumi.Resource]
    """Resources that exist once HAProxy answers."""

    def __init__(self, name: str, args: SplitArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Split", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings = core.ConfigMap(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={"haproxy.cfg": configuration(args.weights)},
            opts=child,
        )
        server = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace, name=f"{args.name}-split", labels=args.labels
            ),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=SPLIT_PODS,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=args.labels),
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=SURGE, max_unavailable=0),
                ),
                template=pod_template(_pod(args, settings.metadata.name), args.labels, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.ready]),
        )
        availability.disruption_budget(name, args.namespace, labels=args.labels, replicas=SPLIT_PODS, opts=child)
        self.ready = [server]
        self.register_outputs({})


def _pod(args: SplitArgs, settings: pulumi.Input[str]) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="haproxy",
        image=args.image,
        command=["haproxy", "-db", "-f", f"{FOLDER}/haproxy.cfg"],
        ports=[core.ContainerPortArgs(name="http", container_port=PORT)],
        resources=RESOURCES.to_args(),
        readiness_probe=pods.http_probe(PATH, PROBE_PORT, period=5, failures=2),
        liveness_probe=pods.http_probe(PATH, PROBE_PORT, period=15, failures=4),
        lifecycle=availability.drain(),
    )
    return pods.hardened_pod(
        UID,
        container,
        volumes.config_map_files("split", settings, FOLDER),
        pull_secrets=args.pull_secrets,
        spread=availability.spread(args.labels, "preferred", args.scheduling.topology_keys),
        termination_seconds=availability.DRAIN_SECONDS + 5,
    )
