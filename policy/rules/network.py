"""Network rules: traffic from outside needs an Ingress with TLS, and NetworkPolicies deny all but listed peers."""

import ipaddress
from collections.abc import Iterator

from .node import Node
from .resource import Resource

# Metadata services that hand out credentials: of the node, of an ECS task, of an EKS pod.
METADATA_SERVICES = tuple(map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "169.254.170.23")))
# Port of the DNS Service, and port of CoreDNS where it cannot bind low ports.
DNS_PORTS = (53, 5353)
REFUSED_TYPES = ("NodePort", "LoadBalancer")


def internal(resource: Resource) -> Iterator[str]:
    """Services are reachable only from inside the cluster; outside traffic comes through an Ingress."""
    if resource.kind != "Service":
        return
    kind = resource.inputs.at("spec.type")
    if kind.is_surely(*REFUSED_TYPES):
        yield f"spec.type must not be {kind.text}: expose the Service through an Ingress that requires sign-in"
    if any(resource.inputs.at("spec.externalIPs").each()):
        yield "spec.externalIPs must not be set: expose the Service through an Ingress that requires sign-in"


def encrypted(resource: Resource) -> Iterator[str]:
    """Every host of an Ingress has a TLS certificate."""
    if resource.kind != "Ingress":
        return
    spec = resource.inputs["spec"]
    covered: set[str] = set()
    for tls in spec["tls"].each():
        if not tls["secretName"].present:
            yield "spec.tls: secretName is missing: set it to the Secret with the certificate"
        covered |= set(tls["hosts"].texts())
        if not tls["hosts"].known or not all(host.known for host in tls["hosts"].each()):
            return
    if not spec["tls"].known:
        return
    for rule in spec["rules"].each():
        host = rule["host"]
        if not host.present:
            yield "spec.rules: host is missing: a rule without a host matches every host"
        elif host.known and host.text not in covered:
            yield f"spec.tls: {host.text} has no certificate: add the host to an entry with hosts and secretName"


def explicit_peers(resource: Resource) -> Iterator[str]:
    """NetworkPolicies list their allowed peers, and exclude the metadata services of clouds."""
    if resource.kind != "NetworkPolicy":
        return
    for rule in resource.inputs.at("spec.ingress").each():
        if rule["from"].known and not any(rule["from"].each()):
            yield "spec.ingress: a rule without `from` allows all sources: list the allowed peers"
        for peer in rule["from"].each():
            if _is_everywhere(peer["ipBlock"]):
                yield f"spec.ingress: {peer.at('ipBlock.cidr').text} allows all addresses: list the needed ranges"
            yield from _any_namespace(peer, "spec.ingress")
    for rule in resource.inputs.at("spec.egress").each():
        if rule["to"].known and not any(rule["to"].each()):
            yield "spec.egress: a rule without `to` allows all destinations: list the allowed peers"
        for peer in rule["to"].each():
            if _reaches_metadata(peer["ipBlock"]):
                yield f"spec.egress: {peer.at('ipBlock.cidr').text} contains metadata services: exclude 169.254.0.0/16"
            yield from _any_namespace(peer, "spec.egress")


def _any_namespace(peer: Node, way: str) -> Iterator[str]:
    """A violation if a peer may be in any namespace, even with a podSelector: pods anywhere can copy labels."""
    selector = peer["namespaceSelector"]
    if selector.present and _selects_everything(selector):
        yield f"{way}: an empty namespaceSelector selects all namespaces of the cluster: select the needed ones"


def _selects_everything(selector: Node) -> bool:
    labels, expressions = selector["matchLabels"], selector["matchExpressions"]
    return labels.known and expressions.known and not labels.fields and not any(expressions.each())


def _is_everywhere(block: Node) -> bool:
    return bool(block["cidr"].text) and ipaddress.ip_network(block["cidr"].text, strict=False).prefixlen == 0


def _reaches_metadata(block: Node) -> bool:
    if not block["cidr"].text or not block["except"].known:
        return False
    network = ipaddress.ip_network(block["cidr"].text, strict=False)
    holes = [ipaddress.ip_network(hole, strict=False) for hole in block["except"].texts()]
    return any(address in network and not any(address in hole for hole in holes) for address in METADATA_SERVICES)


def closed_by_default(resources: list[Resource]) -> Iterator[tuple[str, str]]:
    """Every namespace has a NetworkPolicy that denies all ingress and egress, except DNS."""
    closed = {
        policy.inputs.at("metadata.namespace").text
        for policy in resources
        if policy.kind == "NetworkPolicy" and _denies_everything(policy.inputs["spec"])
    }
    for namespace in resources:
        name = namespace.inputs.at("metadata.name")
        if namespace.kind == "Namespace" and name.text not in closed:
            message = (
                f"namespace {name.text} has no NetworkPolicy that denies all ingress and egress except DNS: add one"
            )
            yield message, namespace.urn


def _denies_everything(spec: Node) -> bool:
    selector = spec["podSelector"]
    selects_all = _selects_everything(selector)
    both_ways = {"Ingress", "Egress"} <= set(spec["policyTypes"].texts())
    ports = [port["port"] for rule in spec["egress"].each() for port in rule["ports"].each()]
    only_names = len(ports) >= len(list(spec["egress"].each())) and all(
        any(port.may_be(known) for known in DNS_PORTS) for port in ports
    )
    return selects_all and both_ways and not any(spec["ingress"].each()) and only_names
