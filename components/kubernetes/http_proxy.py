"""The company's HTTP proxy: how pods reach HTTPS services outside the cluster where only a proxy leads out.

A pod that uses such a service gets its environment and its NetworkPolicy from `outside`. Only HTTPS goes through the
proxy, in tunnels (CONNECT): the proxy sees host names and no content. PostgreSQL is not HTTP and never goes through it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.names import DOMAIN

core = k8s.core.v1

# The API server's address, which Kubernetes puts into the environment of every container.
API_SERVER = "$(KUBERNETES_SERVICE_HOST)"
# Names of this pod, and of the API server without the cluster's domain.
ALWAYS = ("localhost", "127.0.0.1", "kubernetes.default", ".svc")


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpProxy:
    """A forward proxy for HTTPS, and the hosts that are reached without it."""

    url: str
    """URL with host and port, without credentials: every pod that uses the proxy has it in its environment."""

    exceptions: Sequence[str] = ()
    """Hosts and domains that are reached directly, each with all hosts below it."""

    domain: str = DOMAIN
    """The cluster's DNS domain."""

    @property
    def host(self) -> str:
        """Host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port."""
        return networks.port_of(self.url)

    @property
    def direct(self) -> list[str]:
        """Entries of NO_PROXY that hold everywhere.

        Go takes a dot at the beginning for "only below", Python and curl ignore it: without a dot all mean the same.
        """
        return [*ALWAYS, f".{self.domain}", *(entry.lstrip(".") for entry in self.exceptions)]

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program that does not connect to the API server."""
        return {"HTTPS_PROXY": self.url, "NO_PROXY": ",".join(self.direct)}

    @property
    def attachment(self) -> pods.Attachment:
        """The environment of a container. Go, Python and curl read these names; none of them needs lower case."""
        variables = {**self.variables, "NO_PROXY": ",".join((API_SERVER, *self.direct))}
        return pods.Attachment(env=tuple(core.EnvVarArgs(name=name, value=value) for name, value in variables.items()))

    @property
    def flow(self) -> networks.Flow:
        """Connections to the proxy: to its address; to the pods of a Service's namespace; else to its port anywhere."""
        if networks.is_address(self.host):
            return networks.to_addresses([networks.single(self.host)], [self.port])[0]
        service = re.fullmatch(rf"[^.]+\.([^.]+)\.svc(?:\.{re.escape(self.domain)})?", self.host)
        # Policies know no host names.
        peer = networks.anywhere_but_metadata() if service is None else networks.namespace(service[1])
        return networks.Flow(peers=[peer], ports=[self.port])

    def carries(self, url: str) -> bool:
        """True if a connection to this URL goes through the proxy."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        names = (entry.lstrip(".") for entry in self.direct)
        return parts.scheme == "https" and not any(host == name or host.endswith(f".{name}") for name in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What a container needs to reach services outside the cluster."""

    attachment: pods.Attachment
    flows: tuple[networks.Flow, ...]


def outside(urls: Sequence[str], proxy: HttpProxy | None) -> Outside:
    """The way to these URLs: through the proxy where it carries them, else directly, to their ports at any address."""
    carried = [url for url in urls if proxy is not None and proxy.carries(url)]
    ports = sorted({networks.port_of(url) for url in urls if url not in carried})
    flows = [networks.Flow(peers=[networks.anywhere_but_metadata()], ports=ports)] if ports else []
    if proxy is None or not carried:
        return Outside(attachment=pods.NOTHING, flows=tuple(flows))
    return Outside(attachment=proxy.attachment, flows=(*flows, proxy.flow))
