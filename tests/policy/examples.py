"""Resources that break no rule, for tests to break one thing at a time."""

from typing import Any

from tests.policy.judge import Asked

CONTAINER: dict[str, Any] = {
    "name": "server",
    "image": "registry.example.com/team/server:1.4.2",
    "resources": {
        "requests": {"cpu": "100m", "memory": "64Mi"},
        "limits": {"cpu": "1", "memory": "128Mi"},
    },
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
    "livenessProbe": {"httpGet": {"path": "/", "port": 8080}},
}
POD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [CONTAINER],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}
WORKLOAD: dict[str, Any] = {"spec": {"template": {"spec": POD}}}


def deployment(inputs: dict[str, Any] = WORKLOAD) -> Asked:
    """A Deployment."""
    return Asked(type="kubernetes:apps/v1:Deployment", inputs=inputs)
