"""The machine's kubeconfig."""

import json

import pytest

from testbed.errors import EmbeddedError
from testbed.node.kubeconfig import render

ADMIN = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: QVVUSE9SSVRZ
    server: https://10.89.0.2:6443
  name: mlflow-platform
users:
- name: kubernetes-admin
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
"""


def test_the_kubeconfig_has_the_forwarded_port_and_kubeadms_credentials() -> None:
    config = json.loads(render(ADMIN, "https://127.0.0.1:16443"))
    assert config["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:16443",
        "certificate-authority-data": "QVVUSE9SSVRZ",
    }
    assert config["users"][0]["user"] == {"client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ"}
    assert config["current-context"] == "mlflow-platform"


def test_an_administrators_file_without_a_key_is_refused_by_name() -> None:
    with pytest.raises(EmbeddedError, match="no client-key-data"):
        render(ADMIN.replace("client-key-data", "client-key"), "https://127.0.0.1:16443")
