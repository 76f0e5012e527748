"""Rules about the cluster's DNS and about the proxy that leads out of it, for stacks with and without a server."""

from collections.abc import Iterator

from settings.faults import Fault
from settings.partial import key
from settings.schema.external import ExternalSettings
from settings.schema.stack import Settings


def dns(settings: Settings | ExternalSettings) -> Iterator[Fault]:
    """Check that DNS is allowed to pods or to addresses."""
    section = settings.cluster.dns
    if not section.pods and not section.addresses:
        pods, addresses = key(section, lambda one: one.pods), key(section, lambda one: one.addresses)
        yield Fault(
            addresses,
            f"is empty, and {pods} is false: no pod could resolve any name",
            f"list the addresses of the cluster's DNS, or remove {pods}",
        )


def selection(settings: Settings | ExternalSettings) -> Iterator[Fault]:
    """Check that DNS pods are not described where DNS does not run in pods."""
    section = settings.cluster.dns
    if section.pods:
        return
    pods = key(section, lambda one: one.pods)
    fields = (key(section, lambda one: one.namespace), key(section, lambda one: one.pod_labels))
    for path in fields:
        if path.written:
            yield Fault(path, f"is not used, because {pods} is false", f"remove it, or remove {pods}")


def unused_exceptions(settings: Settings | ExternalSettings) -> Iterator[Fault]:
    """Check that hosts are excepted from a proxy only if there is one."""
    cluster = settings.cluster
    if cluster.no_proxy and cluster.https_proxy is None:
        path, proxy = key(cluster, lambda one: one.no_proxy), key(cluster, lambda one: one.https_proxy)
        yield Fault(path, f"is not used, because {proxy} is not set", f"name the proxy in {proxy}, or remove {path}")


RULES = (dns, selection, unused_exceptions)
