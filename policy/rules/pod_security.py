"""The `restricted` Pod Security Standard of Kubernetes 1.35, checked at preview.

In a preview the API server itself rejects only bare pods. A Deployment whose pods will be rejected passes the preview,
and times out when it is deployed. https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import json
from collections.abc import Iterator, Mapping

from .node import Node
from .pods import containers_of, pod_of
from .resource import Resource

Allowed = Mapping[str, tuple[object, ...]]
"""Allowed values of a field by its path; None means that the field may be absent."""

POD: Allowed = {"hostNetwork": (None, False), "hostPID": (None, False), "hostIPC": (None, False)}
# Security contexts of pods and of containers.
CONTEXT: Allowed = {
    "appArmorProfile.type": (None, "RuntimeDefault", "Localhost"),
    "seLinuxOptions.type": (None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"),
    "seLinuxOptions.user": (None, ""),
    "seLinuxOptions.role": (None, ""),
    "windowsOptions.hostProcess": (None, False),
}
CONTAINER_CONTEXT: Allowed = {
    **CONTEXT,
    "privileged": (None, False),
    "allowPrivilegeEscalation": (False,),
    "procMount": (None, "Default"),
}
# Fields that a container inherits from its pod.
INHERITED: Allowed = {"runAsNonRoot": (True,), "seccompProfile.type": ("RuntimeDefault", "Localhost")}
# With a host, the kubelet would send the request to that host, from the node's network.
PROBES: Allowed = {
    f"{hook}.{action}.host": (None, "")
    for hook in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle.postStart", "lifecycle.preStop")
    for action in ("httpGet", "tcpSocket")
}
VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


def restricted(resource: Resource) -> Iterator[str]:
    """Pods meet the `restricted` Pod Security Standard."""
    pod = pod_of(resource)
    if not pod.present:
        return
    shared = pod["securityContext"]
    yield from _others(pod, POD)
    yield from _others(shared, CONTEXT, "securityContext.")
    yield from _users(shared)
    yield from _volumes(pod)
    for sysctl in shared["sysctls"].each():
        if sysctl["name"].known and sysctl["name"].text not in SYSCTLS:
            yield f"sysctl {sysctl['name'].text} is not allowed, because it affects other pods: remove it"
    for container in containers_of(resource):
        for violation in _container(container.spec, shared):
            yield f"{container.label}: {violation}"


def _container(spec: Node, shared: Node) -> Iterator[str]:
    own = spec["securityContext"]
    yield from _others(own, CONTAINER_CONTEXT, "securityContext.")
    yield from _users(own)
    yield from _capabilities(own["capabilities"])
    for path, allowed in INHERITED.items():
        setting = own.at(path) if own.at(path).present else shared.at(path)
        if not setting.may_be(*allowed):
            yield f"securityContext.{path} must be {_either(allowed)}, in the container or in the pod"
    yield from _others(spec, PROBES)
    for port in spec["ports"].each():
        yield from _others(port, {"hostPort": (None, 0)})


def _others(node: Node, rules: Allowed, prefix: str = "") -> Iterator[str]:
    """A violation for each field whose value is not allowed."""
    for path, allowed in rules.items():
        if not node.at(path).may_be(*allowed):
            yield f"{prefix}{path} must be {_either(allowed)}"


def _either(allowed: tuple[object, ...]) -> str:
    return " or ".join("absent" if value is None else json.dumps(value) for value in allowed)


def _users(context: Node) -> Iterator[str]:
    if context["runAsUser"].is_surely(0):
        yield "securityContext.runAsUser must not be 0"


def _volumes(pod: Node) -> Iterator[str]:
    for volume in pod["volumes"].each():
        for key in volume.fields:
            if key != "name" and key not in VOLUMES:
                yield f"volume `{volume['name'].text}` is a {key}: use one of {', '.join(sorted(VOLUMES))}"


def _capabilities(capabilities: Node) -> Iterator[str]:
    if not capabilities["drop"].may_contain("ALL"):
        yield "securityContext.capabilities.drop must contain ALL"
    for added in capabilities["add"].texts():
        if added not in CAPABILITIES:
            yield f"securityContext.capabilities.add must not contain {added}"
