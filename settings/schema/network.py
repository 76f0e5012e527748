"""The keys of the section `cluster` that every stack has, with or without a server: context, DNS and proxy."""

from pydantic import Field

from settings.schema.base import Model
from settings.types import values


class Dns(Model):
    """Where the cluster answers DNS requests of pods. NetworkPolicies allow DNS to nothing else."""

    pods: values.Flag = True
    """The cluster's DNS runs in pods, which `namespace` and `podLabels` select. `false` allows DNS to `addresses` only,
    for a cluster whose DNS is outside of pods."""

    namespace: values.ObjectName = "kube-system"
    """Namespace of the DNS pods."""

    pod_labels: dict[str, values.Plain] = Field(default_factory=lambda: {"k8s-app": "kube-dns"}, min_length=1)
    """Labels of the DNS pods."""

    addresses: tuple[values.DnsRange, ...] = ("169.254.20.10/32",)
    """Address ranges at which DNS answers as well; the default is the address of NodeLocal DNSCache."""

    ports: tuple[values.DnsPort, ...] = Field(default=(53, 5353), min_length=1)
    """Ports of the DNS pods and addresses. Policies apply to the ports of pods, which may differ from the Service's."""


class Network(Model):
    """Kubeconfig context of the Kubernetes cluster, its DNS, and its proxy for outgoing connections."""

    context: values.Plain | None = None
    """Context in the kubeconfig; absent means the current one."""

    dns: Dns = Field(default_factory=Dns)
    """Where the cluster answers DNS requests of pods."""

    domain: values.Domain = "cluster.local"
    """DNS domain of the cluster (`--cluster-domain` of the kubelet), with which the names of Services end."""

    https_proxy: values.ProxyUrl | None = None
    """Forward proxy for HTTPS connections out of the cluster, like http://proxy.example.com:3128. Pods that need it get
    HTTPS_PROXY and NO_PROXY, and NetworkPolicies allow connections to the proxy instead of to any address. Absent means
    no proxy."""

    no_proxy: tuple[values.ProxyException, ...] = ()
    """Hosts and domains (with all hosts below) that are reached without `httpsProxy`. Names in the cluster, the API
    server and the platform's own hosts are always reached without it."""
