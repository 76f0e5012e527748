import ipaddress
import re
from pathlib import Path
from typing import Any

import pulumi_kubernetes as k8s
import yaml

from components.exposure.gateway import Address, Gateway, GatewayArgs
from components.exposure.ingress import IngressRoute
from components.kubernetes import networks
from components.login.command_line import LoginArgs, verifying
from components.login.forward_auth import REFRESH_MINUTES, ForwardAuth, ForwardAuthArgs, arguments, middleware_spec
from components.login.issuers import IN_CLUSTER_ISSUER
from components.login.oauth2_proxy import Login
from components.login.sign_in import ProviderSignIn
from tests.components.parts import ADDRESS, BOUNDS, NAMESPACE, ROUTE, oidc, opened, pod, service
from tests.harness import Recording, deploy

ROOT = Path(__file__).resolve().parents[2]

BELOW = Address(host=ADDRESS.host, path="/clusters/demo/mlflow")
ANNOTATION = "traefik.ingress.kubernetes.io/router.middlewares"


def asked(
    address: Address = ADDRESS, annotations: dict[str, str] | None = None, trusted_proxies: tuple[str, ...] = ()
) -> Recording:
    """A server behind ForwardAuth, and the server's own sidecar in the pod `server`."""

    def program() -> None:
        login = Login(
            "login",
            LoginArgs(
                namespace=NAMESPACE,
                image="oauth2-proxy:v7.15.6",
                front_image="haproxy:3.0",
                bounds=BOUNDS,
                address=address,
                oidc=oidc(),
                authority=None,
                service_account_issuer=IN_CLUSTER_ISSUER,
                service_account_audiences=("mlflow",),
                session_hours=12,
                sign_in=ProviderSignIn(refresh_minutes=REFRESH_MINUTES),
                verifies_only=True,
            ),
        )
        route = IngressRoute(
            namespace=NAMESPACE,
            ingress_class="traefik",
            controller=networks.IngressController(namespace="ingress"),
            annotations=annotations or {},
            certificate=ROUTE.certificate,
        )
        component = ForwardAuth(
            "forward-auth",
            ForwardAuthArgs(
                namespace=NAMESPACE,
                image="oauth2-proxy:v7.15.6",
                front_image="haproxy:3.0",
                bounds=BOUNDS,
                address=address,
                replicas=2,
                spread="preferred",
                login=login,
                route=route,
                api_server=("10.0.0.1/32",),
                trusted_proxies=trusted_proxies,
            ),
        )
        Gateway("gateway", GatewayArgs(address=address, service=service(), route=component.route))
        k8s.core.v1.Pod(
            "server", spec=k8s.core.v1.PodSpecArgs(init_containers=login.sidecars.init_containers, containers=[])
        )

    return deploy(program)


def value(option: str, words: list[str]) -> list[str]:
    return [word.partition("=")[2] for word in words if word.partition("=")[0] == option]


def front(got: Recording) -> list[str]:
    (spec,) = pod(got, "forward-auth-server")["containers"]
    return spec["args"]


def sidecar(got: Recording) -> dict[str, Any]:
    _, spec = got["server"].inputs["spec"]["initContainers"]
    return spec


def annotations(got: Recording, name: str) -> dict[str, str]:
    return got[name].inputs["metadata"]["annotations"]


def test_every_request_to_the_server_passes_the_middleware() -> None:
    got = asked()
    assert annotations(got, "gateway-ingress")[ANNOTATION] == f"{NAMESPACE}-forward-auth-ask@kubernetescrd"
    spec = got["forward-auth-ask"].inputs["spec"]["forwardAuth"]
    assert spec["address"] == f"http://forward-auth.{NAMESPACE}.svc.cluster.local/"
    assert "forward-auth-ask" in got["gateway-ingress"].dependencies


def test_identity_headers_of_the_client_are_not_trusted() -> None:
    spec: Any = middleware_spec("http://forward-auth/", "__Host-mlflow")["forwardAuth"]
    assert spec["trustForwardHeader"] is False
    # Of the login's response only the header that the server verifies again.
    assert spec["authResponseHeaders"] == ["Authorization"]


def test_request_bodies_do_not_pass_the_login() -> None:
    """Otherwise Traefik would buffer artifacts of several GiB."""
    spec: Any = middleware_spec("http://forward-auth/", "__Host-mlflow")["forwardAuth"]
    assert not spec.get("forwardBody")


def test_a_refreshed_session_cookie_reaches_the_browser() -> None:
    spec: Any = middleware_spec("http://forward-auth/", "__Host-mlflow")["forwardAuth"]
    assert spec["addAuthCookiesToResponse"][:2] == ["__Host-mlflow", "__Host-mlflow_0"]


def test_the_pages_of_the_login_pass_no_login_and_show_no_token() -> None:
    got = asked(BELOW)
    (rule,) = got["forward-auth-ingress"].inputs["spec"]["rules"]
    assert [one["path"] for one in rule["http"]["paths"]] == [f"{BELOW.path}/oauth2"]
    assert annotations(got, "forward-auth-ingress")[ANNOTATION] == f"{NAMESPACE}-forward-auth-hide@kubernetescrd"
    assert got["forward-auth-hide"].inputs["spec"] == {"headers": {"customResponseHeaders": {"Authorization": ""}}}


def test_the_definition_of_the_embedded_cluster_has_every_field_that_is_used() -> None:
    """The API server drops fields that the CRD does not define, and Traefik then serves nothing."""
    definitions = yaml.safe_load_all((ROOT / "testbed" / "definitions" / "traefik.yaml").read_text(encoding="utf-8"))
    (schema,) = (
        one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for one in definitions
        if one["spec"]["names"]["kind"] == "Middleware"
    )
    known = schema["properties"]["spec"]["properties"]
    for role in ("ask", "hide"):
        for kind, options in asked()[f"forward-auth-{role}"].inputs["spec"].items():
            assert options.keys() <= known[kind]["properties"].keys()


def test_one_ingress_alone_requests_the_certificate() -> None:
    """Two Ingresses name the Secret; cert-manager must create it for only one of them."""
    got = asked(annotations={"cert-manager.io/cluster-issuer": "company", "example.com/a": "b"})
    assert "cert-manager.io/cluster-issuer" in annotations(got, "gateway-ingress")
    assert "cert-manager.io/cluster-issuer" not in annotations(got, "forward-auth-ingress")
    assert annotations(got, "forward-auth-ingress")["example.com/a"] == "b"


def test_the_login_responds_with_the_token_and_forwards_nothing() -> None:
    words = front(asked())
    assert value("--upstream", words) == ["static://202"]
    assert value("--set-authorization-header", words) == ["true"]
    assert value("--pass-user-headers", words) == ["false"]
    assert value("--reverse-proxy", words) == ["true"]
    assert value("--whitelist-domain", words) == [ADDRESS.host]


def forwarders(got: Recording) -> list[str]:
    """Address ranges from which HAProxy passes on the requested page."""
    configuration = got["forward-auth-front-configuration"].inputs["data"]["haproxy.cfg"]
    clients, probes = re.findall(r"http-request del-header x-forwarded- -m beg(.*)", configuration)
    assert probes == ""
    (ranges,) = re.findall(r"^ unless { src (.*) }$", clients)
    return ranges.split()


def test_the_requested_page_is_read_from_traefiks_pods_only() -> None:
    got = asked(trusted_proxies=("10.244.0.0/24", "10.244.7.0/24"))
    assert forwarders(got) == ["10.244.0.0/24", "10.244.7.0/24"]
    # HAProxy in the same pod, which has removed the header of everybody else.
    assert value("--trusted-proxy-ip", front(got)) == ["127.0.0.1"]
    assert value("--http-address", front(got)) == ["127.0.0.1:4182"]


def test_no_public_address_is_trusted_if_the_addresses_of_traefiks_pods_are_unknown() -> None:
    networks = [ipaddress.ip_network(block) for block in forwarders(asked())]
    assert networks
    shared = ipaddress.ip_network("100.64.0.0/10")
    assert [network for network in networks if not network.is_private and network != shared] == []


def test_a_login_that_reads_forwarded_headers_names_whom_it_trusts() -> None:
    """Otherwise OAuth2-Proxy trusts every address."""
    for words in (front(asked()), sidecar(asked())["args"]):
        forwarded = value("--reverse-proxy", words)
        assert forwarded == ["false"] or value("--trusted-proxy-ip", words) != []


def test_no_option_is_there_twice() -> None:
    for words in (front(asked()), sidecar(asked())["args"]):
        names = [word.partition("=")[0] for word in words]
        repeated = {name for name in names if names.count(name) > 1}
        assert repeated <= {"--provider-ca-file", "--oidc-extra-audience"}


def test_the_servers_own_login_still_verifies_every_token_and_accepts_no_session() -> None:
    words = sidecar(asked())["args"]
    assert value("--upstream", words) == ["http://127.0.0.1:5000"]
    assert value("--skip-jwt-bearer-tokens", words) == ["true"]
    assert value("--oidc-issuer-url", words) == [oidc_issuer()]
    assert value("--pass-user-headers", words) == ["true"]
    # No request is redirected to a login, and the other login's sessions are not signed for this cookie name.
    assert value("--api-route", words) == ["^/"]
    assert value("--cookie-name", words) != value("--cookie-name", front(asked()))
    assert value("--reverse-proxy", words) == ["false"]
    assert sidecar(asked())["restartPolicy"] == "Always"


def oidc_issuer() -> str:
    return "https://login.example.com"


def test_only_the_controller_reaches_the_login_which_reaches_the_issuers() -> None:
    ingress, egress = opened(asked()["forward-auth-network"])
    assert [rule["from"] for rule in ingress] == [
        [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
    ]
    assert [port["port"] for rule in ingress for port in rule["ports"]] == [4180]
    peers = [(rule["to"], [port["port"] for port in rule["ports"]]) for rule in egress]
    assert peers == [
        ([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}], [443, 8443]),
        ([{"ipBlock": {"cidr": "10.0.0.1/32"}}], [443, 6443, 8443]),
        ([{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}], [443]),
    ]


def test_its_pod_has_no_token_and_no_right_to_write() -> None:
    spec = pod(asked(), "forward-auth-server")
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert "restartPolicy" not in spec["containers"][0]


def test_options_are_replaced_and_added_and_nothing_else_is_touched() -> None:
    line = ["--upstream=a", "--reverse-proxy=false", "--scope=openid profile", "--api-route=^/api"]
    assert set(arguments(line, ADDRESS)) >= {"--scope=openid profile", "--upstream=static://202", "--api-route=^/api"}
    assert "--upstream=a" in verifying(line)


def test_the_login_answers_while_nodes_are_drained() -> None:
    got = asked()
    assert got.one("PodDisruptionBudget").inputs["spec"]["maxUnavailable"] == 1
    assert len(pod(got, "forward-auth-server")["topologySpreadConstraints"]) == 2
    assert got["forward-auth-server"].inputs["spec"]["strategy"]["rollingUpdate"] == {
        "maxSurge": 1,
        "maxUnavailable": 0,
    }


def test_the_login_drains_before_it_terminates() -> None:
    (spec,) = pod(asked(), "forward-auth-server")["containers"]
    assert spec["lifecycle"]["preStop"]["sleep"]["seconds"] == 15
