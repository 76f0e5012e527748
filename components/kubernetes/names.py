"""Names of Services in the cluster's DNS."""

DOMAIN = "cluster.local"
"""The cluster's DNS domain, unless the cluster has been given another one."""


def service_host(service: str, namespace: str, domain: str = DOMAIN) -> str:
    """Host name of a Service that resolves in every namespace."""
    return f"{service}.{namespace}.svc.{domain}"
