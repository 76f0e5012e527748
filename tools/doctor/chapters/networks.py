"""NetworkPolicies: unchanged, with the connections that the platform needs, and enforced by the network plugin."""

from collections.abc import Iterator
from typing import Any

from tools.doctor.chapters.objects import first
from tools.doctor.facts import Facts, Object, name_of, namespace_of, part, parts
from tools.doctor.fault import Fault
from tools.reachability.network import Network, Pod, network

SERVER = "mlflow"
SERVER_PORT = 4180
NAME_LABEL = "app.kubernetes.io/name"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
# Name of the NetworkPolicy that closes a namespace to everything but DNS.
DEFAULT_DENY = "default-deny"
MOST_TARGETS = 2


def policies(facts: Facts) -> Fault | None:
    """NetworkPolicies that were deleted or changed."""
    return first(facts, ("NetworkPolicy",), "connections that must be closed are open, or needed ones are closed")


def controller_namespaces(facts: Facts) -> list[str]:
    """Namespaces of the ingress controller: others that may connect to the server's port.

    Not those of teams, nor of service accounts that have a role in a team: their programs may connect to it too.
    """
    others = {facts.platform.namespace, *(team.namespace for team in facts.platform.teams.values())}
    for binding in facts.deployed("RoleBinding"):
        others |= {str(one.get("namespace")) for one in parts(binding.fields, "subjects")}
    found: set[str] = set()
    for one in facts.deployed("NetworkPolicy"):
        spec = part(one.fields, "spec")
        if one.namespace == facts.platform.namespace and _selects_server(spec):
            for rule in parts(spec, "ingress"):
                if any(port.get("port") == SERVER_PORT for port in parts(rule, "ports")):
                    found |= {name for peer in parts(rule, "from") if (name := _named_namespace(peer))}
    return sorted(found - others)


def dns_pods(facts: Facts) -> list[tuple[str, str]]:
    """Namespace and label selector of the pods to which NetworkPolicies allow DNS; none if DNS is not in pods."""
    return sorted(
        {
            (space, ",".join(f"{name}={value}" for name, value in sorted(labels.items())))
            for one in facts.deployed("NetworkPolicy")
            if one.name == DEFAULT_DENY
            for rule in parts(one.fields, "spec", "egress")
            for peer in parts(rule, "to")
            if (space := _named_namespace(peer)) and (labels := part(peer, "podSelector", "matchLabels"))
        }
    )


def _selects_server(spec: Object) -> bool:
    return part(spec, "podSelector", "matchLabels").get(NAME_LABEL) == SERVER


def _named_namespace(peer: Object) -> str:
    return str(part(peer, "namespaceSelector", "matchLabels").get(NAMESPACE_LABEL) or "")


def computed(facts: Facts) -> Network:
    """The network that the objects in the facts describe."""
    named = {name_of(one) for one in facts.every("Namespace")}
    spaces: list[Object] = [*facts.every("Namespace")]
    for one in facts.every("Pod"):
        if namespace_of(one) not in named:
            named.add(namespace_of(one))
            spaces.append({"kind": "Namespace", "metadata": {"name": namespace_of(one)}})
    return network([*spaces, *facts.every("Pod"), *facts.every("NetworkPolicy")])


def _of(net: Network, namespace: str, name: str) -> list[Pod]:
    return [
        pod for pod in net.pods if pod.namespace == namespace and pod.labels.get(NAME_LABEL) == name and pod.address
    ]


def _needed(facts: Facts, net: Network) -> Iterator[tuple[Pod, Pod, int]]:
    """Connections that the platform needs: sources, destinations and ports."""
    space = facts.platform.namespace
    for server in _of(net, space, SERVER):
        for name in ("postgres", "object-store"):
            for other in _of(net, space, name):
                yield from ((server, other, port.number) for port in other.ports[:1])
        for controller in controller_namespaces(facts):
            for pod in net.pods:
                if pod.namespace == controller and pod.ports:
                    yield pod, server, SERVER_PORT


def connections(facts: Facts) -> Fault | None:
    """Connections that the platform needs but NetworkPolicies deny."""
    net = computed(facts)
    for source, destination, port in _needed(facts, net):
        if not net.may_connect(source, destination, port):
            return Fault(
                cause="blocked",
                subject=f"NetworkPolicies of {source.namespace}",
                what=f"they deny connections from {source.group} to {destination.group}, port {port}",
                mend=f"kubectl get networkpolicies --namespace={source.namespace}  "
                f"# delete the policy that the platform did not deploy, or allow the connection in it",
            )
    return None


def denied_targets(facts: Facts) -> list[dict[str, Any]]:
    """Listening addresses that the server's pod must not reach: if it reaches one, policies are not enforced."""
    net = computed(facts)
    servers = _of(net, facts.platform.namespace, SERVER)
    if not servers:
        return []
    targets: list[dict[str, Any]] = []
    for pod in sorted(net.pods, key=lambda one: (one.namespace != facts.platform.namespace, one.name)):
        tcp = [port.number for port in pod.ports if port.protocol == "TCP"]
        closed = [port for port in tcp if not net.may_connect(servers[0], pod, port)]
        if closed and pod.address and _is_ready(facts, pod):
            targets.append({"pod": f"{pod.namespace}/{pod.name}", "address": pod.address, "port": closed[0]})
    return targets[:MOST_TARGETS]


def _is_ready(facts: Facts, pod: Pod) -> bool:
    conditions = parts(facts.find("Pod", pod.namespace, pod.name), "status", "conditions")
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def enforcement(facts: Facts) -> Fault | None:
    """A network plugin that does not enforce NetworkPolicies: a connection that they deny was accepted."""
    for one in parts(facts.pod, "connections"):
        if one["open"]:
            return Fault(
                cause="not-enforced",
                subject="network plugin",
                what=f"the server's pod reached {one['pod']}, port {one['port']}, which NetworkPolicies deny: this "
                "cluster does not enforce them, and any pod can connect to the database and the store",
                mend="kubectl get pods --all-namespaces  # does the network plugin run? see docs/networks.md",
            )
    return None
