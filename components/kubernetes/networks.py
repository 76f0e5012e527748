"""NetworkPolicies: the default deny of a namespace, and the connections that each component opens.

Every namespace of the platform denies ingress and egress; each component allows its connections with its own policy.
Kubelet probes come from the node and are always allowed.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

net = k8s.networking.v1

# Cloud metadata services, which hand out credentials of node and pods, have link-local addresses (169.254.169.254).
LINK_LOCAL = "169.254.0.0/16"
# This host, private networks, shared addresses of providers and clouds, and multicast.
NOT_PUBLIC = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
    *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
)
# Port of the DNS Service, and the port of CoreDNS pods that may not bind low ports: policies apply to the pods' port.
DNS_PORTS = (53, 5353)
# HTTPS ports of ingress controllers' pods: the usual one, and Traefik's.
CONTROLLER_PORTS = (443, 8443)
# Ports of API servers: managed clusters, kubeadm and most others, minikube.
API_SERVER_PORTS = (443, 6443, 8443)
# Default address of NodeLocal DNSCache.
NODE_LOCAL_DNS = "169.254.20.10/32"
# Labels of the DNS pods of kubeadm, kind, k3s, EKS, AKS and GKE.
DNS_LABELS = {"k8s-app": "kube-dns"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Connections with `peers` on TCP `ports`.

    The ports are container ports, because NetworkPolicies apply after Service translation.
    """

    peers: Sequence[net.NetworkPolicyPeerArgs]
    ports: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dns:
    """Where the cluster answers DNS requests: in pods, at addresses, or both. The defaults fit to most clusters."""

    namespace: str | None = "kube-system"
    """Namespace of the DNS pods; None if DNS does not run in pods."""

    pod_labels: Mapping[str, str] = field(default_factory=DNS_LABELS.copy)
    addresses: Sequence[str] = (NODE_LOCAL_DNS,)
    ports: Sequence[int] = DNS_PORTS

    @property
    def rule(self) -> net.NetworkPolicyEgressRuleArgs:
        """Rule of a NetworkPolicy that allows DNS requests.

        Raises:
            ValueError: there are neither pods nor addresses; a rule without peers would allow all.
        """
        selected = [] if self.namespace is None else [namespace(self.namespace, dict(self.pod_labels))]
        peers = [*selected, *(_range(cidr) for cidr in self.addresses)]
        if not peers:
            raise ValueError("DNS has neither pods nor addresses")
        return net.NetworkPolicyEgressRuleArgs(
            to=peers,
            ports=[
                net.NetworkPolicyPortArgs(protocol=protocol, port=port)
                for port in self.ports
                for protocol in ("UDP", "TCP")
            ],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class IngressController:
    """The ingress controller, or the controller of the Gateway API, as NetworkPolicies select it."""

    namespace: str
    """Namespace of its pods."""

    addresses: Sequence[str] = ()
    """Address ranges from which it connects besides: of nodes, if it uses the host network, or of a load balancer."""

    @property
    def peers(self) -> list[net.NetworkPolicyPeerArgs]:
        """Peers of a NetworkPolicy that it connects from: its pods and its addresses."""
        return [namespace(self.namespace), *(_range(cidr) for cidr in self.addresses)]


def pods(labels: dict[str, str]) -> net.NetworkPolicyPeerArgs:
    """Peer of a NetworkPolicy: the pods with `labels` in the policy's own namespace."""
    return net.NetworkPolicyPeerArgs(pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels))


def namespaces(labels: dict[str, str], pod_labels: dict[str, str] | None = None) -> net.NetworkPolicyPeerArgs:
    """Peer of a NetworkPolicy: all pods, or those with `pod_labels`, in the namespaces with `labels`."""
    selector = k8s.meta.v1.LabelSelectorArgs(match_labels=labels)
    if pod_labels is None:
        return net.NetworkPolicyPeerArgs(namespace_selector=selector)
    return net.NetworkPolicyPeerArgs(
        namespace_selector=selector, pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod_labels)
    )


def namespace(name: pulumi.Input[str], pod_labels: dict[str, str] | None = None) -> net.NetworkPolicyPeerArgs:
    """Peer of a NetworkPolicy: all pods, or those with `pod_labels`, in the namespace `name`."""
    selector = k8s.meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})
    if pod_labels is None:
        return net.NetworkPolicyPeerArgs(namespace_selector=selector)
    return net.NetworkPolicyPeerArgs(
        namespace_selector=selector, pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod_labels)
    )


def anywhere_but_metadata() -> net.NetworkPolicyPeerArgs:
    """Peer of a NetworkPolicy: any IPv4 address except those of cloud metadata services.

    It is for connections to the API server and to services outside the cluster.
    """
    return net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr="0.0.0.0/0", except_=[LINK_LOCAL]))


def public_addresses() -> net.NetworkPolicyPeerArgs:
    """Peer of a NetworkPolicy: any public IPv4 address.

    Pods and Services of the cluster are excluded only if their addresses are private.
    """
    return net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr="0.0.0.0/0", except_=[LINK_LOCAL, *NOT_PUBLIC]))


def to_addresses(ranges: Sequence[str], ports: Sequence[int]) -> list[Flow]:
    """Connections to the address ranges `ranges`.

    Without ranges the list is empty, because a rule without peers would allow all addresses.
    """
    peers = [_range(cidr) for cidr in ranges]
    return [Flow(peers=peers, ports=ports)] if peers else []


def _range(cidr: str) -> net.NetworkPolicyPeerArgs:
    return net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr=cidr))


def api_server(ranges: Sequence[str]) -> Flow:
    """Connections to the API server in these address ranges; without ranges, to its ports at any address.

    No selector matches the API server, and managed clusters change its address without notice: a policy with an old
    address would cut the platform off from the API server. So ranges are only used if the stack file sets them.
    """
    flows = to_addresses(ranges, API_SERVER_PORTS)
    return flows[0] if flows else Flow(peers=[anywhere_but_metadata()], ports=API_SERVER_PORTS)


def is_address(host: str) -> bool:
    """True if a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def single(address: str) -> str:
    """The address range of one IP address."""
    return str(ipaddress.ip_network(address))


def port_of(url: str) -> int:
    """TCP port of an HTTP or HTTPS URL."""
    parts = urlsplit(url)
    return parts.port or (80 if parts.scheme == "http" else 443)


def _tcp(ports: Sequence[int]) -> list[net.NetworkPolicyPortArgs]:
    return [net.NetworkPolicyPortArgs(protocol="TCP", port=port) for port in ports]


def closed_namespace(name: str, namespace_name: pulumi.Input[str], opts: pulumi.ResourceOptions, *, dns: Dns) -> None:
    """A NetworkPolicy that denies all ingress and egress of a namespace, except DNS."""
    net.NetworkPolicy(
        f"{name}-closed",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace_name, name="default-deny"),
        spec=net.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(),
            policy_types=["Ingress", "Egress"],
            egress=[dns.rule],
        ),
        opts=opts,
    )


def client_egress(
    name: str,
    namespace_name: pulumi.Input[str],
    policy_name: str,
    *,
    to_pods: dict[str, str],
    egress: Sequence[Flow],
    dns: Dns,
    opts: pulumi.ResourceOptions,
) -> net.NetworkPolicy:
    """A NetworkPolicy called `policy_name` that opens DNS and `egress` for the pods labelled `to_pods`."""
    return net.NetworkPolicy(
        f"{name}-egress",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace_name, name=policy_name),
        spec=net.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=to_pods),
            policy_types=["Egress"],
            egress=[
                dns.rule,
                *(net.NetworkPolicyEgressRuleArgs(to=list(flow.peers), ports=_tcp(flow.ports)) for flow in egress),
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
    """A NetworkPolicy that opens `ingress` and `egress` for the pods labelled `to_pods`.

    Workloads that connect as soon as they start have to depend on this NetworkPolicy.
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
