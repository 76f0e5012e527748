"""Connections that the NetworkPolicies of the cluster allow: `python -m tools.reachability [--json]`."""

import argparse
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

from tools.reachability import Host, Port, any_pod, as_json, as_text, cells, network
from tools.reachability.network import Object

# The metadata service of cloud providers, and an address outside of every cluster (RFC 5737).
METADATA = Host(name="metadata service", address="169.254.169.254")
OUTSIDE = Host(name="outside the cluster", address="203.0.113.1")
HTTP, HTTPS = Port(number=80), Port(number=443)
KUBELET = Port(number=10250)


def read_cluster() -> list[Object]:
    """Namespaces, nodes, pods, NetworkPolicies and the API server's EndpointSlices, as dictionaries."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    api: Any = kubernetes.ApiClient()
    core: Any = kubernetes.CoreV1Api(api)
    policies: Any = kubernetes.NetworkingV1Api(api)
    slices: Any = kubernetes.DiscoveryV1Api(api)
    listed = {
        "Namespace": core.list_namespace(),
        "Node": core.list_node(),
        "Pod": core.list_pod_for_all_namespaces(),
        "NetworkPolicy": policies.list_network_policy_for_all_namespaces(),
        "EndpointSlice": slices.list_namespaced_endpoint_slice(
            "default", label_selector="kubernetes.io/service-name=kubernetes"
        ),
    }
    return [
        {**api.sanitize_for_serialization(one), "kind": kind} for kind, many in listed.items() for one in many.items
    ]


def hosts(objects: list[Object]) -> list[tuple[Host, list[Port]]]:
    """Destinations outside the pod network, with their ports: API server, nodes, metadata service, internet."""
    found: list[tuple[Host, list[Port]]] = []
    for one in objects:
        if one["kind"] == "EndpointSlice":
            ports = [Port(number=port["port"]) for port in one["ports"]]
            addresses = [address for endpoint in one["endpoints"] for address in endpoint["addresses"]]
            found += [(Host(name="API server", address=address), ports) for address in addresses]
        if one["kind"] == "Node":
            internal = [entry for entry in one["status"]["addresses"] if entry["type"] == "InternalIP"]
            found += [(Host(name="kubelet", address=entry["address"]), [KUBELET]) for entry in internal]
    return [*found, (METADATA, [HTTP]), (OUTSIDE, [HTTP, HTTPS])]


def main() -> None:
    """Print the matrix of allowed connections."""
    parser = argparse.ArgumentParser(prog="python -m tools.reachability", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    objects = read_cluster()
    spaces = [one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"]
    matrix = cells(network([*objects, *map(any_pod, spaces)]), hosts(objects))
    print(as_json(matrix) if options.json else as_text(matrix))


if __name__ == "__main__":
    main()
