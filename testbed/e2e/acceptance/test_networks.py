"""Connections from a pod of every kind, compared with the NetworkPolicies.

`tools.reachability` computes the connections from the objects. The embedded node enforces the same objects with a
program that shares no code with it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testbed.e2e import kube, probes
from testbed.e2e.commands import run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.listeners import listeners
from testbed.e2e.probes import Probe, Target
from testbed.node.process import Node
from testbed.paths import home
from tools.reachability import Host, Network, Pod, network
from tools.stack import Platform

METADATA = "169.254.169.254"
KINDS = "namespaces,pods,networkpolicies"
STARTS_SECONDS = 20
AT_ONCE = 4
# From the API's answer until the packet filter is changed. Usually below 0.2 s; the machine may be busy.
IN_FORCE_SECONDS = 10
SERVER_PORT = 4180

# Whether a kind of pod reaches an address and port; and who is there, behind a Service perhaps on another port.
Reached = dict[tuple[str, Target], bool]
Targets = dict[Target, list[tuple[Pod | Host, int]]]


@pytest.fixture(scope="module")
def metadata_service() -> Generator[None]:
    """A server at the address of clouds' metadata service."""
    node = Node(home())
    address = (f"{METADATA}/32", "dev", "node0")
    run(*node.inside("ip", "address", "replace", *address))
    serve = ("-m", "http.server", "80", "--bind", METADATA, "--directory", "/nonexistent")
    pid = node.running().pid
    server = subprocess.Popen(
        ["nsenter", f"--target={pid}", "--net", "--", sys.executable, *serve],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        there = (METADATA, 80, "TCP")
        wait_for("the metadata service", lambda: there in listeners(), seconds=STARTS_SECONDS)
        yield
    finally:
        server.kill()
        server.wait()
        run(*node.inside("ip", "address", "delete", *address))


@pytest.fixture(scope="module")
def probe_pods(platform: Platform) -> Generator[dict[str, Probe]]:
    """A probe pod of every kind, by the pod that it impersonates."""
    server = kube.one("deployment", "mlflow", platform.namespace)
    image = server["spec"]["template"]["spec"]["containers"][0]["image"]
    labels = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]: {
            name: value
            for name, value in pod["metadata"]["labels"].items()
            if name in {"app.kubernetes.io/name", "app.kubernetes.io/part-of"}
        }
        for pod in kube.objects("pods", f"--namespace={platform.namespace}")
        if probes.MARK not in pod["metadata"]["labels"]
    }
    kinds = {f"{platform.namespace}/{name}": (platform.namespace, found) for name, found in labels.items()}
    kinds |= {namespace: (namespace, {}) for namespace in (platform.namespace, "default", "kube-system", "traefik")}
    kinds |= {team.namespace: (team.namespace, {}) for team in platform.teams.values()}
    kinds["traefik/traefik"] = ("traefik", {"app.kubernetes.io/name": "traefik"})
    probes.remove()
    try:
        started = probes.start(image, kinds.values())
        yield dict(zip(kinds, started, strict=True))
    finally:
        probes.remove()


@pytest.fixture(scope="module")
def objects(probe_pods: dict[str, Probe]) -> list[kube.Object]:
    assert probe_pods
    return kube.objects(KINDS, "--all-namespaces")


@pytest.fixture(scope="module")
def policies(objects: list[kube.Object]) -> Network:
    return network(objects)


@pytest.fixture(scope="module")
def targets(policies: Network, metadata_service: None) -> Targets:
    """All listening addresses and their pods; for a Service, the pods behind it."""
    assert metadata_service is None
    ends: dict[str, Pod | Host] = {pod.address: pod for pod in policies.pods if pod.address}
    wanted = {(pod.address, port) for pod in policies.pods if "probe" in pod.name for port in probes.TCP}
    wait_for("the probes to listen", lambda: wanted <= {one[:2] for one in listeners()}, seconds=STARTS_SECONDS)
    found: Targets = {}
    for address, port, protocol in listeners():
        end = ends.setdefault(address, Host(name=f"node {address}", address=address))
        # A socket of the resolver's kind in the node's own network answers nobody.
        if protocol == "TCP" or isinstance(end, Pod):
            found[address, port, protocol] = [(end, port)]
    for service in kube.objects("services", "--all-namespaces"):
        if service["spec"]["clusterIP"] != "None":
            found |= _behind(service, ends)
    return found


def _behind(service: kube.Object, ends: dict[str, Pod | Host]) -> Targets:
    space, name = service["metadata"]["namespace"], service["metadata"]["name"]
    slices = kube.objects("endpointslices", f"--namespace={space}", f"--selector=kubernetes.io/service-name={name}")
    return {
        (service["spec"]["clusterIP"], port["port"], port["protocol"]): [
            (ends[address], known["port"])
            for one in slices
            for known in one["ports"] or ()
            if known.get("name", "") == port.get("name", "")
            for endpoint in one["endpoints"] or ()
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        ]
        for port in service["spec"]["ports"]
    }


@pytest.fixture(scope="module")
def tried(probe_pods: dict[str, Probe], targets: Targets) -> tuple[Reached, float]:
    """The targets that each probe reaches, and the seconds that all attempts took."""
    start = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as trying:
        answers = trying.map(Probe.reaches, probe_pods.values(), [list(targets)] * len(probe_pods))
        found = {
            (kind, target): reached
            for kind, answer in zip(probe_pods, answers, strict=True)
            for target, reached in zip(targets, answer, strict=True)
        }
    return found, time.monotonic() - start


@pytest.fixture(scope="module")
def reached(tried: tuple[Reached, float]) -> Reached:
    return tried[0]


def test_every_connection_is_admitted_or_refused_as_the_policies_say(
    tried: tuple[Reached, float],
    policies: Network,
    probe_pods: dict[str, Probe],
    targets: Targets,
    figures: Figures,
) -> None:
    found, seconds = tried
    pods = {(pod.namespace, pod.name): pod for pod in policies.pods}
    wrong: list[str] = []
    for (kind, target), admitted in found.items():
        source = pods[probe_pods[kind].namespace, probe_pods[kind].name]
        address, port, protocol = target
        computed = {policies.may_connect(source, end, number, protocol) for end, number in targets[target]}
        if computed != {admitted}:
            wrong.append(f"{kind} -> {_named(targets[target])} at {address}:{port}/{protocol}: {computed}, {admitted}")
    figures.add(
        f"networks: {len(found)} connections tried ({len(probe_pods)} kinds of pods, {len(targets)} ports),"
        f" {sum(found.values())} admitted, {len(wrong)} other than computed",
        seconds,
    )
    assert not wrong, "computed, then seen:\n" + "\n".join(wrong)
    assert set(found.values()) == {True, False}


def test_a_teams_pod_reaches_nothing_of_another_team(reached: Reached, targets: Targets, platform: Platform) -> None:
    for team in platform.teams:
        foreign = {other.namespace for name, other in platform.teams.items() if name != team}
        tried = {
            (_named(ends), target[1]): reached[team, target]
            for target, ends in targets.items()
            if any(isinstance(end, Pod) and end.namespace in foreign for end, _ in ends)
        }
        assert tried, "somebody has to listen there"
        assert not any(tried.values()), tried


def test_a_teams_pod_reaches_the_login_the_ingress_controller_and_names(
    reached: Reached, targets: Targets, platform: Platform
) -> None:
    expected = {
        (f"{platform.namespace}/mlflow", SERVER_PORT, "TCP"),
        ("traefik/traefik", 8443, "TCP"),
        ("kube-system/kube-dns", 5353, "TCP"),
        ("kube-system/kube-dns", 5353, "UDP"),
    }
    for team in platform.teams:
        assert _seen_from(team, reached, targets) == expected


@pytest.mark.parametrize(
    ("component", "clients"), [("postgres", {"mlflow", "migration"}), ("object-store", {"mlflow", "create-bucket"})]
)
def test_what_holds_data_admits_its_clients_only(
    reached: Reached, targets: Targets, platform: Platform, component: str, clients: set[str]
) -> None:
    to_it = {
        target
        for target, ends in targets.items()
        if any(isinstance(end, Pod) and end.group == f"{platform.namespace}/{component}" for end, _ in ends)
    }
    itself = f"{platform.namespace}/{component}"
    found = {kind for (kind, target), admitted in reached.items() if target in to_it and admitted and kind != itself}
    assert found == {f"{platform.namespace}/{client}" for client in clients}


def test_nothing_of_ours_reaches_the_metadata_service(reached: Reached, targets: Targets, platform: Platform) -> None:
    service = (METADATA, 80, "TCP")
    assert service in targets
    admitted = {kind for (kind, target), yes in reached.items() if target == service and yes}
    assert "default" in admitted, "somebody answers there"
    ours = {platform.namespace, *(team.namespace for team in platform.teams.values())}
    assert not {kind for kind in admitted if kind.partition("/")[0] in ours}


def test_a_changed_policy_is_in_force_at_once(
    probe_pods: dict[str, Probe], policies: Network, figures: Figures
) -> None:
    probe = probe_pods["kube-system"]
    (target,) = (pod.address for pod in policies.pods if pod.name == probe_pods["default"].name)
    closed: kube.Object = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "test-closed", "namespace": "default"},
        "spec": {"podSelector": {}},
    }

    def answers() -> bool:
        return probe.reaches([(target, 12345, "TCP")]) == [True]

    assert answers()
    try:
        kube.kubectl("create", "--filename=-", stdin=json.dumps(closed))
        shut = wait_for("the policy to be in force", lambda: not answers(), seconds=IN_FORCE_SECONDS)
    finally:
        kube.kubectl("delete", "networkpolicy", "test-closed", "--namespace=default", "--ignore-not-found")
    opened = wait_for("the policy to be gone", answers, seconds=IN_FORCE_SECONDS)
    figures.add("networks: a new policy is in force, within", shut)
    figures.add("networks: a deleted policy is out of force, within", opened)


def test_a_pod_is_bound_by_its_policies_from_its_first_instruction(
    probe_pods: dict[str, Probe], policies: Network, platform: Platform, figures: Figures
) -> None:
    """Allowed connections work at once too: the packet filter knows the pod before it starts."""
    server = kube.one("deployment", "mlflow", platform.namespace)
    (foreign,) = (pod.address for pod in policies.pods if pod.name == probe_pods["team-b"].name)
    script = "\n".join(
        [
            "import socket, time",
            "try:",
            f"    socket.create_connection(({foreign!r}, 12345), 5)",
            "    print('open')",
            "except ConnectionRefusedError:",
            "    print('refused')",
            "start = time.monotonic()",
            "socket.getaddrinfo('kubernetes.default.svc.cluster.local.', 443)",
            "print(time.monotonic() - start)",
        ]
    )
    pod = kube.team_pod(
        "test-quick-start",
        platform.teams["team-a"].namespace,
        image=server["spec"]["template"]["spec"]["containers"][0]["image"],
        script=script,
    )
    said, seconds = kube.run_pod(pod).split()
    assert said == "refused"
    figures.add("networks: first name resolved by a pod that has just started", float(seconds))


def _named(ends: list[tuple[Pod | Host, int]]) -> str:
    return ", ".join(end.group if isinstance(end, Pod) else end.name for end, _ in ends)


def _seen_from(kind: str, reached: Reached, targets: Targets) -> set[tuple[str, int, str]]:
    """Ports of real pods and of the node that a kind of pod reaches, by the pods' groups."""
    return {
        (end.group if isinstance(end, Pod) else end.name, number, target[2])
        for target, ends in targets.items()
        if reached[kind, target]
        for end, number in ends
        if not end.name.startswith("probe-")
    }
