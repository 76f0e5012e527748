"""The webhook proxy connects to listed hosts with public addresses, and only the server connects to it."""

import ipaddress
import random
from itertools import chain
from typing import Any

import pytest

from components.mlflow.webhook_proxy import (
    NOT_PUBLIC_IPV4,
    NOT_PUBLIC_IPV6,
    WebhookProxy,
    WebhookProxyArgs,
    configuration,
)
from tests.components.parts import NAMESPACE, container, opened, pod
from tests.harness import Recording, deploy

HOSTS = ("hooks.example.com", "ci.example.com")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Seed of the generated addresses.
SEED = 11


def proxy(hosts: tuple[str, ...] = HOSTS) -> Recording:
    def program() -> dict[str, object]:
        args = WebhookProxyArgs(
            namespace=NAMESPACE, image="squid:6.6", pull_secrets=("registry",), hosts=hosts, seconds=10
        )
        return {"ready": [one.urn for one in WebhookProxy("webhook-proxy", args).ready]}

    return deploy(program)


def lines(beginning: str) -> list[str]:
    text = configuration(HOSTS, seconds=10)
    return [line.removeprefix(beginning).strip() for line in text.splitlines() if line.startswith(beginning)]


def test_only_tunnels_to_port_443_of_listed_hosts_with_public_addresses_are_allowed() -> None:
    assert lines("acl hosts ") == ["dstdomain -n ci.example.com hooks.example.com"]
    assert lines("acl https ") == ["port 443"]
    assert lines("http_access ") == [
        "deny !CONNECT",
        "deny !https",
        "deny !hosts",
        "deny !resolved",
        "deny not_public_ipv4",
        "deny not_public_ipv6",
        "allow all",
    ]


def test_nothing_is_cached_and_nothing_is_written_but_the_log() -> None:
    assert lines("cache ") == ["deny all"]
    assert lines("pid_filename") == ["none"]
    assert lines("access_log") == ["stdio:/dev/stdout logformat=webhooks request"]
    assert lines("cache_log") == ["/dev/stderr"]


def test_the_log_has_hosts_and_no_paths() -> None:
    (line,) = lines("logformat webhooks ")
    assert "%#>rd" in line
    # Squid's codes for a URL and for its path.
    assert not {"%ru", "%>ru", "%<ru", "%rp", "%>rp", "%<rp"} & set(line.replace('"', " ").replace("#", "").split())


def test_a_tunnel_ends_with_the_delivery() -> None:
    assert lines("connect_timeout ") == ["10 seconds"]
    assert lines("client_lifetime ") == ["20 seconds"]


def _span(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if dash:
        return int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))
    network = ipaddress.ip_network(text)
    return int(network[0]), int(network[-1])


def _refused(address: Address) -> bool:
    ranges = NOT_PUBLIC_IPV4 if address.version == 4 else NOT_PUBLIC_IPV6
    return any(first <= int(address) <= last for first, last in map(_span, ranges))


def _addresses() -> list[Address]:
    """The ends of every range with their neighbours, and a thousand other addresses."""
    numbers = random.Random(SEED)  # noqa: S311 - the same ones every time
    found: list[Address] = [ipaddress.IPv4Address(numbers.getrandbits(32)) for _ in range(500)]
    found += [ipaddress.IPv6Address(numbers.getrandbits(128)) for _ in range(250)]
    found += [ipaddress.IPv6Address((1 << 125) | numbers.getrandbits(125)) for _ in range(250)]
    for kind, ranges in ((ipaddress.IPv4Address, NOT_PUBLIC_IPV4), (ipaddress.IPv6Address, NOT_PUBLIC_IPV6)):
        ends = chain.from_iterable(map(_span, ranges))
        near = {end + step for end in ends for step in (-1, 0, 1)}
        found += [
            kind(number)
            for number in near
            if 0 <= number <= int(kind("255.255.255.255" if kind is ipaddress.IPv4Address else "f" * 4 + ":ffff" * 7))
        ]
    return found


def test_an_address_that_is_not_public_is_never_allowed() -> None:
    mapped = ipaddress.ip_network("::ffff:0:0/96")
    allowed = [address for address in _addresses() if not _refused(address) and address not in mapped]
    wrong = [str(one) for one in allowed if not one.is_global or one.is_multicast or one.is_reserved]
    assert not wrong
    assert len(allowed) > 500


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00:1450::1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert not _refused(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "10.96.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "100.64.0.1",
        "::1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "fd00::1",
        "2002:a00:1::1",
        "3fff:fff::1",
        "192.88.99.1",
    ],
)
def test_addresses_of_the_cluster_and_of_the_cloud_are_refused(address: str) -> None:
    assert _refused(ipaddress.ip_address(address))


def test_ipv4_addresses_are_not_taken_for_ipv6_ones() -> None:
    """Squid represents them as ::ffff:a.b.c.d, so a range with those would refuse everything."""
    assert not _refused(ipaddress.ip_address("::ffff:93.184.216.34"))


def test_only_the_server_reaches_it_and_it_reaches_port_443_of_public_addresses() -> None:
    ingress, egress = opened(proxy()["webhook-proxy-network"])
    server = {
        "podSelector": {
            "matchLabels": {"app.kubernetes.io/name": "mlflow", "app.kubernetes.io/part-of": "mlflow-platform"}
        }
    }
    assert [(rule["from"], [port["port"] for port in rule["ports"]]) for rule in ingress] == [([server], [3128])]
    ((block,),) = [[peer["ipBlock"] for peer in rule["to"]] for rule in egress]
    assert [port["port"] for rule in egress for port in rule["ports"]] == [443]
    private = [ipaddress.ip_network(cidr) for cidr in block["except"]]
    for address in ("10.96.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.169.254"):
        assert any(ipaddress.ip_address(address) in network for network in private), address
    assert not any(ipaddress.ip_address("93.184.216.34") in network for network in private)


def test_it_runs_without_privileges_on_a_read_only_file_system() -> None:
    got = proxy()
    spec, squid = pod(got, "webhook-proxy-server"), container(got, "webhook-proxy-server")
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsNonRoot"]) == (13, True)
    assert squid["securityContext"]["readOnlyRootFilesystem"] is True
    assert squid["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False
    assert spec["imagePullSecrets"] == [{"name": "registry"}]


def test_its_probes_connect_and_send_nothing() -> None:
    squid = container(proxy(), "webhook-proxy-server")
    assert [squid[probe]["tcpSocket"] for probe in ("readinessProbe", "livenessProbe")] == [{"port": 3128}] * 2


def test_other_hosts_replace_the_pod() -> None:
    def template(got: Recording) -> dict[str, Any]:
        return got["webhook-proxy-server"].inputs["spec"]["template"]["metadata"]

    assert template(proxy()) == template(proxy(tuple(reversed(HOSTS))))
    assert template(proxy()) != template(proxy(HOSTS[:1]))
