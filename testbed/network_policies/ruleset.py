"""Converts Kubernetes objects to a ruleset for `nft -f`, as a pure function.

The first packet of a connection is checked twice. A packet from a pod goes through the pod's chain `from-ADDRESS`. If a
policy allows it, it goes on to `arrive`, and there through the chain `to-ADDRESS` of its destination pod. Packets of
the node itself (probes, `kubectl exec`, the API server's calls) are not checked. kube-proxy has already translated the
address of a Service.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from .objects import IPBlock, Object, Peer, PolicyPort, Rule
from .pods import Pod, pods
from .selection import selects

# The bridge and the range are the CNI plugin's, as in testbed/node/files/etc/cni/net.d.
TABLE = """\
# Who may connect to whom, as the cluster's NetworkPolicies say. Test equipment: written by testbed/network_policies.
table ip network_policies
delete table ip network_policies
table ip network_policies {{
    chain refuse {{
        # A program learns at once that it is refused.
        meta l4proto tcp reject with tcp reset
        drop
    }}
{chains}\
    chain arrive {{
        fib daddr type local accept
        {arriving}
        # A pod that nothing is known of yet.
        ip daddr 10.244.0.0/16 drop
        accept
    }}
    chain leave {{
        {leaving}
        drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname "cni0" goto leave
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        ct state established,related accept
        iifname "cni0" goto leave
    }}
}}
"""

Direction = Literal["Ingress", "Egress"]
CHAIN: Mapping[Direction, str] = {"Egress": "from", "Ingress": "to"}
ADMITTED: Mapping[Direction, str] = {"Egress": "goto arrive", "Ingress": "accept"}
# Field of a packet with the peer's address.
PEER: Mapping[Direction, str] = {"Egress": "daddr", "Ingress": "saddr"}


def ruleset(objects: Iterable[Object], announced: Mapping[tuple[str, str], str] | None = None) -> str:
    """Render the whole table; loading it replaces the previous one atomically.

    Args:
        objects: all namespaces, pods and NetworkPolicies of the cluster.
        announced: addresses that the CNI plugin has assigned, by namespace and name of the pod.
    """
    known = list(objects)
    everyone = pods(known, announced or {})
    policies = [one for one in known if one["kind"] == "NetworkPolicy"]
    verdicts: dict[Direction, list[str]] = {"Egress": [], "Ingress": []}
    chains: list[str] = []
    for pod in everyone:
        for direction, way in verdicts.items():
            admitted = _admitted(pod, policies, direction, everyone)
            if admitted is None:
                way.append(f"{pod.address} : {ADMITTED[direction]}")
                continue
            chain = f"{CHAIN[direction]}-{pod.address}"
            way.append(f"{pod.address} : goto {chain}")
            rules = [f"{match} {ADMITTED[direction]}".lstrip() for match in admitted]
            chains.append(_chain(chain, [f"# {pod.namespace}/{pod.name}", *rules, "goto refuse"]))
    return TABLE.format(
        chains="".join(chains),
        arriving=_verdict_map("daddr", verdicts["Ingress"]),
        leaving=_verdict_map("saddr", verdicts["Egress"]),
    )


def _chain(name: str, lines: Iterable[str]) -> str:
    return f"    chain {name} {{\n" + "".join(f"        {line}\n" for line in lines) + "    }\n"


def _verdict_map(field: str, verdicts: list[str]) -> str:
    return f"ip {field} vmap {{ {', '.join(verdicts)} }}" if verdicts else "# no pod is known"


def _admitted(pod: Pod, policies: list[Object], direction: Direction, everyone: list[Pod]) -> list[str] | None:
    """Return the connections allowed in one direction, as nftables matches; None if no policy selects the pod."""
    selecting = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in _directions(policy)
        and selects(policy["spec"].get("podSelector", {}), pod.labels)
    ]
    if not selecting:
        return None
    # A pod may always connect to itself, for example through a Service.
    matches = [f"ip {PEER[direction]} {pod.address}"]
    for policy in selecting:
        spec = policy["spec"]
        for rule in (spec.get("egress") if direction == "Egress" else spec.get("ingress")) or []:
            matches += _matches(rule, direction, pod, everyone)
    return list(dict.fromkeys(matches))


def _directions(policy: Object) -> list[Direction]:
    spec = policy["spec"]
    default: list[Direction] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    return spec.get("policyTypes") or default


def _matches(rule: Rule, direction: Direction, pod: Pod, everyone: list[Pod]) -> Iterator[str]:
    """Yield an nftables match for each peer and port of a rule; without peers or ports, any peer or port matches."""
    peers = (rule.get("to") if direction == "Egress" else rule.get("from")) or []
    field = PEER[direction]
    for port in rule.get("ports") or [None]:
        if direction == "Egress" and port is not None and isinstance(port.get("port"), str):
            # The number of a named port depends on the destination pod.
            for target in everyone:
                if (number := _port(port, target)) and (not peers or _meant(peers, target, pod.namespace)):
                    yield f"ip {field} {target.address} {number}"
        elif (number := _port(port, pod)) is not None:
            yield from (f"{peer} {number}".strip() for peer in _peers(peers, field, pod.namespace, everyone))


def _port(port: PolicyPort | None, pod: Pod) -> str | None:
    """Return the nftables match for a port (`""` for any port); None if the destination `pod` lacks the named port."""
    if port is None:
        return ""
    protocol = port.get("protocol", "TCP")
    number = port.get("port")
    if number is None:
        return f"meta l4proto {protocol.lower()}"
    if isinstance(number, str):
        if (number, protocol) not in pod.ports:
            return None
        number = pod.ports[number, protocol]
    end = port.get("endPort")
    return f"{protocol.lower()} dport {number}" + (f"-{end}" if end and end != number else "")


def _peers(peers: list[Peer], field: str, namespace: str, everyone: list[Pod]) -> Iterator[str]:
    """Yield a rule's peers as nftables matches."""
    if not peers:
        yield ""
        return
    by_label = [peer for peer in peers if "ipBlock" not in peer]
    meant = [pod.address for pod in everyone if _meant(by_label, pod, namespace)]
    if meant:
        yield f"ip {field} {{ {', '.join(meant)} }}"
    for peer in peers:
        block = peer.get("ipBlock")
        if block and ipaddress.ip_network(block["cidr"], strict=False).version == 4:  # noqa: PLR2004 - IPv4
            yield " ".join((f"ip {field} {block['cidr']}", *(f"ip {field} != {hole}" for hole in _holes(block))))


def _holes(block: IPBlock) -> list[str]:
    return block.get("except") or []


def _meant(peers: list[Peer], pod: Pod, namespace: str) -> bool:
    return any(_is(peer, pod, namespace) for peer in peers)


def _is(peer: Peer, pod: Pod, namespace: str) -> bool:
    """True if a peer of a policy in `namespace` selects this pod."""
    if "ipBlock" in peer:
        block, address = peer["ipBlock"], ipaddress.ip_address(pod.address)
        return address in ipaddress.ip_network(block["cidr"], strict=False) and not any(
            address in ipaddress.ip_network(hole, strict=False) for hole in _holes(block)
        )
    if "namespaceSelector" in peer:
        here = selects(peer["namespaceSelector"], pod.namespace_labels)
    else:
        here = pod.namespace == namespace
    return here and selects(peer.get("podSelector", {}), pod.labels)
