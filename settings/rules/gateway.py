"""Rules of the sections `gateway` and `certificate`."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from settings.faults import Fault, setting
from settings.partial import key, known
from settings.schema.base import Model
from settings.schema.certificate import SelfSigned
from settings.schema.gateway import HttpRouteGateway, IngressGateway
from settings.schema.stack import Settings

M = TypeVar("M", bound=Model)


def forward_auth(settings: Settings) -> Iterator[Fault]:
    """Check that `gateway.login` `forward-auth` is used only with a login that has ID tokens."""
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


def controller(settings: Settings) -> Iterator[Fault]:
    """Check that `ingress-nginx` is not combined with settings for Traefik or the Gateway API."""
    gateway, cluster = settings.gateway, settings.cluster
    kind = key(cluster, lambda one: one.ingress_controller)
    if cluster.ingress_controller != "ingress-nginx":
        return
    if isinstance(gateway, HttpRouteGateway):
        yield Fault(kind, "is ignored: gateway.kind `http-route` creates no Ingress", f"remove {kind}")
        return
    for path, usual in (
        (key(cluster, lambda one: one.ingress_class), "nginx"),
        (key(cluster, lambda one: one.ingress_namespace), "ingress-nginx"),
    ):
        if path.value == "traefik":
            yield Fault(path, f"is {path.shown}, but {kind} is `ingress-nginx`", setting({path: usual}))
    if gateway.login == "forward-auth":
        yield Fault(
            key(gateway, lambda one: one.login),
            f"`forward-auth` needs Traefik, but {kind} is `ingress-nginx`",
            "use `reverse-proxy`",
        )


def annotations(settings: Settings) -> Iterator[Fault]:
    """Check that no annotation lets cert-manager overwrite the platform's self-signed certificate."""
    if isinstance(settings.certificate, SelfSigned):
        yield from known(_overwriting(settings.cluster, lambda one: one.ingress_annotations))
        if isinstance(settings.gateway, HttpRouteGateway):
            yield from _overwriting(settings.gateway, lambda one: one.annotations)


def _overwriting(section: M, field: Callable[[M], Mapping[str, str]]) -> Iterator[Fault]:
    for name in field(section):
        if name.startswith("cert-manager.io/"):
            yield Fault(
                key(section, field).entry(name),
                "lets cert-manager overwrite the certificate that certificate.kind `self-signed` creates",
                "remove the annotation, or use certificate.kind `secret` with the name of cert-manager's Secret",
            )


RULES = (forward_auth, annotations, ingress, controller)
