"""The login reaches an identity provider through a proxy only: the cluster cannot resolve the provider's name.

Proxy and provider are stand-ins, small programs in pods with the server's image.
"""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from components.exposure.certificate import authority_certificate, self_signed
from testbed.e2e import api_server, kube, variant
from testbed.e2e import company_services as company
from testbed.e2e.kube import Object
from testbed.e2e.web import Site
from tools.stack import Platform

SPACE = "company-network"
DOMAIN = "company.example"
HOST = f"login.{DOMAIN}"
ISSUER = f"https://{HOST}"
PROXY, PROVIDER = "egress", "provider"
PROXY_PORT, PROVIDER_PORT = 3128, 8443
SECRET = "login-behind-a-proxy"  # noqa: S105 - the name of a Secret
TEAM = "team-a"
WORKSPACES = "/api/3.0/mlflow/workspaces"
START_SECONDS = 120
FOLDER = Path(__file__).parent
ISSUED = company.ISSUED
AUTHORITY = authority_certificate(company.SEED, DOMAIN)
# Runs in the server's container: prints whether a connection is accepted.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
    print("accepted")
except OSError as error:
    print(type(error).__name__)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """The stand-in for an identity provider, whose tokens the test signs."""

    key: rsa.RSAPrivateKey = field(repr=False)

    def documents(self) -> dict[str, Any]:
        """Discovery document and public key, by path."""
        numbers = self.key.public_key().public_numbers()
        public = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one"}
        return {
            "/.well-known/openid-configuration": {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            },
            "/keys": {"keys": [{**public, "n": _number(numbers.n), "e": _number(numbers.e)}]},
        }

    def token(self, email: str, *groups: str) -> str:
        """An ID token of a person."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": "mlflow",
            "sub": email,
            "iat": now - 60,
            "exp": now + 3600,
            "email": email,
            "email_verified": True,
            "groups": groups,
        }
        parts = ({"alg": "RS256", "kid": "one", "typ": "JWT"}, claims)
        signed = ".".join(_encoded(json.dumps(one).encode()) for one in parts)
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8))


def changes() -> variant.Config:
    """Settings of the variant. Without the API server's address, the server might reach port 443 of any address."""
    return {
        "mlflow-platform:cluster": {
            "httpsProxy": f"http://{PROXY}.{SPACE}.svc.cluster.local:{PROXY_PORT}",
            "authorities": AUTHORITY,
            "apiServer": api_server.addresses(),
        },
        "mlflow-platform:login": {
            "kind": "oidc",
            "issuer": ISSUER,
            "clientId": "mlflow",
            "credentials": {"kind": "secret", "name": SECRET, "key": "client-secret"},
        },
    }


def _apply(document: Object) -> None:
    kube.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))


def _remove() -> None:
    kube.kubectl("delete", "namespace", SPACE, "--ignore-not-found", seconds=120)
    kube.kubectl("delete", "secret", SECRET, f"--namespace={company.PLATFORM}", "--ignore-not-found")


def _program(name: str, image: str, script: str, env: dict[str, str], port: int) -> Iterator[Object]:
    """A pod that runs one of the stand-ins, and its Service."""
    mounts = [kube.volume_mount("certificate", "/etc/tls")]
    volumes = [{"name": "certificate", "secret": {"secretName": "certificate"}}]
    text = (FOLDER / script).read_text(encoding="utf-8")
    pod = kube.team_pod(name, SPACE, image=image, script=text, env=env, mounts=mounts, volumes=volumes)
    pod["metadata"]["labels"] = {"app": name, "mlflow-platform-test/stand-in": "true"}
    pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 2}
    yield pod
    ports = [{"name": "tcp", "port": port, "targetPort": port}]
    metadata = {"name": name, "namespace": SPACE}
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def _start(image: str, provider: Provider) -> None:
    _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    pair = self_signed(company.SEED, HOST, ISSUED)
    files = {"tls.crt": pair.certificate, "tls.key": pair.key}
    metadata = {"name": "certificate", "namespace": SPACE}
    _apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "stringData": files}
    )
    known = {HOST: [f"{PROVIDER}.{SPACE}.svc.cluster.local", PROVIDER_PORT]}
    for one in (
        *_program(PROVIDER, image, "documents.py", {"DOCUMENTS": json.dumps(provider.documents())}, PROVIDER_PORT),
        *_program(PROXY, image, "connect_proxy.py", {"NAMES": json.dumps(known)}, PROXY_PORT),
    ):
        _apply(one)
    kube.wait_for_pods(SPACE, seconds=START_SECONDS)


def image_of_the_server() -> str:
    """The server's image, as the committed stack has it."""
    return kube.one("deployment", "mlflow", company.PLATFORM)["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture(scope="module")
def platform(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform with its login behind the proxy, and afterwards the stack as it is committed."""
    _remove()
    with ExitStack() as afterwards:
        afterwards.callback(_remove)
        _start(image_of_the_server(), provider)
        company.put_secret(SECRET, {"client-secret": secrets.token_urlsafe()})
        afterwards.callback(variant.restore)
        yield variant.deploy(tmp_path_factory.mktemp("proxy"), changes())


def _in_server(platform: Platform, script: str, *arguments: str) -> str:
    inside = ("exec", "deployment/mlflow", f"--namespace={platform.namespace}", "--container=mlflow", "--")
    return kube.kubectl(*inside, "python3", "-c", script, *arguments).stdout.strip()


def _asked() -> list[dict[str, Any]]:
    """Requests to the proxy; the kubelet's probes connect and send none."""
    lines = kube.kubectl("logs", PROXY, f"--namespace={SPACE}").stdout.splitlines()
    return [found for line in lines if (found := json.loads(line))["target"]]


def test_a_persons_token_is_verified_with_keys_that_came_through_the_proxy(
    platform: Platform, site: Site, provider: Provider
) -> None:
    assert platform.teams[TEAM].namespace == TEAM
    token = provider.token("alice@example.com", "team-a-mlflow-users")
    answer = site.ask("GET", WORKSPACES, token=token)
    assert answer.status == 200, answer.body
    assert [one["name"] for one in answer.json()["workspaces"]] == [TEAM]


def test_a_token_of_a_stranger_is_refused(site: Site) -> None:
    stranger = Provider(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert site.ask("GET", WORKSPACES, token=stranger.token("alice@example.com", "team-a-mlflow-users")).status == 401


def test_the_proxy_is_asked_for_the_provider_and_for_nothing_else(platform: Platform) -> None:
    """Requests about a pod's token, to the API server and to the artifact store do not use the proxy."""
    assert kube.is_ready(kube.pod_of("mlflow", platform.namespace))
    assert {(one["method"], one["target"]) for one in _asked()} == {("CONNECT", f"{HOST}:443")}


def test_programs_of_the_cluster_sign_in_and_log_beside_it(platform: Platform, site: Site) -> None:
    team = platform.teams[TEAM]
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    assert site.ask("GET", WORKSPACES, token=token).status == 200
    name = f"proxy-{time.time_ns()}"
    made = site.ask("POST", "/api/2.0/mlflow/experiments/create", token=token, workspace=TEAM, document={"name": name})
    assert made.status == 200, made.body


def test_the_cluster_does_not_know_the_providers_name(platform: Platform) -> None:
    assert _in_server(platform, CONNECT, HOST, "443") == "gaierror"


def test_the_servers_pod_reaches_the_proxy_and_not_the_provider_itself(platform: Platform) -> None:
    proxy, provider = (kube.one("pod", name, SPACE)["status"]["podIP"] for name in (PROXY, PROVIDER))
    assert _in_server(platform, CONNECT, proxy, str(PROXY_PORT)) == "accepted"
    assert _in_server(platform, CONNECT, provider, str(PROVIDER_PORT)) != "accepted"


def test_a_teams_pod_does_not_reach_the_proxy(platform: Platform) -> None:
    address = kube.one("pod", PROXY, SPACE)["status"]["podIP"]
    script = CONNECT.replace("sys.argv[1]", repr(address)).replace("sys.argv[2]", repr(str(PROXY_PORT)))
    pod = kube.team_pod("through-the-proxy", platform.teams[TEAM].namespace, image=image_of_the_server(), script=script)
    assert kube.run_pod(pod).strip() != "accepted"
