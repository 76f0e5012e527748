"""Who may talk to whom: NetworkPolicies from a short list of facts.

Every namespace of ours denies all traffic both ways; each component opens what it needs with one policy of
its own. Kubelet probes come from the node and are always admitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

net = k8s.networking.v1

# Clouds hand out the node's and the pods' credentials at link-local addresses (169.254.169.254 and relatives).
LINK_LOCAL = "169.254.0.0/16"
# The Service's port, and the one on which CoreDNS listens where it may not bind low ports: policies see the latter.
DNS_PORTS = (53, 5353)
# On which an ingress controller's pods take HTTPS: those that listen on the port of their Service, and Traefik's own.
CONTROLLER_PORTS = (443, 8443)
# On which API servers listen: managed ones, kubeadm's and most others', minikube's.
API_SERVER_PORTS = (443, 6443, 8443)
# Where NodeLocal DNSCache answers by default.
NODE_LOCAL_DNS = "169.254.20.10/32"


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Traffic with `peers` on TCP `ports` (the pods' ports: policies see traffic after Service translation)."""

    peers: Sequence[net.NetworkPolicyPeerArgs]
    ports: Sequence[int]


def pods(labels: dict[str, str]) -> net.NetworkPolicyPeerArgs:
    """Pods of the policy's own namespace."""
    return net.NetworkPolicyPeerArgs(pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels))


def namespaces(labels: dict[str, str], pod_labels: dict[str, str] | None = None) -> net.NetworkPolicyPeerArgs:
    """Pods of other namespaces."""
    selector = k8s.meta.v1.LabelSelectorArgs(match_labels=labels)
    if pod_labels is None:
        return net.NetworkPolicyPeerArgs(namespace_selector=selector)
    return net.NetworkPolicyPeerArgs(
        namespace_selector=selector, pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod_labels)
    )


def namespace(name: pulumi.Input[str], pod_labels: dict[str, str] | None = None) -> net.NetworkPolicyPeerArgs:
    """Pods of the namespace called `name`."""
    selector = k8s.meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})
    if pod_labels is None:
        return net.NetworkPolicyPeerArgs(namespace_selector=selector)
    return net.NetworkPolicyPeerArgs(
        namespace_selector=selector, pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod_labels)
    )


def anywhere_but_metadata() -> net.NetworkPolicyPeerArgs:
    """Any address but the metadata services': for what lies outside the cluster, or is the API server."""
    return net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr="0.0.0.0/0", except_=[LINK_LOCAL]))


def to_addresses(ranges: Sequence[str], ports: Sequence[int]) -> list[Flow]:
    """Traffic to ranges of addresses; none where there are no ranges, because a rule without peers admits everybody."""
    peers = [net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr=one)) for one in ranges]
    return [Flow(peers=peers, ports=ports)] if peers else []


def api_server(ranges: Sequence[str]) -> Flow:
    """The API server behind its Service, in these address ranges; none means anywhere.

    No selector means it: it is an address that managed clusters change as they like, and a policy with yesterday's
    would cut the platform off. So it is written down by whoever knows that it stays, or it is left open.
    """
    known = to_addresses(ranges, API_SERVER_PORTS)
    return known[0] if known else Flow(peers=[anywhere_but_metadata()], ports=API_SERVER_PORTS)


def port_of(url: str) -> int:
    """TCP port of an http or https URL."""
    parts = urlsplit(url)
    return parts.port or (80 if parts.scheme == "http" else 443)


def _tcp(ports: Sequence[int]) -> list[net.NetworkPolicyPortArgs]:
    return [net.NetworkPolicyPortArgs(protocol="TCP", port=port) for port in ports]


def closed_namespace(name: str, namespace_name: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """Deny everything to and from a namespace, except name resolution."""
    net.NetworkPolicy(
        f"{name}-closed",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace_name, name="default-deny"),
        spec=net.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(),
            policy_types=["Ingress", "Egress"],
            egress=[
                net.NetworkPolicyEgressRuleArgs(
                    to=[
                        namespace("kube-system", {"k8s-app": "kube-dns"}),
                        net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr=NODE_LOCAL_DNS)),
                    ],
                    ports=[
                        net.NetworkPolicyPortArgs(protocol=protocol, port=port)
                        for port in DNS_PORTS
                        for protocol in ("UDP", "TCP")
                    ],
                )
            ],
        ),
        opts=opts,
    )


def open_flows(
    name: str,
    namespace_name: pulumi.Input[str],
    *,
    to_pods: dict[str, str],
    ingress: Sequence[Flow] = (),
    egress: Sequence[Flow] = (),
    opts: pulumi.ResourceOptions,
) -> net.NetworkPolicy:
    """Open `ingress` to and `egress` from the pods labelled `to_pods` of a namespace.

    Pods that connect as soon as they start have to wait for the policy.
    """
    return net.NetworkPolicy(
        f"{name}-network",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace_name),
        spec=net.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=to_pods),
            policy_types=["Ingress", "Egress"],
            ingress=[
                net.NetworkPolicyIngressRuleArgs(from_=list(flow.peers), ports=_tcp(flow.ports)) for flow in ingress
            ],
            egress=[net.NetworkPolicyEgressRuleArgs(to=list(flow.peers), ports=_tcp(flow.ports)) for flow in egress],
        ),
        opts=opts,
    )
