"""Rules about the cluster's DNS and proxy for outgoing connections, for stacks with and without a server."""

from collections.abc import Iterator
from urllib.parse import urlsplit

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
    """Check that namespace and labels of DNS pods are set only if DNS runs in pods."""
    section = settings.cluster.dns
    if section.pods:
        return
    pods = key(section, lambda one: one.pods)
    fields = (key(section, lambda one: one.namespace), key(section, lambda one: one.pod_labels))
    for path in fields:
        if path.written:
            yield Fault(path, f"is not used, because {pods} is false", f"remove it, or remove {pods}")


def unused_exceptions(settings: Settings | ExternalSettings) -> Iterator[Fault]:
    """Check that `cluster.noProxy` lists hosts only if `cluster.httpsProxy` is set."""
    cluster = settings.cluster
    if cluster.no_proxy and cluster.https_proxy is None:
        path, proxy = key(cluster, lambda one: one.no_proxy), key(cluster, lambda one: one.https_proxy)
        yield Fault(path, f"is not used, because {proxy} is not set", f"name the proxy in {proxy}, or remove {path}")


def public_keys(settings: Settings) -> Iterator[Fault]:
    """Check that `cluster.apiServer` is set with a proxy, if the API server serves the public keys of programs' tokens.

    The issuer's discovery document gives the keys' URL with the API server's own address, not with that of its
    Service. OAuth2-Proxy must reach this address without the proxy.
    """
    cluster = settings.cluster
    served = cluster.api_server_issuer or (urlsplit(cluster.issuer).hostname or "").startswith("kubernetes.default")
    if cluster.https_proxy is not None and served and not cluster.api_server:
        path, proxy = key(cluster, lambda one: one.api_server), key(cluster, lambda one: one.https_proxy)
        yield Fault(
            path,
            f"is empty: with {proxy}, OAuth2-Proxy would ask the proxy for the public keys of programs' tokens, which"
            " the API server serves at its own address",
            "list the API server's addresses, as in `kubectl get endpointslices kubernetes --namespace default`",
        )


RULES = (dns, selection, unused_exceptions)
RULES_WITH_A_SERVER = (public_keys,)
