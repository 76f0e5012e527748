"""Rule for connections to PostgreSQL: TLS that verifies the server.

It reads URLs and the variables of libpq. A Service of the pod's own namespace may be reached without TLS: its packets
stay between pods that NetworkPolicies name.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote

from .node import UNKNOWN, Node
from .pods import Container, containers_of
from .resource import Resource

URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(?:[^/?#\s]*@)?([^/?#\s]*)(?:/[^?\s]*)?(?:\?([^\s\"']*))?")
# Of a Service in the same namespace, or a socket in the container.
LOCAL = re.compile(r"[A-Za-z0-9-]*|/.*")
VERIFIED = "verify-full"
REMEDY = f"set it to {VERIFIED}, and sslrootcert to the CA certificate"


def verified(resource: Resource) -> Iterator[str]:
    """Connections to PostgreSQL outside the namespace verify the server's certificate and name."""
    for container in containers_of(resource):
        variables = {variable["name"].text: _value(variable) for variable in container.spec["env"].each()}
        # libpq takes it where the URL says nothing. A variable without a name yet may be this one.
        decided = container.spec["env"].known and all(one["name"].known for one in container.spec["env"].each())
        mode = variables.get("PGSSLMODE", Node(None) if decided else Node(UNKNOWN))
        for place, text in _texts(container):
            for hosts, query in URL.findall(text):
                options = parse_qs(query)
                chosen = Node(options["sslmode"][-1]) if "sslmode" in options else mode
                if not _is_local(options.get("host", [hosts])[-1]) and not chosen.may_be(VERIFIED):
                    yield f"{container.label}: {place} connects to PostgreSQL with {_said(chosen)}: {REMEDY}"
        host = variables.get("PGHOST", Node(None))
        if not _is_local(host.text) and not mode.may_be(VERIFIED):
            yield f"{container.label}: env `PGHOST` connects to PostgreSQL with {_said(mode)}: {REMEDY}"


def _texts(container: Container) -> Iterator[tuple[str, str]]:
    for variable in container.spec["env"].each():
        yield f"env `{variable['name'].text}`", variable["value"].text
    for part in ("command", "args"):
        for word in container.spec[part].texts():
            yield part, word


def _value(variable: Node) -> Node:
    """The value of a variable, which is not known if it comes from somewhere else."""
    return variable["value"] if variable["value"].present or not variable["valueFrom"].present else Node(UNKNOWN)


def _is_local(hosts: str) -> bool:
    return all(LOCAL.fullmatch(host.partition(":")[0]) for host in unquote(hosts).split(","))


def _said(mode: Node) -> str:
    return f"sslmode {mode.text}" if mode.text else "no sslmode"
