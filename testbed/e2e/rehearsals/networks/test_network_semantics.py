"""Every feature of NetworkPolicies: what `tools.reachability` computes is what the node enforces.

The platform's own policies use only some of these features. SCTP is left out: not every kernel supports it.
"""

import json
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testbed.e2e import kube, probes
from testbed.e2e.commands import wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.kube import Object
from testbed.e2e.probes import Probe, Target
from tools.reachability import Network, Pod, network
from tools.stack import Platform

HERE, THERE = "test-networks-a", "test-networks-b"
FRONT, BACK = {"tier": "front"}, {"tier": "back"}
AT_ONCE = 4
READY_SECONDS = 30
IN_FRONT: Object = {"podSelector": {"matchLabels": FRONT}}
OVER_THERE: Object = {"namespaceSelector": {"matchLabels": {"side": "b"}}}

# Stands for the address of a pod, which is not known before it runs.
HOLE = "192.0.2.1/32"

# Policies of the pods labelled with the case's name; several where they are to add up.
CASES: dict[str, list[Object]] = {
    "nothing": [{"ingress": []}],
    "everybody": [{"ingress": [{}]}],
    "no-peers-and-no-ports": [{"ingress": [{"from": [], "ports": []}]}],
    "pods": [{"ingress": [{"from": [IN_FRONT]}]}],
    "namespaces": [{"ingress": [{"from": [OVER_THERE]}]}],
    "pods-of-namespaces": [{"ingress": [{"from": [{**OVER_THERE, **IN_FRONT}]}]}],
    "pods-or-namespaces": [{"ingress": [{"from": [OVER_THERE, IN_FRONT]}]}],
    "expressions": [
        {
            "ingress": [
                {
                    "from": [
                        {
                            "namespaceSelector": {"matchExpressions": [{"key": "side", "operator": "Exists"}]},
                            "podSelector": {
                                "matchExpressions": [
                                    {"key": "tier", "operator": "NotIn", "values": ["back"]},
                                    {"key": "case", "operator": "DoesNotExist"},
                                ]
                            },
                        },
                        {
                            "podSelector": {
                                "matchExpressions": [{"key": "case", "operator": "In", "values": ["nothing", "pods"]}]
                            }
                        },
                    ]
                }
            ]
        }
    ],
    "addresses": [{"ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/24", "except": [HOLE]}}]}]}],
    "named-port": [{"ingress": [{"ports": [{"port": "known"}, {"port": "known-udp", "protocol": "UDP"}]}]}],
    "range-of-ports": [{"ingress": [{"ports": [{"port": 5000, "endPort": 6000}]}]}],
    "one-protocol": [{"ingress": [{"ports": [{"protocol": "UDP"}]}]}],
    "added-up": [
        {"ingress": [{"ports": [{"port": 443}]}]},
        {"ingress": [{"from": [IN_FRONT], "ports": [{"port": 5432}, {"port": 53, "protocol": "UDP"}]}]},
    ],
    "both-ways-by-default": [{"egress": [{"to": [IN_FRONT], "ports": [{"port": "known"}]}]}],
    "out-to-namespaces": [{"policyTypes": ["Egress"], "egress": [{"to": [OVER_THERE]}]}],
    "out-to-addresses": [
        {
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [HOLE]}}], "ports": [{"port": 443}]}],
        }
    ],
    "nothing-out": [{"policyTypes": ["Egress"]}],
}


@pytest.fixture(scope="module")
def spaces() -> Generator[None]:
    """Two namespaces of the test's own."""
    wanted: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"side": side}}}
        for name, side in ((HERE, "a"), (THERE, "b"))
    ]
    kube.kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted}))
    try:
        yield
    finally:
        probes.remove()
        kube.kubectl("delete", "namespaces", HERE, THERE, "--wait=false")


@pytest.fixture(scope="module")
def pods(platform: Platform, spaces: None) -> dict[str, Probe]:
    """A pod for every case, and four without policies."""
    assert spaces is None
    server = kube.one("deployment", "mlflow", platform.namespace)
    kinds = {f"{name} {labels['tier']}": (name, labels) for name in (HERE, THERE) for labels in (FRONT, BACK)}
    kinds |= {case: (HERE, {"case": case}) for case in CASES}
    probes.remove()
    started = probes.start(server["spec"]["template"]["spec"]["containers"][0]["image"], kinds.values())
    return dict(zip(kinds, started, strict=True))


@pytest.fixture(scope="module")
def policies(pods: dict[str, Probe]) -> Network:
    """The cases' policies, in force."""
    front = kube.one("pod", pods[f"{HERE} front"].name, HERE)["status"]["podIP"]
    wanted: list[Object] = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"{case}-{number}", "namespace": HERE},
            "spec": {"podSelector": {"matchLabels": {"case": case}}, **spec},
        }
        for case, specs in CASES.items()
        for number, spec in enumerate(specs)
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted}).replace(HOLE, f"{front}/32")
    kube.kubectl("apply", "--filename=-", stdin=text)
    # The last one: they come into force in their order.
    last, elsewhere = pods[list(CASES)[-1]], [(front, 443, "TCP")]
    wait_for("the policies to be in force", lambda: last.reaches(elsewhere) == [False], seconds=READY_SECONDS)
    return network(kube.objects("namespaces,pods,networkpolicies", "--all-namespaces"))


def test_every_connection_is_admitted_or_refused_as_computed(
    pods: dict[str, Probe], policies: Network, figures: Figures
) -> None:
    known = {(pod.namespace, pod.name): pod for pod in policies.pods}
    ends = {kind: known[probe.namespace, probe.name] for kind, probe in pods.items()}
    targets: dict[Target, str] = {
        (end.address, port, protocol): kind
        for kind, end in ends.items()
        for protocol, ports in (("TCP", probes.TCP), ("UDP", probes.UDP))
        for port in ports
    }
    _wait_until_they_listen(pods, ends)
    start = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as trying:
        seen = dict(zip(pods, trying.map(Probe.reaches, pods.values(), [list(targets)] * len(pods)), strict=True))
    wrong: list[str] = []
    counted = {True: 0, False: 0}
    for source, answers in seen.items():
        for ((address, port, protocol), destination), admitted in zip(targets.items(), answers, strict=True):
            counted[admitted] += 1
            if policies.may_connect(ends[source], ends[destination], port, protocol) != admitted:
                wrong.append(f"{source} -> {destination} {port}/{protocol} at {address}: seen {admitted}")
    figures.add(
        f"networks: {sum(counted.values())} connections under policies of every form, {counted[True]} admitted,"
        f" {len(wrong)} other than computed",
        time.monotonic() - start,
    )
    assert not wrong, "\n".join(wrong)
    assert all(counted.values())


def _wait_until_they_listen(pods: dict[str, Probe], ends: dict[str, Pod]) -> None:
    """Wait until each pod reaches its own ports, which no NetworkPolicy forbids."""
    for kind, probe in pods.items():
        own = [(ends[kind].address, port, "TCP") for port in probes.TCP]
        wait_for(f"{kind} to listen", lambda probe=probe, own=own: all(probe.reaches(own)), seconds=READY_SECONDS)
