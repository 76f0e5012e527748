"""Addresses of the embedded cluster's API server, for `cluster.apiServer`."""

from testbed.e2e import kube


def addresses() -> list[str]:
    """Ranges of one address each, as `kubectl get endpointslices kubernetes` shows them."""
    (slices,) = kube.objects(
        "endpointslices", "--namespace=default", "--selector=kubernetes.io/service-name=kubernetes"
    )
    return [f"{address}/32" for endpoint in slices["endpoints"] for address in endpoint["addresses"]]
