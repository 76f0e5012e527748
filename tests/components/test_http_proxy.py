"""Connections through the company's HTTP proxy: environment and NetworkPolicies of the pods that use it."""

from typing import Any

import pulumi
import pytest

from components.kubernetes import networks
from components.kubernetes.http_proxy import HttpProxy, outside
from components.mlflow.webhook_proxy import WebhookProxy, WebhookProxyArgs, configuration
from tests.components.parts import NAMESPACE
from tests.harness import deploy

PROXY = HttpProxy(url="http://192.0.2.9:3128", exceptions=("mlflow.example.com", ".internal.example.com"))
DIRECT = (
    "http://login.example.com",
    "https://mlflow.example.com",
    "https://s3.internal.example.com:9000",
    "https://internal.example.com",
    "https://kubernetes.default.svc.cluster.local",
    "https://kubernetes.default.svc",
    "https://store.data.svc:8333",
    "https://localhost:1",
)


@pytest.mark.parametrize("url", DIRECT)
def test_names_in_the_cluster_and_excepted_hosts_are_reached_directly(url: str) -> None:
    assert not PROXY.carries(url)
    way = outside([url], PROXY)
    assert way.attachment.env == ()
    assert [list(flow.ports) for flow in way.flows] == [[networks.port_of(url)]]


@pytest.mark.parametrize("url", ["https://login.example.com", "https://notinternal.example.com", "https://svc.org"])
def test_every_other_https_host_is_reached_through_the_proxy_alone(url: str) -> None:
    assert PROXY.carries(url)
    assert [list(flow.ports) for flow in outside([url], PROXY).flows] == [[3128]]
    assert peer(PROXY) == {"ipBlock": {"cidr": "192.0.2.9/32"}}


def test_a_pod_with_both_kinds_of_hosts_has_both_ways() -> None:
    way = outside(["https://login.example.com", "https://internal.example.com:8443", DIRECT[0]], PROXY)
    assert [list(flow.ports) for flow in way.flows] == [[80, 8443], [3128]]
    assert [one.name for one in way.attachment.env] == ["HTTPS_PROXY", "NO_PROXY"]


def test_without_a_proxy_everything_is_reached_directly() -> None:
    way = outside(["https://a.example.com", "https://b.example.com:8443"], None)
    assert way.attachment.env == ()
    assert [list(flow.ports) for flow in way.flows] == [[443, 8443]]


def test_the_environment_excepts_the_api_server_and_names_in_the_cluster() -> None:
    values = {one.name: one.value for one in HttpProxy(url=PROXY.url, domain="k8s.example.internal").attachment.env}
    assert values == {
        "HTTPS_PROXY": "http://192.0.2.9:3128",
        # Kubernetes replaces the first entry by the address.
        "NO_PROXY": "$(KUBERNETES_SERVICE_HOST),localhost,127.0.0.1,kubernetes.default,.svc,.k8s.example.internal",
    }


@pytest.mark.parametrize("entry", ["internal.example.com", ".internal.example.com"])
def test_a_domain_means_the_same_with_and_without_a_dot(entry: str) -> None:
    assert HttpProxy(url=PROXY.url, exceptions=(entry,)).direct[-1] == "internal.example.com"


def peer(proxy: HttpProxy) -> Any:  # noqa: ANN401 - any JSON
    """The peer to which the NetworkPolicy of a pod opens the proxy."""

    def program() -> None:
        networks.open_flows("x", NAMESPACE, to_pods={"a": "b"}, egress=[proxy.flow], opts=pulumi.ResourceOptions())

    got = deploy(program)
    (rule,) = got["x-network"].inputs["spec"]["egress"]
    (only,) = rule["to"]
    assert [port["port"] for port in rule["ports"]] == [proxy.port]
    return only


def test_a_proxy_in_the_cluster_is_selected_by_the_namespace_of_its_service() -> None:
    expected = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "egress"}}}
    assert peer(HttpProxy(url="http://squid.egress.svc:3128")) == expected
    assert peer(HttpProxy(url="http://squid.egress.svc.cluster.local:3128")) == expected


def test_a_proxy_with_a_host_name_is_opened_at_any_address_but_the_metadata_services() -> None:
    assert peer(HttpProxy(url="http://proxy.example.com:3128"))["ipBlock"]["except"] == [networks.LINK_LOCAL]


def webhooks(*hosts: str) -> tuple[list[str], list[Any]]:
    """Squid's rules, and the connections of its pod, with the company's proxy as its parent."""

    def program() -> None:
        WebhookProxy(
            "webhook-proxy",
            WebhookProxyArgs(namespace=NAMESPACE, image="squid:6.6", hosts=hosts, seconds=10, parent=PROXY),
        )

    egress = deploy(program)["webhook-proxy-network"].inputs["spec"]["egress"]
    return configuration(hosts, seconds=10, parent=PROXY).splitlines(), egress


def test_webhooks_are_handed_on_to_the_proxy_and_private_addresses_stay_refused() -> None:
    rules, egress = webhooks("hooks.example.com")
    assert "cache_peer 192.0.2.9 parent 3128 0 no-query no-digest default" in rules
    assert "never_direct allow all" in rules
    # The name need not resolve in the cluster; if it does, the address has to be public.
    assert "http_access deny !resolved" not in rules
    assert rules.index("http_access deny not_public_ipv4") < rules.index("http_access allow all")
    assert [rule["to"] for rule in egress] == [[{"ipBlock": {"cidr": "192.0.2.9/32"}}]]


def test_a_webhook_to_an_excepted_host_needs_an_address_and_no_proxy() -> None:
    rules, egress = webhooks("hooks.example.com", "ci.internal.example.com")
    assert "acl direct dstdomain -n ci.internal.example.com" in rules
    assert "never_direct allow !direct" in rules
    assert "http_access deny direct !resolved" in rules
    assert [[port["port"] for port in rule["ports"]] for rule in egress] == [[443], [3128]]
