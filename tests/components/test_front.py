import json
import re
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from components.login.front import (
    BUFFERS,
    METRICS_PORT,
    PROBES,
    SCRAPES,
    Bounds,
    Front,
    FrontArgs,
    configuration,
    memory_mebibytes,
)
from tests.cloud import autoname
from tests.components.parts import BOUNDS, NAMESPACE
from tests.harness import Recording, deploy

SMALL = Bounds(header_seconds=3, header_kibibytes=16, connections=50)
LARGE = Bounds(header_seconds=60, header_kibibytes=1024, connections=10_000)


def front(bounds: Bounds = BOUNDS) -> Recording:
    """HAProxy as a sidecar in a pod."""

    def program() -> None:
        component = Front("front", FrontArgs(namespace=NAMESPACE, image="haproxy:3.0", bounds=bounds))
        spec = k8s.core.v1.PodSpecArgs(
            init_containers=component.attachment.init_containers,
            containers=[],
            volumes=component.attachment.volumes,
        )
        k8s.core.v1.Pod("pod", spec=spec)

    return deploy(program)


def sidecar(got: Recording) -> dict[str, Any]:
    (spec,) = got["pod"].inputs["spec"]["initContainers"]
    return spec


def section(text: str, title: str) -> list[str]:
    """The lines of a section, without comments."""
    (body,) = re.findall(rf"^{title}\n((?:    .*\n)+)", text, re.MULTILINE)
    return [line.strip() for line in body.splitlines() if not line.strip().startswith("#")]


@pytest.mark.parametrize("bounds", [SMALL, BOUNDS, LARGE])
def test_each_bound_is_in_the_configuration(bounds: Bounds) -> None:
    text = configuration(bounds)
    assert f"timeout http-request {bounds.header_seconds}s" in section(text, "defaults")
    clients = section(text, "frontend clients")
    assert f"maxconn {bounds.connections}" in clients
    (refusal,) = [line for line in clients if "status 431" in line]
    assert refusal.endswith(f"if {{ req.hdrs,length gt {bounds.header_kibibytes * 1024} }}")
    assert f"exceed {bounds.header_kibibytes} KiB (server.bounds.headerKibibytes)" in refusal


@pytest.mark.parametrize("bounds", [SMALL, BOUNDS, LARGE])
def test_the_largest_headers_fit_in_a_buffer_with_room_for_what_haproxy_adds(bounds: Bounds) -> None:
    (size,) = re.findall(r"tune.bufsize (\d+)", configuration(bounds))
    # 1 KiB is kept for changes (tune.maxrewrite), and each of 512 headers takes eight bytes more.
    assert int(size) - 1024 - 512 * 4 > bounds.header_kibibytes * 1024


@pytest.mark.parametrize("bounds", [SMALL, BOUNDS, LARGE])
def test_the_memory_limit_holds_the_buffers_of_all_connections(bounds: Bounds) -> None:
    (size,) = re.findall(r"tune.bufsize (\d+)", configuration(bounds))
    buffers = [
        int(size) for size in re.findall(r"tune\.(?:rcv|snd)buf\.(?:client|server) (\d+)", configuration(bounds))
    ]
    assert len(buffers) == 4
    connection = BUFFERS * int(size) + sum(buffers)
    assert memory_mebibytes(bounds) * 2**20 > connection * (bounds.connections + PROBES)
    limit = sidecar(front(bounds))["resources"]["limits"]["memory"]
    assert limit == f"{memory_mebibytes(bounds)}Mi"


def test_probes_have_connections_of_their_own() -> None:
    text = configuration(BOUNDS)
    assert "bind 0.0.0.0:4181" in section(text, "frontend probes")
    assert f"maxconn {BOUNDS.connections + PROBES}" in section(text, "global")
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert sidecar(front())[probe]["httpGet"] == {"path": "/front", "port": 4181}


def rejected(text: str, *, opened: int, of_address: int, complete: int) -> bool:
    """True if one more connection is rejected by HAProxy's rules: `fe_conn` counts it, the tables do not yet."""
    fetched = {"fe_conn": opened + 1, "src,table_conn_cur(connections)": of_address}
    fetched["src,table_conn_cur(requests)"] = complete
    variables = dict[str, int]()

    def value(expression: str) -> int:
        (name,) = [name for name in fetched if expression.startswith(name)]
        result = fetched[name]
        for converter, argument in re.findall(r"(\w+)\(([\w.]+)\)", expression.removeprefix(name)):
            operand = variables.get(argument)
            operand = int(argument) if operand is None else operand
            result = {"add": result + operand, "sub": result - operand, "mul": result * operand}[converter]
        return result

    for line in section(text, "frontend clients"):
        if found := re.fullmatch(r"tcp-request connection set-var\((\S+)\) (\S+)", line):
            variables[found[1]] = value(found[2])
        elif found := re.fullmatch(r"tcp-request connection reject if \{ (\S+) ge (\d+) \}", line):
            return value(found[1]) >= int(found[2])
    raise AssertionError


@pytest.mark.parametrize("bounds", [SMALL, BOUNDS, LARGE])
def test_the_last_free_connection_is_for_every_address_that_has_no_incomplete_requests(bounds: Bounds) -> None:
    text, most = configuration(bounds), bounds.connections
    for opened in {*range(0, most, max(1, most // 20)), *range(most - 5, most)}:
        free = most - opened
        for incomplete in {0, 1, 3, 4, 4 * free - 1, 4 * free, 4 * free + 1}:
            if incomplete > opened:
                continue
            refused = rejected(text, opened=opened, of_address=opened, complete=opened - incomplete)
            assert refused == (incomplete >= 4 * free), (opened, incomplete)


def test_it_answers_nothing_itself_where_clients_connect() -> None:
    """Otherwise there would be a page without a login."""
    returned = re.findall(r"return status (\d+)", "\n".join(section(configuration(BOUNDS), "frontend clients")))
    assert returned == ["431"]


def test_one_request_is_read_from_a_connection_and_none_is_buffered() -> None:
    defaults = section(configuration(BOUNDS), "defaults")
    assert "option httpclose" in defaults
    assert not [line for line in defaults if "buffer" in line or "keep-alive" in line]
    for title in ("frontend clients", "frontend probes"):
        assert "option disable-h2-upgrade" in section(configuration(BOUNDS), title)


def test_it_leads_to_the_login_on_loopback_and_has_no_other_door() -> None:
    text = configuration(BOUNDS)
    assert re.findall(r"^ +server \S+ (\S+)$", text, re.MULTILINE) == ["127.0.0.1:4182"]
    assert re.findall(r"^ +bind (\S+)$", text, re.MULTILINE) == ["0.0.0.0:4180", "0.0.0.0:4181"]
    assert "stats" not in text


# Of the server's own answers (errors.py, refusals.py).
CODES = {
    400: "BAD_REQUEST",
    403: "PERMISSION_DENIED",
    408: "REQUEST_TIMEOUT",
    431: "BAD_REQUEST",
    500: "INTERNAL_ERROR",
    502: "TEMPORARILY_UNAVAILABLE",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def test_errors_are_documents_like_the_servers_with_the_same_codes() -> None:
    errors = re.findall(r"status (\d+) content-type application/json string '(.*?)'", configuration(BOUNDS))
    documents = {int(status): json.loads(body) for status, body in errors}
    assert {status: document["error_code"] for status, document in documents.items()} == CODES
    for document in documents.values():
        assert document.keys() == {"error_code", "message"}
        assert document["message"].endswith(".")


def test_the_log_has_no_query() -> None:
    (fields,) = [line for line in section(configuration(BOUNDS), "defaults") if line.startswith("log-format")]
    assert "%(path)HPO" in fields
    assert not re.search(r"\)(r|HU|HQ|HP)\b", fields)


def test_forwarded_headers_are_untouched_unless_forwarders_are_named() -> None:
    assert "x-forwarded" not in configuration(BOUNDS)
    assert "del-header x-forwarded- -m beg unless { src 10.0.0.0/8 }" in configuration(BOUNDS, ["10.0.0.0/8"])


def test_a_changed_bound_replaces_the_pods() -> None:
    """HAProxy reads its configuration once: the pod names a ConfigMap that is replaced when its content changes."""
    got = front()
    (volume,) = got["pod"].inputs["spec"]["volumes"]
    assert volume["configMap"]["name"] == autoname("front-configuration")
    assert got["front-configuration"].inputs["data"] == {"haproxy.cfg": configuration(BOUNDS)}
    assert "name" not in got["front-configuration"].inputs["metadata"]


def test_the_sidecar_can_write_nothing_and_is_no_root() -> None:
    spec = sidecar(front())
    assert spec["restartPolicy"] == "Always"
    assert spec["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["command"] == ["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]


def test_metrics_have_a_port_and_connections_of_their_own_and_are_off_unless_asked_for() -> None:
    off, on = configuration(BOUNDS), configuration(BOUNDS, metrics=True)
    assert "metrics" not in off
    metrics = section(on, "frontend metrics")
    assert f"bind 0.0.0.0:{METRICS_PORT}" in metrics
    assert f"maxconn {SCRAPES}" in metrics
    # Nothing but the metrics: no request gets from here to the login.
    assert "http-request deny unless METH_GET { path /metrics }" in metrics
    assert not any("backend" in line for line in metrics)
    assert f"maxconn {BOUNDS.connections + PROBES + SCRAPES}" in section(on, "global")
    assert memory_mebibytes(BOUNDS, metrics=True) >= memory_mebibytes(BOUNDS)
