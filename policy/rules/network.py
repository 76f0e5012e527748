"""What can be reached, from where: one way in, and no way that nobody wrote down."""

import ipaddress
from collections.abc import Iterator

from .node import Node
from .resource import Resource

# Where clouds hand out credentials to whoever asks: the node's, those of an ECS task, those of an EKS pod.
METADATA_SERVICES = tuple(map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "169.254.170.23")))
# The Service's port, and the one that CoreDNS listens on where it may not bind low ones.
DNS_PORTS = (53, 5353)
REFUSED_TYPES = ("NodePort", "LoadBalancer")


def internal(resource: Resource) -> Iterator[str]:
    """Services are reached from inside the cluster; the way in is an Ingress."""
    if resource.kind != "Service":
        return
    kind = resource.inputs.at("spec.type")
    if kind.is_surely(*REFUSED_TYPES):
        yield f"spec.type must not be {kind.text}: expose it by an Ingress, behind the login"
    if any(resource.inputs.at("spec.externalIPs").each()):
        yield "spec.externalIPs must not be set: expose it by an Ingress, behind the login"


def encrypted(resource: Resource) -> Iterator[str]:
    """Every host of an Ingress has a certificate."""
    if resource.kind != "Ingress":
        return
    spec = resource.inputs["spec"]
    covered: set[str] = set()
    for tls in spec["tls"].each():
        if not tls["secretName"].present:
            yield "spec.tls: secretName is missing: name the Secret with the certificate"
        covered |= set(tls["hosts"].texts())
        if not tls["hosts"].known or not all(host.known for host in tls["hosts"].each()):
            return
    if not spec["tls"].known:
        return
    for rule in spec["rules"].each():
        host = rule["host"]
        if not host.present:
            yield "spec.rules: host is missing: a rule without one answers for every name"
        elif host.known and host.text not in covered:
            yield f"spec.tls: {host.text} is not covered: add it to tls.hosts with a Secret"


def explicit_peers(resource: Resource) -> Iterator[str]:
    """Network policies name their peers, and leave out the cloud's metadata services."""
    if resource.kind != "NetworkPolicy":
        return
    for rule in resource.inputs.at("spec.ingress").each():
        if rule["from"].known and not any(rule["from"].each()):
            yield "spec.ingress: a rule without `from` admits everybody: name the peers"
        for peer in rule["from"].each():
            if _is_everywhere(peer["ipBlock"]):
                yield f"spec.ingress: {peer.at('ipBlock.cidr').text} admits every address: name the ranges"
            yield from _any_namespace(peer, "spec.ingress")
    for rule in resource.inputs.at("spec.egress").each():
        if rule["to"].known and not any(rule["to"].each()):
            yield "spec.egress: a rule without `to` leads everywhere: name the peers"
        for peer in rule["to"].each():
            if _reaches_metadata(peer["ipBlock"]):
                yield f"spec.egress: {peer.at('ipBlock.cidr').text} holds the metadata services: except 169.254.0.0/16"
            yield from _any_namespace(peer, "spec.egress")


def _any_namespace(peer: Node, way: str) -> Iterator[str]:
    """A pod selector beside it narrows nothing down: whoever owns any namespace gives pods the labels they like."""
    selector = peer["namespaceSelector"]
    if selector.present and _selects_everything(selector):
        yield f"{way}: an empty namespaceSelector means every namespace of the cluster: name the ones that are meant"


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
    """Every namespace has a policy that denies all traffic both ways, except name resolution."""
    closed = {
        policy.inputs.at("metadata.namespace").text
        for policy in resources
        if policy.kind == "NetworkPolicy" and _denies_everything(policy.inputs["spec"])
    }
    for namespace in resources:
        name = namespace.inputs.at("metadata.name")
        if namespace.kind == "Namespace" and name.text not in closed:
            message = f"namespace {name.text}: a NetworkPolicy for all of its pods, both ways, without peers is missing"
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
