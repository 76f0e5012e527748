"""Rules of the sections `gateway` and `certificate`."""

from collections.abc import Iterator

from settings.faults import Fault
from settings.partial import Key, key
from settings.schema.certificate import SelfSigned
from settings.schema.cluster import Cluster
from settings.schema.gateway import HttpRouteGateway, IngressGateway
from settings.schema.stack import Settings


def forward_auth(settings: Settings) -> Iterator[Fault]:
    """Check that `gateway.login` `forward-auth` is used only with a login that has tokens."""
    gateway = settings.gateway
    if isinstance(gateway, IngressGateway) and gateway.login == "forward-auth" and not settings.login.has_tokens:
        yield Fault(
            key(gateway, lambda one: one.login),
            f"`forward-auth` needs a token, but login.kind `{settings.login.kind}` has none",
            "use `reverse-proxy`, or login.kind `oidc`",
        )


def ingress(settings: Settings) -> Iterator[Fault]:
    """Check that no Ingress settings are set if the platform uses the Gateway API."""
    gateway, cluster = settings.gateway, settings.cluster
    if isinstance(gateway, HttpRouteGateway):
        for path, other in (
            (key(cluster, lambda one: one.ingress_class), key(gateway, lambda one: one.class_name)),
            (key(cluster, lambda one: one.ingress_annotations), key(gateway, lambda one: one.annotations)),
        ):
            if path.written:
                yield Fault(path, "is ignored: gateway.kind `http-route` creates no Ingress", f"use {other} instead")


def annotations_of_ingresses(settings: Settings) -> Iterator[Fault]:
    """Check that no annotation of Ingresses lets cert-manager overwrite the platform's self-signed certificate."""
    if isinstance(settings.certificate, SelfSigned):
        for name in settings.cluster.ingress_annotations:
            yield from _overwriting(name, _of_ingresses(settings.cluster, name))


def annotations_of_gateway(settings: Settings) -> Iterator[Fault]:
    """Check that no annotation of the Gateway lets cert-manager overwrite the platform's self-signed certificate."""
    if isinstance(settings.certificate, SelfSigned) and isinstance(settings.gateway, HttpRouteGateway):
        for name in settings.gateway.annotations:
            yield from _overwriting(name, _of_gateway(settings.gateway, name))


def _of_ingresses(cluster: Cluster, name: str) -> Key:
    return key(cluster, lambda one: one.ingress_annotations[name])


def _of_gateway(gateway: HttpRouteGateway, name: str) -> Key:
    return key(gateway, lambda one: one.annotations[name])


def _overwriting(name: str, path: Key) -> Iterator[Fault]:
    if name.startswith("cert-manager.io/"):
        yield Fault(
            path,
            "lets cert-manager overwrite the certificate that certificate.kind `self-signed` creates",
            "remove the annotation, or use certificate.kind `secret` with the name of cert-manager's Secret",
        )


RULES = (forward_auth, annotations_of_ingresses, annotations_of_gateway, ingress)
