"""The path of a request from the caller's machine: clock, host name, address, certificate, answer."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from tools.doctor.facts import Facts
from tools.doctor.fault import Fault

# Signatures and tokens tolerate a minute at most places.
MOST_SKEW = 60
DAY = 86400
# Certificates are renewed earlier than this, by cert-manager and by hand.
LEAST_DAYS = 7
DEFAULT_CERTIFICATES = ("traefik default", "kubernetes ingress controller fake", "default.traefik")


def clock(facts: Facts) -> Fault | None:
    """The clock of the caller's machine, compared with those of the API server and of the server's node."""
    for who, result in (("the API server", facts.probe("api")), ("the node of the server's pod", facts.pod)):
        skew = float(result.get("skew") or 0)
        if abs(skew) > MOST_SKEW:
            return Fault(
                cause="clock",
                subject=f"clock of this machine, or of {who}",
                what=f"they differ by {abs(skew):.0f} s: certificates and tokens seem expired or not yet valid",
                mend="timedatectl status  # on both: is the time synchronised?",
            )
    return None


def _host(facts: Facts) -> str:
    return urlsplit(facts.platform.url).hostname or ""


def resolves(facts: Facts) -> Fault | None:
    """The platform's host name on the caller's machine."""
    result = facts.probe("resolve")
    if not result.get("error"):
        return None
    return Fault(
        cause="dns",
        subject=f"host name {_host(facts)}",
        what="it does not resolve on this machine: clients and browsers do not find the platform",
        evidence=str(result["error"]),
        mend=f"getent hosts {_host(facts)}  # add a DNS record (docs/own-cluster.md)",
    )


def connects(facts: Facts) -> Fault | None:
    """A TCP connection to the platform's address."""
    result = facts.probe("connect")
    if not result.get("error"):
        return None
    return Fault(
        cause="refused",
        subject=f"address {result.get('address', '')} of {_host(facts)}",
        what="it accepts no connection: the DNS record may be out of date, the ingress controller's Service may be"
        " wrong, or a firewall may block the port",
        evidence=str(result["error"]),
        mend="kubectl get services --all-namespaces  # is this the address of the ingress controller?",
    )


def certificate(facts: Facts) -> Fault | None:
    """The certificate that the platform's address presents."""
    result = facts.probe("tls")
    error = str(result.get("error") or "")
    if not error:
        return None
    subject = f"certificate of {_host(facts)}"
    presented = (
        f"certificate for {', '.join(result.get('names') or ()) or 'no name'}, issued by {result.get('issuer', '')}"
    )
    ends = result.get("not_after")
    renew = f"{facts.redeploy}  # or renew it where it comes from: settings under certificate (docs/configuration.md)"
    if ends is not None and ends < facts.time:
        day = datetime.fromtimestamp(ends, UTC).date()
        return Fault(cause="expired", subject=subject, what=f"it has expired on {day}: clients refuse it", mend=renew)
    if ends is None:
        return Fault(
            cause="no-tls", subject=subject, what="no TLS connection can be made", evidence=error, mend=facts.redeploy
        )
    if any(name in f"{presented} {error}".lower() for name in DEFAULT_CERTIFICATES):
        return Fault(
            cause="default",
            subject=subject,
            what="the ingress controller presents its own default certificate: the platform's TLS Secret is missing or"
            " broken",
            evidence=presented,
            mend=renew,
        )
    return Fault(
        cause="untrusted",
        subject=subject,
        what="clients do not trust it: another CA has signed it, or it is for another name",
        evidence=f"{error}; {presented}",
        mend=renew,
    )


def certificate_end(facts: Facts) -> Fault | None:
    """A certificate that expires in a few days."""
    ends = facts.probe("tls").get("not_after")
    if ends is None or ends - facts.time > LEAST_DAYS * DAY:
        return None
    return Fault(
        cause="ends",
        subject=f"certificate of {_host(facts)}",
        what=f"it expires in {(ends - facts.time) / DAY:.0f} days, on {datetime.fromtimestamp(ends, UTC).date()}: "
        "after that clients refuse it",
        mend=f"{facts.make('up')}  # after renewing it: certificate.issued, or where your certificate comes from",
    )


def health(facts: Facts) -> Fault | None:
    """The answer to a request for /health through the ingress controller."""
    result = facts.probe("health")
    if facts.platform.paused or not result or result.get("status") == HTTPStatus.OK:
        return None
    status = result.get("status")
    logs = [f"--namespace={space}" for space in result.get("controllers") or ()]
    # NetworkPolicies admit the controller by its namespace, which the network does not see of a pod on the host's
    # network, or of a load balancer that connects to pods directly: their connections are never answered.
    denied = status in (None, HTTPStatus.GATEWAY_TIMEOUT)
    hint = (
        "  # on the host's network, or a load balancer? set cluster.ingressPods (docs/own-cluster.md)" if denied else ""
    )
    return Fault(
        cause=str(status or "no-answer"),
        subject=f"{facts.platform.url}/health",
        what=f"the answer is {status or 'none'}, although the server's pods are ready: the ingress controller does not "
        "reach them, or something else answers at this address",
        evidence=str(result.get("error") or result.get("body") or ""),
        mend=f"kubectl logs {' '.join(logs) or '--namespace=INGRESS'} --selector=app.kubernetes.io/name --tail=20"
        f"{hint}",
    )
