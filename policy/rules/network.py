"""Network rules: traffic from outside needs an Ingress with TLS, and NetworkPolicies deny all but listed peers."""

import ipaddress
from collections.abc import Iterator

from .namespaces import is_namespace, shown, without
from .node import Node
from .resource import Resource

POD_IDENTITY_AGENT = "169.254.170.23"
# Metadata services that hand out credentials: of the node, of an ECS task, of an EKS pod.
METADATA_SERVICES = tuple(map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", POD_IDENTITY_AGENT)))
# Port of the DNS Service, and ports of CoreDNS where it cannot bind low ports (OpenShift, Gardener).
DNS_PORTS = (53, 5353, 8053)
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
    for tls in spec["tls"].each():
        if not tls["secretName"].present:
            yield "spec.tls: secretName is missing: set it to the Secret with the certificate"
    for rule in spec["rules"].each():
        host = rule["host"]
        if not host.present:
            yield "spec.rules: host is missing: set it, because a rule without a host matches every host"
        elif not _has_certificate(host, spec["tls"]):
            name = host.text or "a host"
            yield f"spec.tls: {name} has no certificate: add the host to an entry with hosts and secretName"


def _has_certificate(host: Node, entries: Node) -> bool:
    """True if an entry names the host; any entry may name one that is not known yet."""
    return not entries.known or any(not host.known or tls["hosts"].may_contain(host.text) for tls in entries.each())


def encrypted_listeners(resource: Resource) -> Iterator[str]:
    """Every listener of a Gateway is encrypted, and has a certificate unless it passes TLS through."""
    if resource.kind != "Gateway":
        return
    for listener in resource.inputs.at("spec.listeners").each():
        label, protocol = f"listener `{listener['name'].text}`", listener["protocol"]
        if not protocol.may_be("HTTPS", "TLS"):
            yield f"{label}: protocol must be HTTPS or TLS, so that nobody on the way reads passwords and tokens"
            continue
        # Only TLS may be passed through; HTTPS ends in the Gateway.
        passed = protocol.may_be("TLS") and listener.at("tls.mode").may_be("Passthrough")
        certificates = listener.at("tls.certificateRefs")
        if not passed and certificates.known and not any(certificates.each()):
            yield f"{label}: tls.certificateRefs is missing: set it to the Secret with the certificate of its hostname"


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
        # Some clouds answer DNS at the address of their metadata service, which hands out credentials at other ports.
        names = rule["ports"].known and _only_names(rule)
        for peer in rule["to"].each():
            block = peer["ipBlock"]
            if _reaches_metadata(block) and not ((names and _is_one_address(block)) or _is_pod_identity(block, rule)):
                yield f"spec.egress: {block['cidr'].text} contains metadata services: exclude 169.254.0.0/16"
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


def _is_one_address(block: Node) -> bool:
    return ipaddress.ip_network(block["cidr"].text, strict=False).num_addresses == 1


def _is_pod_identity(block: Node, rule: Node) -> bool:
    """True for the agent of EKS Pod Identity, which gives credentials only to a pod with a token, those of its role."""
    return (
        block["cidr"].text == f"{POD_IDENTITY_AGENT}/32"
        and rule["ports"].known
        and [(port["port"].value, port["endPort"].present) for port in rule["ports"].each()] == [(80, False)]
    )


def _reaches_metadata(block: Node) -> bool:
    if not block["cidr"].text or not block["except"].known:
        return False
    network = ipaddress.ip_network(block["cidr"].text, strict=False)
    if not all(hole.known for hole in block["except"].each()):
        return False
    holes = [ipaddress.ip_network(hole, strict=False) for hole in block["except"].texts()]
    return any(address in network and not any(address in hole for hole in holes) for address in METADATA_SERVICES)


def closed_by_default(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Every namespace has a NetworkPolicy that denies all ingress and egress, except DNS."""
    closing = [one for one in resources if one.kind == "NetworkPolicy" and _denies_everything(one.inputs["spec"])]
    for namespace in without(closing, list(filter(is_namespace, resources))):
        lacking = "has no NetworkPolicy that denies all ingress and egress except DNS: add one"
        yield f"namespace {shown(namespace)} {lacking}", namespace


def _denies_everything(spec: Node) -> bool:
    """True if a policy denies everything but DNS, or may do so because parts of it are unknown."""
    selector = spec["podSelector"]
    selects_all = not selector.known or all(
        not part.known or not part.value for part in (selector["matchLabels"], selector["matchExpressions"])
    )
    both_ways = spec["policyTypes"].may_contain("Ingress", "Egress")
    return (
        selects_all and both_ways and not any(spec["ingress"].each()) and all(map(_only_names, spec["egress"].each()))
    )


def _only_names(rule: Node) -> bool:
    if not rule["ports"].known:
        return True
    ports = list(rule["ports"].each())
    # With an end, the port is the first one of a range.
    return bool(ports) and all(port["port"].may_be(*DNS_PORTS) and port["endPort"].may_be(None) for port in ports)
