"""Rules of the section `server`, and of volumes that only one server pod can mount."""

import itertools
from collections.abc import Callable, Iterator
from typing import get_args

from settings.faults import Fault, either, setting
from settings.outline import choice, one_of
from settings.partial import key, known
from settings.schema.server import Server
from settings.schema.stack import Artifacts, Database, Settings
from settings.sizing.server import BASE_BYTES, ELEMENT_BYTES, MARK_BYTES, largest_body
from settings.sizing.server import memory as memory_of_pod
from settings.types.quantities import MEBIBYTE, cpu_in_cores, mebibytes, size_in_bytes

# Connections that one request can hold at a time: logging a batch with a run's name opens four nested sessions
# (`SqlAlchemyStore.log_batch` > `_set_tags` > `set_tag` > `update_run_info`, MLflow 3.17.2).
MOST_SESSIONS = 4
# The default of `server.autoscaling.cpuPercent`.
USUAL_PERCENT = 70

Store = Callable[[], Database | Artifacts]
Field = Callable[[Server], str]


def exclusive_volumes(settings: Settings) -> Iterator[Fault]:
    """Check that volumes that only one pod can mount are used with profile `evaluation` and one replica."""
    stores: tuple[Store, ...] = (lambda: settings.database, lambda: settings.artifacts)
    for rule, store in itertools.product((_profile, _replicas, _autoscaler), stores):
        yield from known(rule(settings, store))


def _profile(settings: Settings, store: Store) -> Iterator[Fault]:
    section = store()
    if section.exclusive_volume and settings.profile != "evaluation":
        yield Fault(
            key(section, lambda one: one.kind),
            f"`{section.kind}` is not allowed with profile `{settings.profile}`: only one pod can mount its volume, so"
            " MLflow is down during a rollout",
            f"use {shareable(section)}",
        )


def _replicas(settings: Settings, store: Store) -> Iterator[Fault]:
    section, replicas = store(), key(settings, lambda one: one.server.replicas)
    if section.exclusive_volume and settings.server.replicas > 1:
        yield Fault(
            replicas,
            f"{settings.server.replicas} pods cannot share the volume of {key(section, lambda one: one.kind)}"
            f" `{section.kind}`",
            f"set {replicas} 1, or use {shareable(section)}",
        )


def _autoscaler(settings: Settings, store: Store) -> Iterator[Fault]:
    section, scaling = store(), key(settings, lambda one: one.server.autoscaling)
    if section.exclusive_volume and settings.server.autoscaling is not None and scaling.written:
        yield Fault(
            scaling,
            f"several pods cannot share the volume of {key(section, lambda one: one.kind)} `{section.kind}`",
            f"set {scaling} null",
        )


def shareable(section: Database | Artifacts) -> str:
    """The kinds of a section that several server pods can use."""
    kinds = next(kinds for kinds in map(get_args, (Database, Artifacts)) if type(section) in kinds)
    return one_of(choice(kind) or "" for kind in kinds if not kind.exclusive_volume)


def most_replicas(settings: Settings) -> Iterator[Fault]:
    """Check that the autoscaler can add pods."""
    server, scaling = settings.server, settings.server.autoscaling
    if scaling is not None and scaling.max_replicas <= server.replicas:
        most, least = key(scaling, lambda one: one.max_replicas), key(server, lambda one: one.replicas)
        yield Fault(
            most,
            f"expected more than {least} {least.shown}, the autoscaler's minimum; found {most.shown}",
            either([setting({most: server.replicas + 1}), f"set {key(server, lambda one: one.autoscaling)} null"]),
        )


def cpu_target(settings: Settings) -> Iterator[Fault]:
    """Check that a pod can reach the autoscaler's CPU target."""
    server, scaling = settings.server, settings.server.autoscaling
    if scaling is None:
        return
    request, limit = cpu_in_cores(server.cpu), cpu_in_cores(server.cpu_limit)
    target = request * scaling.cpu_percent / 100
    if target >= limit:
        percent = key(scaling, lambda one: one.cpu_percent)
        cpu, most = key(server, lambda one: one.cpu), key(server, lambda one: one.cpu_limit)
        reachable = min(int(limit / request * 100) - 1, USUAL_PERCENT)
        yield Fault(
            percent,
            f"{scaling.cpu_percent} % of {cpu} {cpu.shown} = {target:g} cores, which no pod reaches with {most}"
            f" {most.shown}",
            either([setting({percent: reachable}), f"raise {most}"]),
        )


def requests(settings: Settings) -> Iterator[Fault]:
    """Check that the limits of CPU and memory are at least the requests."""
    server = settings.server
    yield from known(_order(server, lambda one: one.cpu, lambda one: one.cpu_limit, cpu_in_cores))
    yield from known(_order(server, lambda one: one.memory, lambda one: one.memory_limit, size_in_bytes))


def _order(server: Server, small: Field, large: Field, number: Callable[[str], float]) -> Iterator[Fault]:
    if number(small(server)) > number(large(server)):
        request, limit = key(server, small), key(server, large)
        yield Fault(request, f"{request.shown} is more than {limit} {limit.shown}", f"lower {request} or raise {limit}")


def memory(settings: Settings) -> Iterator[Fault]:
    """Check that the memory limit is enough for all workers."""
    server, needed = settings.server, memory_of_pod(settings.server)
    size, limit = size_in_bytes(server.memory_limit), key(server, lambda one: one.memory_limit)
    if size < needed.total:
        fitting = int(size - BASE_BYTES) // needed.each
        ways = [setting({limit: mebibytes(needed.total)})]
        if fitting >= 1:
            ways.append(setting({key(server, lambda one: one.workers): fitting}))
        yield Fault(limit, f"expected at least {needed}, found {limit.shown}", either(ways))


def bodies(settings: Settings) -> Iterator[Fault]:
    """Check that the largest JSON body that the bounds allow fits into the memory for bodies."""
    bounds, needed = settings.server.bounds, largest_body(settings.server.bounds)
    if needed > bounds.bodies_mebibytes:
        room = key(bounds, lambda one: one.bodies_mebibytes)
        yield Fault(
            room,
            f"expected at least bodyMebibytes {bounds.body_mebibytes} MiB + jsonElements {bounds.json_elements} x "
            f"{ELEMENT_BYTES} bytes + textElements {bounds.text_elements} x {MARK_BYTES} bytes = {needed} MiB, "
            f"found {room.shown}",
            setting({room: needed}),
        )


def uploads(settings: Settings) -> Iterator[Fault]:
    """Check that the upload space is enough for one request body per worker."""
    server, body = settings.server, settings.server.bounds.body_mebibytes
    needed = server.workers * body
    if size_in_bytes(server.upload_space) < needed * MEBIBYTE:
        space = key(server, lambda one: one.upload_space)
        yield Fault(
            space,
            f"expected at least {key(server, lambda one: one.workers)} {server.workers} x {body} MiB per request body ="
            f" {needed} MiB, found {space.shown}",
            setting({space: f"{needed}Mi"}),
        )


def pool(settings: Settings) -> Iterator[Fault]:
    """Check that a connection pool has enough connections for one request."""
    size, overflow = settings.server.pool_size, settings.server.pool_overflow
    if size + overflow < MOST_SESSIONS:
        path = key(settings, lambda one: one.server.pool_size)
        yield Fault(
            path,
            f"poolSize {size} + poolOverflow {overflow} = {size + overflow} connections; expected at least"
            f" {MOST_SESSIONS}, which one request can hold at a time",
            setting({path: MOST_SESSIONS - overflow}),
        )


def spread(settings: Settings) -> Iterator[Fault]:
    """Check that `spread` is `required` only with more than one replica."""
    server = settings.server
    if server.spread == "required" and server.replicas == 1 and server.autoscaling is None:
        path = key(server, lambda one: one.spread)
        yield Fault(
            path,
            f"`required` needs two or more replicas, but {key(server, lambda one: one.replicas)} is 1",
            f"remove {path}, or use two or more replicas",
        )


def webhooks(settings: Settings) -> Iterator[Fault]:
    """Check that hosts for webhooks are set if webhooks are switched on, and only then."""
    server = settings.server
    switched_on = "webhooks" in server.features
    features, hosts = key(server, lambda one: one.features), key(server, lambda one: one.webhook_hosts)
    if switched_on and not server.webhook_hosts:
        yield Fault(
            features,
            f"contains `webhooks`, but {hosts} names no host to send them to",
            f"add the hosts to {hosts}, or remove `webhooks`",
        )
    if server.webhook_hosts and not switched_on:
        yield Fault(
            hosts, f"has no effect without `webhooks` in {features}", f"add `webhooks` to {features}, or remove {hosts}"
        )


def single_replica(settings: Settings) -> Iterator[Fault]:
    """Warn about a single replica in production."""
    if settings.profile == "production" and settings.server.replicas == 1:
        path = key(settings, lambda one: one.server.replicas)
        yield Fault(path, "with one pod, MLflow is down while its node is drained or lost", setting({path: 2}))


def paused(settings: Settings) -> Iterator[Fault]:
    """Warn about a paused server."""
    if settings.server.paused:
        path = key(settings, lambda one: one.server.paused)
        yield Fault(
            path,
            f"MLflow is down until you remove {path} and run `up`",
            f"remove {path} when the upgrade or restore is done",
        )


def webhook_egress(settings: Settings) -> Iterator[Fault]:
    """Warn about webhooks without API server addresses: the server may then connect to any address on port 443."""
    if "webhooks" in settings.server.features and not settings.cluster.api_server:
        path = key(settings, lambda one: one.cluster.api_server)
        yield Fault(
            path,
            "is not set, so NetworkPolicies let the server's pods connect to port 443 of any address, past the webhook"
            " proxy",
            f"set {path} to the addresses of the API server (docs/networks.md)",
        )


def idle_request(settings: Settings) -> Iterator[Fault]:
    """Warn if the memory request is less than an idle pod uses."""
    idle = memory_of_pod(settings.server).idle
    if size_in_bytes(settings.server.memory) < idle:
        request = key(settings, lambda one: one.server.memory)
        yield Fault(
            request,
            f"{request.shown} is less than the {idle // MEBIBYTE} MiB that an idle pod uses: the pod is among the first"
            " to be evicted from a node that runs out of memory",
            setting({request: mebibytes(idle)}),
        )


RULES = (
    exclusive_volumes,
    most_replicas,
    cpu_target,
    requests,
    memory,
    bodies,
    uploads,
    pool,
    spread,
    webhooks,
)
WARNINGS = (single_replica, paused, webhook_egress, idle_request)
