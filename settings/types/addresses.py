"""Checks of host names, URLs and address ranges, each with a remedy for a wrong value.

A remedy repeats a part of the value only if that part is a plain host name or URL: people paste connection strings, and
those contain passwords.
"""

import ipaddress
import re
from urllib.parse import urlsplit

# One part of a DNS name; also what Kubernetes calls a label name.
LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
# 253 characters, less the `dex.` that the development login adds in front.
LONGEST_HOST = 249
# Metadata services of clouds, which hand out credentials of nodes and pods: link-local, and one IPv6 address of AWS.
METADATA = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128")))
# First path segments of MLflow's and OAuth2-Proxy's routes, as of MLflow 3.17.2.
OWN_PATHS = frozenset(
    {"ajax-api", "api", "build", "get-artifact", "gateway", "graphql", "health", "metrics", "model-versions", "static"}
    | {"oauth2", "ping", "ready", "server-info", "static-files", "v1", "version"}
)
_DOMAIN = rf"{LABEL}(?:\.{LABEL})*"
_HOST = re.compile(rf"(?:{LABEL}\.)+[a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])?")


def is_address(text: str) -> bool:
    """True if the text is an IP address, with or without brackets."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _bare(text: str) -> str:
    """The host name in a URL, in lower case: without scheme, user, port, path or dot at the end."""
    without_user = text.strip().lower().rpartition("@")[2]
    return re.split(r"[/?#:]", without_user.rpartition("://")[2])[0].strip(".")


def host(text: str) -> str | None:
    """Remedy for a wrong public host name; None for a valid one."""
    if _HOST.fullmatch(text) and len(text) <= LONGEST_HOST:
        return None
    bare = _bare(text)
    if is_address(text) or is_address(bare):
        return "cookies and certificates need a host name: create a DNS name for the address and write that name"
    if "*" in text:
        return "write one host name without `*`: the platform has a single host"
    if bare != text and _HOST.fullmatch(bare):
        return f"write only the host name, in lower case: {bare}"
    if "." not in bare:
        return "write the full host name with its domain, or mlflow.localhost on your own machine"
    return f"write at most {LONGEST_HOST} characters: lower-case letters, digits, hyphens, and dots between the parts"


def server(text: str) -> str | None:
    """Remedy for a wrong host name or IP address of a server that pods connect to; None for a valid one."""
    if text == "localhost" or text.startswith("127."):
        return "inside a pod, this address is the pod itself: write the host name that other machines use"
    if "." in text and is_address(text):
        return None
    remedy = host(text)
    if remedy and "." not in _bare(text):
        return "write the full host name (for a Service: name.namespace.svc.cluster.local)"
    return remedy


def _url(text: str, schemes: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "write it like https://name.example.com:8443"
    if parts.scheme not in schemes or not parts.netloc:
        return f"begin the URL with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if "@" in parts.netloc:
        return "remove user name and password: credentials have their own settings"
    if "?" in text or "#" in text:
        return "remove the `?` or `#` and everything after it"
    remedy = server(parts.netloc if port is None else parts.netloc.rpartition(":")[0])
    return f"in the URL's host name: {remedy}" if remedy else None


def endpoint(text: str) -> str | None:
    """Remedy for a wrong URL of an S3 store; None for a valid one."""
    remedy = _url(text, ("https", "http"))
    if remedy is None and urlsplit(text).path:
        return "remove the path and any slash at the end: the bucket is set in artifacts.bucket"
    return remedy


def tracking(text: str) -> str | None:
    """Remedy for a wrong URL of a tracking server; None for a valid one."""
    remedy = _url(text, ("https", "http"))
    if remedy is None and urlsplit(text).path.endswith("/"):
        return f"remove the slash at the end: {text.rstrip('/')}"
    return remedy


def workspace(text: str) -> str | None:
    """Remedy for a wrong URL of a Databricks workspace; None for a valid one."""
    remedy = _url(text, ("https",))
    if remedy is None and (urlsplit(text).path or urlsplit(text).port):
        return f"write only scheme and host name: https://{urlsplit(text).hostname}"
    return remedy


def issuer(text: str) -> str | None:
    """Remedy for a wrong URL of a token issuer, which must equal the `iss` claim; None for a valid one."""
    start, discovery, _ = text.partition("/.well-known/")
    remedy = _url(start, ("https",))
    if remedy is None and not re.fullmatch(r"[A-Za-z0-9._~/%-]*", urlsplit(start).path):
        return "copy the path exactly from the `iss` claim of the issuer's tokens"
    return f"remove /.well-known and everything after it: {start}" if discovery and remedy is None else remedy


def path(text: str) -> str | None:
    """Remedy for a wrong path prefix of the platform; None for a valid one."""
    segment = r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"
    if re.fullmatch(rf"(?:/{segment})+", text):
        first = text.split("/")[1]
        if first in OWN_PATHS:
            return f"/{first} is used by MLflow or OAuth2-Proxy: begin the path with another name"
        return None
    url = re.fullmatch(r"[^/]*://[^/?#]*([^?#]*).*", text, re.DOTALL)
    near = (url[1] if url else text.lower()).strip("/")
    if not near:
        return "remove the key: the platform then uses the whole host"
    if f"/{near}" != text and path(f"/{near}") is None:
        return f"write /{near}"
    return "begin the path with a slash, and use lower-case letters, digits, hyphens and dots between slashes"


def email(text: str) -> str | None:
    """Remedy for a wrong e-mail address; None for a valid one."""
    pattern = rf"[a-z0-9._+-]+@(?:{LABEL}\.)+{LABEL}"
    if re.fullmatch(pattern, text):
        return None
    return (
        f"write it in lower case: {text.lower()}" if re.fullmatch(pattern, text.lower()) else "write one e-mail address"
    )


def block(text: str) -> str | None:
    """Remedy for a wrong address range in CIDR notation; None for a valid one."""
    return _cidr(text) or _without_metadata(text)


def dns_block(text: str) -> str | None:
    """Remedy for a wrong address range of a DNS service; None for a valid one.

    A single address may be link-local, or a metadata service's: some clouds answer DNS at such an address.
    """
    wrong = _cidr(text)
    if wrong or ipaddress.ip_network(text).num_addresses == 1:
        return wrong
    return _without_metadata(text)


def _cidr(text: str) -> str | None:
    if is_address(text):
        address = ipaddress.ip_address(text.strip("[]"))
        return f"write one address as {address}/{address.max_prefixlen}"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "write it in CIDR notation, like 10.0.0.0/16"
    return None if str(network) == text else f"write it like {network}"


def _without_metadata(text: str) -> str | None:
    network = ipaddress.ip_network(text)
    if any(network.version == other.version and network.overlaps(other) for other in METADATA):
        return "the range contains a cloud's metadata service, which hands out node credentials: write smaller ranges"
    return None


def domain(text: str) -> str | None:
    """Remedy for a wrong DNS domain of a cluster; None for a valid one."""
    if re.fullmatch(_DOMAIN, text) and not is_address(text) and not text.startswith("svc."):
        return None
    near = text.strip(".").lower().removeprefix("svc.")
    if near != text and re.fullmatch(_DOMAIN, near):
        return f"write {near}"
    return "write the domain only, without `svc` and without a dot at the beginning or end"


def proxy(text: str) -> str | None:
    """Remedy for a wrong URL of a forward proxy; None for a valid one."""
    if "@" in text:
        return (
            "remove user name and password, because every pod would get them: let the proxy admit the cluster by its"
            " addresses, or write the URL of a second proxy that signs in to this one (docs/networks.md)"
        )
    if text.startswith("https://"):
        return "begin the URL with http://: programs open a tunnel through the proxy, and encrypt the traffic inside it"
    remedy = _url(text, ("http",))
    if remedy is None and urlsplit(text).path:
        return f"remove everything after the port: {text[: len(text) - len(urlsplit(text).path)]}"
    if remedy is None and urlsplit(text).port is None:
        return f"add the port of the proxy: {text}:3128"
    host = "" if remedy else urlsplit(text).hostname or ""
    if is_address(host) and _is_nowhere(ipaddress.ip_address(host)):
        return (
            f"write the proxy's own address: {host} is a loopback, unspecified, multicast, link-local or metadata"
            " address"
        )
    return remedy


def _is_nowhere(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True for an address that no proxy can have: loopback, unspecified, multicast, link-local or cloud metadata."""
    metadata = any(address.version == one.version and address in one for one in METADATA)
    return metadata or address.is_loopback or address.is_unspecified or address.is_multicast


def exception(text: str) -> str | None:
    """Remedy for a wrong host or domain that is reached without the proxy; None for a valid one."""
    if is_address(text) or re.fullmatch(rf"\.?{_DOMAIN}", text):
        return None
    if "/" in text and "://" not in text:
        return "not all programs read address ranges: write hosts, domains or single addresses"
    bare = _bare(text)
    if "*" in text:
        bare = text.replace("*", "").strip(".").lower()
    return f"write only the host or domain: {bare}" if re.fullmatch(_DOMAIN, bare) else "write a host or a domain"
