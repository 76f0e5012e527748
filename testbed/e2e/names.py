"""Host names outside the embedded cluster, whose DNS resolves no such name by itself."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from testbed.e2e.kube import kubectl

READY_SECONDS = 120


@contextmanager
def resolving(addresses: Mapping[str, str]) -> Generator[None]:
    """Resolve names, and all names below them, to IPv4 addresses; other names stay as they are."""
    get = kubectl("get", "configmap", "coredns", "--namespace=kube-system", "--output=json")
    before = json.loads(get.stdout)["data"]["Corefile"]
    _resolve_by("".join(_zone(name, address) for name, address in addresses.items()) + before)
    try:
        yield
    finally:
        _resolve_by(before)


def _zone(name: str, address: str) -> str:
    answer = f'template IN A {{\n        answer "{{{{ .Name }}}} 30 IN A {address}"\n    }}'
    return f"{name}:5353 {{\n    errors\n    {answer}\n    template IN ANY {{\n        rcode NOERROR\n    }}\n}}\n"


def _resolve_by(corefile: str) -> None:
    patch = json.dumps({"data": {"Corefile": corefile}})
    kubectl("patch", "configmap", "coredns", "--namespace=kube-system", "--type=merge", f"--patch={patch}")
    kubectl("rollout", "restart", "deployment/coredns", "--namespace=kube-system")
    wait = f"--timeout={READY_SECONDS}s"
    kubectl("rollout", "status", "deployment/coredns", "--namespace=kube-system", wait, seconds=READY_SECONDS)
