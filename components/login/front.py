"""HAProxy in front of OAuth2-Proxy, in the same pod: bounds headers and connections of clients before they sign in.

OAuth2-Proxy 7.15.6 waits a minute for the headers of a request, accepts 1 MiB of them, and has no setting for either.
HAProxy receives the headers, within `Bounds`, before OAuth2-Proxy sees the connection. It checks nothing else: bodies
are streamed in both directions, and headers are passed on unchanged.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods, volumes

core = k8s.core.v1

PORT = 4180
# The kubelet's probes. They have connections of their own, so that a pod whose connections are all in use is not
# restarted. NetworkPolicies admit no pod here.
PROBE_PORT = 4181
# OAuth2-Proxy's port on the pod's loopback.
LOGIN_PORT = 4182
# HAProxy's and OAuth2-Proxy's metrics. NetworkPolicies admit Prometheus only.
METRICS_PORT = 4183
LOGIN_METRICS_PORT = 4184
# HAProxy answers it itself, at PROBE_PORT only.
PATH = "/front"

FOLDER = "/etc/haproxy"
PROBES = 32
# Connections of Prometheus: two replicas that ask at once, and some.
SCRAPES = 4
# Longest pause in a body, and longest time in which a client takes nothing of an answer. Bodies that are not artifacts
# have shorter bounds in the server.
PAUSE_SECONDS = 600
# As OAuth2-Proxy's --upstream-timeout: the longest wait for an answer.
ANSWER_SECONDS = 3600
# After an early answer, such as 401, the rest of the body is read and dropped, so that the client can read the answer.
# A client that stops sending has its connection closed after at most three times this.
DRAIN_SECONDS = 5
# Buffers are larger than the largest headers, so that a client hears which bound it has passed: without room for the
# headers HAProxy can only answer 400.
BUFFER_PERCENT = 125
# Measured for a connection whose two ends send and do not read: 6.7 buffers of HAProxy, and 476 KiB in the kernel with
# SOCKET_BYTES (the kernel doubles them, and counts its own overhead), which cgroup v2 counts as the container's memory.
BUFFERS = 7
KERNEL_KIBIBYTES = 480
# Size of each of a connection's four socket buffers. By default they grow, to 5 MiB for each such connection. Between
# pods this is enough: a gigabyte needs no more time than with the default.
SOCKET_BYTES = 65536
# Measured: 18 MiB with 1,000 connections allowed and none open.
IDLE_MEBIBYTES = 32
# A client may hold this many times the free connections with requests whose headers are not complete. With one such
# client a fifth of the connections stays free, with eight of them a thirty-third.
SHARE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Bounds of a connection; `server.bounds` in the stack file."""

    header_seconds: int
    """Longest time for sending a request's headers."""

    header_kibibytes: int
    """Largest headers of a request, its first line included."""

    connections: int
    """Largest number of open connections; further ones wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontArgs:
    """Input of `Front`."""

    namespace: pulumi.Input[str]
    image: str
    bounds: Bounds
    forwarders: Sequence[str] | None = None
    """Address ranges whose X-Forwarded headers are passed on; from other addresses they are removed. None passes
    them on from everywhere: OAuth2-Proxy then ignores or replaces them."""

    metrics: bool = False
    """True serves HAProxy's metrics at `METRICS_PORT`."""


def configuration(bounds: Bounds, forwarders: Sequence[str] | None = None, *, metrics: bool = False) -> str:
    """HAProxy's configuration file. It contains no secret."""
    sections = (
        _process(_connections(bounds, metrics=metrics), bounds),
        _defaults(bounds),
        _clients(bounds, forwarders),
        _probes(forwarders),
        *((_metrics(),) if metrics else ()),
        _login(),
    )
    return "\n".join(sections)


def _connections(bounds: Bounds, *, metrics: bool) -> int:
    """Maximum number of open connections of clients, kubelet and Prometheus together."""
    return bounds.connections + PROBES + (SCRAPES if metrics else 0)


def _process(connections: int, bounds: Bounds) -> str:
    return f"""\
global
    log stdout format raw local0
    maxconn {connections}
    # Otherwise one for each core of the node, each with memory of its own.
    nbthread 1
    tune.bufsize {bounds.header_kibibytes * 1024 * BUFFER_PERCENT // 100}
    tune.http.maxhdr 512
    tune.rcvbuf.client {SOCKET_BYTES}
    tune.sndbuf.client {SOCKET_BYTES}
    tune.rcvbuf.server {SOCKET_BYTES}
    tune.sndbuf.server {SOCKET_BYTES}
    # With it, HAProxy 3.0.11 stops reading the body after an early answer, and the client waits for its time-out.
    tune.disable-zero-copy-forwarding
    hard-stop-after 2s
"""


def _defaults(bounds: Bounds) -> str:
    # For a request that it cannot parse, and for headers that are not complete in time, HAProxy 3.0.11 has its own HTML
    # (400 and 408). Versions with the fix of its issue 3032 let an `errorfile` of the frontend replace it, but no
    # `http-error`.
    return f"""\
defaults
    mode http
    log global
    # Refusals and failures only. The ingress controller logs requests.
    option dontlog-normal
    option dontlognull
    log-format "%{{+json}}o %(status)ST %(state)ts %(source)ci %(method)HM %(path)HPO %(milliseconds)Ta"
    # One request per connection, on both sides: what follows a request is never read as another one.
    option httpclose
    # A connection on which nothing was sent is closed without an answer, which its client would take for a later one's.
    option http-ignore-probes
    timeout connect 5s
    timeout http-request {bounds.header_seconds}s
    timeout client {bounds.header_seconds}s
    timeout client-fin {DRAIN_SECONDS}s
    timeout server {ANSWER_SECONDS}s
    {_error(400, "BAD_REQUEST", "The request is not valid HTTP/1.1. Check the client and its proxies.")}
    {_error(403, "PERMISSION_DENIED", "Only GET is allowed here.")}
    {_error(408, "REQUEST_TIMEOUT", f"No part of the request arrived for {PAUSE_SECONDS} s. Try again.")}
    {_error(500, "INTERNAL_ERROR", "HAProxy, in front of the login, failed. Its log has the reason.")}
    {_error(502, "TEMPORARILY_UNAVAILABLE", "The login did not answer. Try again.", "hdr Retry-After 2")}
    {_error(503, "TEMPORARILY_UNAVAILABLE", "The login is not ready. Try again.", "hdr Retry-After 2")}
    {_error(504, "DEADLINE_EXCEEDED", f"The server did not answer within {ANSWER_SECONDS} s.")}

# Connections by source address: all, and those whose request has complete headers.
backend connections
    stick-table type ip size 10k expire 10m store conn_cur
backend requests
    stick-table type ip size 10k expire 10m store conn_cur
"""


def _clients(bounds: Bounds, forwarders: Sequence[str] | None) -> str:
    too_large = f"The headers of the request exceed {bounds.header_kibibytes} KiB (server.bounds.headerKibibytes)."
    return f"""\
frontend clients
    bind 0.0.0.0:{PORT}
    maxconn {bounds.connections}
    option disable-h2-upgrade
    # A source address that holds too many connections without a complete request is refused more of them. An ingress
    # controller, with all its clients at one address, opens a connection when it has the whole headers.
    tcp-request connection set-var(sess.complete) src,table_conn_cur(requests)
    # Without the new connection, which is counted already: the last free one is anybody's.
    tcp-request connection set-var(sess.taken) fe_conn,sub(1),mul({SHARE})
    tcp-request connection reject if {{ src,table_conn_cur(connections),sub(sess.complete),add(sess.taken) \
ge {SHARE * bounds.connections} }}
    tcp-request connection track-sc0 src table connections
    http-request track-sc1 src table requests
    http-request set-timeout client {PAUSE_SECONDS}s
    http-response set-timeout client {DRAIN_SECONDS}s if {{ status ge 400 }}
    http-request return status 431 content-type application/json string {_body("BAD_REQUEST", too_large)} \
if {{ req.hdrs,length gt {bounds.header_kibibytes * 1024} }}
{_without_forwarded(forwarders)}\
    default_backend login
"""


def _probes(forwarders: Sequence[str] | None) -> str:
    return f"""\
frontend probes
    bind 0.0.0.0:{PROBE_PORT}
    maxconn {PROBES}
    option disable-h2-upgrade
    http-request return status 200 content-type text/plain string OK if {{ path {PATH} }}
    http-request deny unless METH_GET
{_without_forwarded(() if forwarders is not None else None)}\
    default_backend login
"""


def _metrics() -> str:
    return f"""\
frontend metrics
    bind 0.0.0.0:{METRICS_PORT}
    maxconn {SCRAPES}
    option disable-h2-upgrade
    http-request deny unless METH_GET {{ path /metrics }}
    http-request use-service prometheus-exporter
"""


def _login() -> str:
    return f"""\
backend login
    server oauth2-proxy 127.0.0.1:{LOGIN_PORT}
"""


def _error(status: int, code: str, message: str, headers: str = "") -> str:
    line = f"http-error status {status} content-type application/json string {_body(code, message)}"
    return f"{line} {headers}".rstrip()


def _body(code: str, message: str) -> str:
    """The body of an error in MLflow's format, quoted for HAProxy."""
    text = json.dumps({"error_code": code, "message": message})
    # Within single quotes HAProxy interprets nothing but the quote itself.
    return "'" + text.replace("'", "\\u0027") + "'"


def _without_forwarded(forwarders: Sequence[str] | None) -> str:
    if forwarders is None:
        return ""
    unless = f" unless {{ src {' '.join(forwarders)} }}" if forwarders else ""
    return f"    http-request del-header x-forwarded- -m beg{unless}\n"


def memory_mebibytes(bounds: Bounds, *, metrics: bool = False) -> int:
    """HAProxy's memory limit: the buffers of all connections, plus the memory of an idle process."""
    connection = BUFFERS * bounds.header_kibibytes * BUFFER_PERCENT / 100 + KERNEL_KIBIBYTES
    return IDLE_MEBIBYTES + math.ceil(connection * _connections(bounds, metrics=metrics) / 1024)


class Front(pulumi.ComponentResource):
    """HAProxy as a sidecar, with its configuration in a ConfigMap."""

    attachment: pods.Attachment
    """The sidecar and its volume. It has to be the pod's first sidecar, to start before OAuth2-Proxy and stop after
    it."""

    def __init__(self, name: str, args: FrontArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Front", name, None, opts)
        config_map = core.ConfigMap(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={"haproxy.cfg": configuration(args.bounds, args.forwarders, metrics=args.metrics)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        files = volumes.config_map_files("front", config_map.metadata.name, FOLDER)
        self.attachment = pods.Attachment(volumes=files.volumes, init_containers=(_container(args, files),))
        self.register_outputs({})


def _container(args: FrontArgs, files: pods.Attachment) -> core.ContainerArgs:
    return core.ContainerArgs(
        name="haproxy",
        image=args.image,
        restart_policy="Always",
        command=["haproxy", "-db", "-f", f"{FOLDER}/haproxy.cfg"],
        ports=[core.ContainerPortArgs(name="http", container_port=PORT)],
        resources=pods.Resources(
            cpu="50m",
            memory="32Mi",
            cpu_limit="1",
            memory_limit=f"{memory_mebibytes(args.bounds, metrics=args.metrics)}Mi",
        ).to_args(),
        security_context=pods.container_security(),
        startup_probe=pods.http_probe(PATH, PROBE_PORT, period=1, failures=60),
        readiness_probe=pods.http_probe(PATH, PROBE_PORT, period=5, failures=2),
        liveness_probe=pods.http_probe(PATH, PROBE_PORT, period=15, failures=4),
        volume_mounts=[*files.mounts],
    )
