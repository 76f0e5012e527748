"""Wrong settings of the cluster's DNS, its domain, and the proxy that leads out of it."""

from tests.settings.cases import CANARY, Case

BEHIND_A_PROXY = {"httpsProxy": "http://proxy.example.com:3128", "apiServer": ["10.0.0.1/32"]}
CASES = {
    "DNS nowhere": Case(
        {"cluster": {"dns": {"pods": False, "addresses": []}}},
        "cluster.dns.addresses",
        "is empty, and cluster.dns.pods is false: no pod could resolve any name",
        "list the addresses of the cluster's DNS, or remove cluster.dns.pods",
    ),
    "labels of pods that are none": Case(
        {"cluster": {"dns": {"pods": False, "podLabels": {"k8s-app": "coredns"}}}},
        "cluster.dns.podLabels",
        "is not used, because cluster.dns.pods is false",
        "remove it, or remove cluster.dns.pods",
    ),
    "a namespace of pods that are none": Case(
        {"cluster": {"dns": {"pods": False, "namespace": "openshift-dns"}}},
        "cluster.dns.namespace",
        "is not used, because cluster.dns.pods is false",
        "remove it, or remove cluster.dns.pods",
    ),
    "DNS at a port for something else": Case(
        {"cluster": {"dns": {"ports": [53, 443]}}},
        "cluster.dns.ports[1]",
        "expected 53 or 5353 or 8053",
        "write 53 or 5353",
    ),
    "all link-local addresses for DNS": Case(
        {"cluster": {"dns": {"addresses": ["169.254.0.0/16"]}}},
        "cluster.dns.addresses[0]",
        "expected an address range of DNS in CIDR notation",
        "metadata service",
    ),
    "a DNS address without a range": Case(
        {"cluster": {"dns": {"addresses": ["10.96.0.10"]}}},
        "cluster.dns.addresses[0]",
        "expected an address range of DNS in CIDR notation",
        "write one address as 10.96.0.10/32",
    ),
    "the domain with svc": Case(
        {"cluster": {"domain": "svc.k8s.example.internal"}},
        "cluster.domain",
        "expected a DNS domain like cluster.local",
        "write k8s.example.internal",
    ),
    "a proxy with a password": Case(
        {"cluster": {"httpsProxy": f"http://mlflow:{CANARY}@proxy.example.com:3128"}},
        "cluster.httpsProxy",
        "expected the URL of a forward proxy",
        "write the URL of a second proxy that signs in to this one (docs/networks.md)",
    ),
    "a proxy without a port": Case(
        {"cluster": {"httpsProxy": "http://proxy.example.com"}},
        "cluster.httpsProxy",
        "expected the URL of a forward proxy",
        "add the port of the proxy: http://proxy.example.com:3128",
    ),
    "a proxy with TLS": Case(
        {"cluster": {"httpsProxy": "https://proxy.example.com:3128"}},
        "cluster.httpsProxy",
        "expected the URL of a forward proxy",
        "begin the URL with http://",
    ),
    "a range without the proxy": Case(
        {"cluster": {**BEHIND_A_PROXY, "noProxy": ["10.0.0.0/8"]}},
        "cluster.noProxy[0]",
        "expected a host, a domain or one address",
        "not all programs read address ranges",
    ),
    "a wildcard without the proxy": Case(
        {"cluster": {**BEHIND_A_PROXY, "noProxy": ["*.example.com"]}},
        "cluster.noProxy[0]",
        "expected a host, a domain or one address",
        "write only the host or domain: example.com",
    ),
    "exceptions from no proxy": Case(
        {"cluster": {"noProxy": ["example.com"]}},
        "cluster.noProxy",
        "is not used, because cluster.httpsProxy is not set",
        "name the proxy in cluster.httpsProxy, or remove cluster.noProxy",
    ),
    "a proxy before the API server": Case(
        {"cluster": {"httpsProxy": "http://proxy.example.com:3128"}},
        "cluster.apiServer",
        "is empty: with cluster.httpsProxy, OAuth2-Proxy would ask the proxy for the public keys",
        "list the API server's addresses",
    ),
    "a proxy before the API server of another domain": Case(
        {"cluster": {"httpsProxy": "http://proxy.example.com:3128", "domain": "k8s.example.internal"}},
        "cluster.apiServer",
        "is empty: with cluster.httpsProxy",
        "list the API server's addresses",
    ),
    "a proxy before an API server that serves its own issuer": Case(
        {
            "cluster": {
                "httpsProxy": "http://proxy.example.com:3128",
                "serviceAccountIssuer": "https://api.example.com:6443",
                "apiServerIssuer": True,
            }
        },
        "cluster.apiServer",
        "is empty: with cluster.httpsProxy",
        "list the API server's addresses",
    ),
    "a proxy at the address of the metadata service": Case(
        {"cluster": {**BEHIND_A_PROXY, "httpsProxy": "http://169.254.169.254:80"}},
        "cluster.httpsProxy",
        "expected the URL of a forward proxy",
        "multicast, link-local or metadata address",
    ),
    "a proxy at the address of every address": Case(
        {"cluster": {**BEHIND_A_PROXY, "httpsProxy": "http://0.0.0.0:3128"}},
        "cluster.httpsProxy",
        "expected the URL of a forward proxy",
        "multicast, link-local or metadata address",
    ),
    "a proxy at the address of many": Case(
        {"cluster": {**BEHIND_A_PROXY, "httpsProxy": "http://224.0.0.1:3128"}},
        "cluster.httpsProxy",
        "expected the URL of a forward proxy",
        "multicast, link-local or metadata address",
    ),
    "a team in the namespace of the cluster's DNS": Case(
        {"teams/dns": {}, "cluster": {"dns": {"namespace": "dns"}}},
        "teams.dns",
        "names a team, but a namespace of that name belongs to the cluster's DNS (cluster.dns.namespace)",
        "rename the team",
    ),
    "a team in the namespace of Prometheus": Case(
        {"teams/monitoring": {}, "monitoring": {"metrics": "annotations"}},
        "teams.monitoring",
        "names a team, but a namespace of that name belongs to Prometheus (monitoring.namespace)",
        "rename the team",
    ),
}
