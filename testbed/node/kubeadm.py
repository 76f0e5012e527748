"""Configuration and creation of the cluster by kubeadm.

Everything that is not set here or in `files/` is kubeadm's default: certificates, kubeconfigs, component flags.
"""

import json
import resource
import shutil
from pathlib import Path

from testbed.node.process import Node
from testbed.node.progress import Say, run_logged
from testbed.paths import PROJECT
from testbed.versions import ETCD_TAG, KUBERNETES

NODE_ADDRESS = "10.89.0.2"
API_PORT = 6443
POD_SUBNET = "10.244.0.0/16"
SERVICE_SUBNET = "10.96.0.0/16"
CGROUP_ROOT = f"/{PROJECT}"
CONFIGURATION = "/etc/kubernetes/kubeadm.yaml"
PATCHES = "/etc/mlflow-platform/kubeadm-patches"
INIT_SECONDS = 300
# Kubelet's default, with which kubelet fails if the machine's limit is lower.
KUBELET_OPEN_FILES = 1_000_000
# Directories that kubeadm writes; removed after an interrupted run.
OUTPUT = ("kubernetes", "kubelet", "etcd")

Arguments = list[dict[str, str]]


def _arguments(**values: str) -> Arguments:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


def configuration(open_files: int) -> str:
    """Render kubeadm's configuration file; JSON, which is YAML too.

    Args:
        open_files: the machine's limit of open files per process.
    """
    kubeadm = "kubeadm.k8s.io/v1beta4"
    init = {
        "apiVersion": kubeadm,
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": NODE_ADDRESS, "bindPort": API_PORT},
        "nodeRegistration": {
            "name": PROJECT,
            "criSocket": "unix:///run/containerd/containerd.sock",
            "taints": [],  # the only node runs all pods
            "imagePullPolicy": "Never",
            "kubeletExtraArgs": _arguments(node_ip=NODE_ADDRESS),
        },
        "patches": {"directory": PATCHES},
    }
    # A single replica needs no leader election, whose lease would be written to disk every two seconds.
    alone = {"extraArgs": _arguments(leader_elect="false", profiling="false")}
    cluster = {
        "apiVersion": kubeadm,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{KUBERNETES}",
        "clusterName": PROJECT,
        # Ten years: nobody renews the certificates of a development cluster.
        "certificateValidityPeriod": "87600h",
        "networking": {"podSubnet": POD_SUBNET, "serviceSubnet": SERVICE_SUBNET},
        "etcd": {"local": {"imageTag": ETCD_TAG}},
        "apiServer": {
            # The machine connects to the API server at its own loopback address.
            "certSANs": ["127.0.0.1", "localhost"],
            # The node's name is not in DNS: if the API server used the name, `kubectl logs` and `exec` would fail.
            "extraArgs": _arguments(kubelet_preferred_address_types="InternalIP", profiling="false"),
        },
        "controllerManager": alone,
        "scheduler": alone,
    }
    proxy = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "oomScoreAdj": 0,
        # Leave connection tracking alone: its limits apply to the whole machine.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    return "---\n".join(
        json.dumps(document, indent=2) + "\n" for document in (init, cluster, _kubelet(open_files), proxy)
    )


def _kubelet(open_files: int) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",  # there is no systemd in the node
        "cgroupRoot": CGROUP_ROOT,
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,  # a lower one needs CAP_SYS_RESOURCE, which virtual machines often lack
        "maxOpenFiles": min(open_files, KUBELET_OPEN_FILES),
        # Never remove images: there is no registry to pull them from.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # Do not evict pods because other programs fill the machine's disk.
        "evictionHard": {
            "memory.available": "100Mi",
            "imagefs.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "containerLogMaxSize": "5Mi",
        "containerLogMaxFiles": 2,
    }


def forget(state: Path) -> None:
    """Remove the files of an interrupted `kubeadm init`; they contain no user data yet."""
    for name in OUTPUT:
        shutil.rmtree(state / name, ignore_errors=True)


def initialise(node: Node, say: Say) -> None:
    """Create the cluster on a running node."""
    _, open_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    (node.home.node / "kubernetes" / Path(CONFIGURATION).name).write_text(configuration(open_files))
    log = node.home.logs / "node" / "kubeadm.log"
    log.unlink(missing_ok=True)
    command = node.inside(
        "kubeadm",
        "init",
        f"--config={CONFIGURATION}",
        # The preflight checks expect a dedicated machine (systemd, free ports, kernel modules). CoreDNS comes with
        # the add-ons, and no other node joins.
        "--ignore-preflight-errors=all",
        "--skip-phases=preflight,addon/coredns,show-join-command",
    )
    run_logged(command, "kubeadm init", seconds=INIT_SECONDS, say=say, log=log)
