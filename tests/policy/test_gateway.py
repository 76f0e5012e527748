from typing import Any

import pytest

from tests.policy.judge import ABSENT, UNKNOWN, Asked, changed, violations

GATEWAY: dict[str, Any] = {
    "spec": {
        "gatewayClassName": "traefik",
        "listeners": [
            {
                "name": "host",
                "protocol": "HTTPS",
                "port": 443,
                "hostname": "mlflow.example.com",
                "tls": {"mode": "Terminate", "certificateRefs": [{"name": "mlflow-tls"}]},
            }
        ],
    }
}
LISTENER = "spec.listeners.0"
NO_CERTIFICATE = "listener `host`: tls.certificateRefs is missing: set it to the Secret with the certificate"


def judged(inputs: dict[str, Any], group: str = "gateway.networking.k8s.io/v1") -> list[str]:
    return violations("gateways-are-encrypted", Asked(type=f"kubernetes:{group}:Gateway", inputs=inputs))


def test_a_listener_with_a_certificate_is_admitted() -> None:
    assert judged(GATEWAY) == []
    assert judged(changed(GATEWAY, f"{LISTENER}.tls.mode", ABSENT)) == []


def test_tls_that_ends_in_a_pod_needs_no_certificate_in_the_gateway() -> None:
    passed = changed(GATEWAY, f"{LISTENER}.tls", {"mode": "Passthrough"})
    assert judged(changed(passed, f"{LISTENER}.protocol", "TLS")) == []
    (found,) = judged(passed)
    assert found.startswith(NO_CERTIFICATE)


@pytest.mark.parametrize("protocol", ["HTTP", "TCP", "UDP", ABSENT])
def test_a_listener_in_plain_text_is_a_violation(protocol: object) -> None:
    (found,) = judged(changed(GATEWAY, f"{LISTENER}.protocol", protocol))
    assert found.startswith("listener `host`: protocol must be HTTPS or TLS")


@pytest.mark.parametrize(
    ("path", "value"), [("tls", ABSENT), ("tls.certificateRefs", ABSENT), ("tls.certificateRefs", [])]
)
def test_a_listener_without_a_certificate_is_a_violation(path: str, value: object) -> None:
    (found,) = judged(changed(GATEWAY, f"{LISTENER}.{path}", value))
    assert found.startswith(NO_CERTIFICATE)


@pytest.mark.parametrize("path", ["spec", "spec.listeners", LISTENER, f"{LISTENER}.protocol", f"{LISTENER}.tls"])
def test_a_listener_that_is_not_decided_yet_is_none(path: str) -> None:
    assert judged(changed(GATEWAY, path, UNKNOWN)) == []


def test_a_gateway_of_something_else_is_none() -> None:
    assert judged(changed(GATEWAY, f"{LISTENER}.protocol", "HTTP"), "networking.istio.io/v1") == []
