from typing import Any

import pulumi_kubernetes as k8s

from components.exposure.gateway import Address, Gateway, GatewayArgs
from components.exposure.http_route import Listeners, ListenersArgs
from components.kubernetes import networks
from tests.components.parts import ADDRESS, CERTIFICATE, HOST, NAMESPACE, service
from tests.harness import Recording, deploy

IDENTITY = "dex.example.com"


def ways_in(address: Address = ADDRESS, hosts: dict[str, str] | None = None) -> Recording:
    def program() -> None:
        route = Listeners(
            "listeners",
            ListenersArgs(
                namespace=NAMESPACE,
                gateway_class="example",
                port=8443,
                controller=networks.IngressController(namespace="ingress"),
                annotations={"example.com/a": "b"},
                hosts=hosts or {"host": HOST, "identity": IDENTITY},
                certificate=CERTIFICATE,
            ),
        )
        assert route.controller.namespace == "ingress"
        Gateway("gateway", GatewayArgs(address=address, service=service(), route=route))

    return deploy(program)


def rule(got: Recording) -> dict[str, Any]:
    (rule,) = got["gateway-route"].inputs["spec"]["rules"]
    return rule


def test_each_host_has_a_listener_with_its_own_certificate_and_none_is_without_tls() -> None:
    spec = ways_in()["listeners-gateway"].inputs["spec"]
    assert spec["gatewayClassName"] == "example"
    assert [(one["hostname"], one["port"], one["protocol"]) for one in spec["listeners"]] == [
        (HOST, 8443, "HTTPS"),
        (IDENTITY, 8443, "HTTPS"),
    ]
    assert [one["tls"] for one in spec["listeners"]] == [
        {"mode": "Terminate", "certificateRefs": [{"name": "mlflow-tls"}]},
        {"mode": "Terminate", "certificateRefs": [{"name": "dex-tls"}]},
    ]


def test_no_other_namespace_attaches_a_route_to_the_platforms_host() -> None:
    for listener in ways_in()["listeners-gateway"].inputs["spec"]["listeners"]:
        assert listener["allowedRoutes"] == {"namespaces": {"from": "Same"}}


def test_the_deployment_waits_until_the_controller_serves_the_gateway() -> None:
    annotations = ways_in()["listeners-gateway"].inputs["metadata"]["annotations"]
    assert annotations == {"example.com/a": "b", "pulumi.com/waitFor": "condition=Programmed"}
    assert "listeners-gateway" in ways_in()["gateway-route"].dependencies


def test_the_route_connects_its_own_listener_to_the_service_alone() -> None:
    inputs = ways_in()["gateway-route"].inputs
    assert inputs["kind"] == "HTTPRoute"
    assert inputs["spec"]["parentRefs"] == [{"name": "mlflow", "sectionName": "host"}]
    assert inputs["spec"]["hostnames"] == [HOST]
    (route,) = inputs["spec"]["rules"]
    assert route["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert route["backendRefs"] == [{"name": "some-service", "port": 80}]


def test_a_long_upload_is_not_cut_off() -> None:
    """Envoy ends a request after 15 s if the route has no time-out."""
    assert rule(ways_in())["timeouts"] == {"request": "3600s", "backendRequest": "3600s"}


def test_below_a_path_no_other_path_of_the_host_is_routed() -> None:
    below = Address(host=HOST, path="/clusters/demo/mlflow")
    assert rule(ways_in(below))["matches"] == [{"path": {"type": "PathPrefix", "value": "/clusters/demo/mlflow"}}]


def test_a_second_service_goes_to_its_own_host() -> None:
    def program() -> None:
        hosts = {"host": HOST, "identity": IDENTITY}
        args = ListenersArgs(
            namespace=NAMESPACE,
            gateway_class="example",
            port=443,
            controller=networks.IngressController(namespace="ingress"),
            annotations={},
            hosts=hosts,
            certificate=CERTIFICATE,
        )
        route = Listeners("listeners", args)
        other = k8s.core.v1.Service(
            "dex", metadata={"name": "dex", "namespace": NAMESPACE}, spec={"ports": [{"port": 80}]}
        )
        Gateway("other", GatewayArgs(address=Address(host=IDENTITY), service=other, route=route))

    spec = deploy(program)["other-route"].inputs["spec"]
    assert (spec["parentRefs"][0]["sectionName"], spec["hostnames"]) == ("identity", [IDENTITY])
    assert spec["rules"][0]["backendRefs"][0]["name"] == "dex"
