"""Settings of the way in that are right one by one and wrong together: gateway, certificate, login in front."""

from collections.abc import Iterator

from stackfile.draft import Draft
from stackfile.faults import Fault, path_of


def forward_auth(draft: Draft) -> Iterator[Fault]:
    """Traefik's question to the login is answered with a token."""
    if draft.text("gateway.login") == "forward-auth" and draft.text("login.kind") == "basic":
        yield Fault(
            "gateway.login",
            "`forward-auth` hands a token on, and login.kind `basic` has none",
            "use `reverse-proxy`, or login.kind `oidc`",
        )


def cert_manager(draft: Draft) -> Iterator[Fault]:
    """One writer for the certificate's Secret."""
    if draft.text("certificate.kind") != "self-signed":
        return
    places = (("cluster", "ingressAnnotations"), ("gateway", "annotations"))
    for section, name in ((place, name) for place in places for name in draft.section(".".join(place))):
        if name.startswith("cert-manager.io/"):
            yield Fault(
                path_of((*section, name)),
                "lets cert-manager write the certificate that certificate.kind `self-signed` writes too",
                "remove it, or use certificate.kind `secret` and the name of the Secret that cert-manager shall fill",
            )


def ingress(draft: Draft) -> Iterator[Fault]:
    """What is said of an Ingress is said where there is one."""
    if draft.text("gateway.kind") != "http-route":
        return
    for key, other in (("ingressClass", "gateway.className"), ("ingressAnnotations", "gateway.annotations")):
        if draft.says(f"cluster.{key}"):
            yield Fault(
                f"cluster.{key}",
                "is read by nobody, because gateway.kind `http-route` makes no Ingress",
                f"write {other} instead",
            )
