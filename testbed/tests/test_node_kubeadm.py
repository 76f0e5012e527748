"""The configuration for kubeadm."""

import json
from pathlib import Path
from typing import Any

import pytest

from testbed import versions
from testbed.node import kubeadm

OPEN_FILES = 20_000


@pytest.fixture
def documents() -> dict[str, dict[str, Any]]:
    parts = kubeadm.configuration(OPEN_FILES).split("---\n")
    return {part["kind"]: part for part in map(json.loads, parts)}


def test_the_configuration_holds_one_document_of_each_kind(documents: dict[str, dict[str, Any]]) -> None:
    assert sorted(documents) == [
        "ClusterConfiguration",
        "InitConfiguration",
        "KubeProxyConfiguration",
        "KubeletConfiguration",
    ]


def test_kubelet_keeps_all_pods_below_the_projects_own_cgroup(documents: dict[str, dict[str, Any]]) -> None:
    assert documents["KubeletConfiguration"]["cgroupRoot"] == "/mlflow-platform"


def test_kubelet_asks_for_no_more_open_files_than_the_machine_allows(documents: dict[str, dict[str, Any]]) -> None:
    assert documents["KubeletConfiguration"]["maxOpenFiles"] == OPEN_FILES


def test_kubelet_asks_for_its_own_default_where_the_machine_allows_more() -> None:
    assert '"maxOpenFiles": 1000000' in kubeadm.configuration(2**30)


def test_kubelet_never_removes_an_image_because_it_could_not_get_it_back(documents: dict[str, dict[str, Any]]) -> None:
    kubelet = documents["KubeletConfiguration"]
    assert (kubelet["imageGCHighThresholdPercent"], kubelet["evictionHard"]["imagefs.available"]) == (100, "0%")


def test_kube_proxy_leaves_the_machines_connection_tracking_alone(documents: dict[str, dict[str, Any]]) -> None:
    assert documents["KubeProxyConfiguration"]["conntrack"]["maxPerCore"] == 0


def test_the_api_servers_certificate_is_valid_for_the_machines_loopback_address(
    documents: dict[str, dict[str, Any]],
) -> None:
    assert "127.0.0.1" in documents["ClusterConfiguration"]["apiServer"]["certSANs"]


def test_the_images_are_those_that_the_build_makes(documents: dict[str, dict[str, Any]]) -> None:
    cluster = documents["ClusterConfiguration"]
    etcd = f"registry.k8s.io/etcd:{cluster['etcd']['local']['imageTag']}"
    api_server = f"registry.k8s.io/kube-apiserver:{cluster['kubernetesVersion']}"
    assert (etcd, api_server) == (versions.ETCD_IMAGE, versions.KUBE_APISERVER_IMAGE)


def test_etcd_waits_for_the_disk(documents: dict[str, dict[str, Any]]) -> None:
    """The cluster's state is a user's data: no `unsafe-no-fsync`."""
    assert "extraArgs" not in documents["ClusterConfiguration"]["etcd"]["local"]


def test_an_interrupted_kubeadm_leaves_nothing_behind_but_images(tmp_path: Path) -> None:
    for name in ("kubernetes", "kubelet", "etcd", "containerd"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    kubeadm.forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["containerd"]
