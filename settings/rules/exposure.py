"""Checks for gateway, certificate and login settings that contradict each other."""

from collections.abc import Iterator

from settings.draft import Draft
from settings.faults import Fault, path_of


def forward_auth(draft: Draft) -> Iterator[Fault]:
    """Check that `gateway.login` `forward-auth` is used only with a login that has tokens."""
    if draft.text("gateway.login") == "forward-auth" and draft.text("login.kind") == "basic":
        yield Fault(
            "gateway.login",
            "`forward-auth` needs a token, but login.kind `basic` has none",
            "use `reverse-proxy`, or login.kind `oidc`",
        )


def cert_manager(draft: Draft) -> Iterator[Fault]:
    """Check that no annotation lets cert-manager overwrite the self-signed certificate that the platform creates."""
    if draft.text("certificate.kind") != "self-signed":
        return
    places = (("cluster", "ingressAnnotations"), ("gateway", "annotations"))
    for section, name in ((place, name) for place in places for name in draft.section(".".join(place))):
        if name.startswith("cert-manager.io/"):
            yield Fault(
                path_of((*section, name)),
                "lets cert-manager overwrite the certificate that certificate.kind `self-signed` creates",
                "remove the annotation, or use certificate.kind `secret` with the name of cert-manager's Secret",
            )


def ingress(draft: Draft) -> Iterator[Fault]:
    """Check that no Ingress settings are set if the platform uses the Gateway API."""
    if draft.text("gateway.kind") != "http-route":
        return
    for key, other in (("ingressClass", "gateway.className"), ("ingressAnnotations", "gateway.annotations")):
        if draft.says(f"cluster.{key}"):
            yield Fault(
                f"cluster.{key}",
                "is ignored: gateway.kind `http-route` creates no Ingress",
                f"use {other} instead",
            )
