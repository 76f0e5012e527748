"""The kubeconfig of the embedded cluster, for use on the machine."""

import json
import re

from testbed.errors import EmbeddedError
from testbed.paths import PROJECT

_FIELDS = ("certificate-authority-data", "client-certificate-data", "client-key-data")


def render(admin: str, server: str) -> str:
    """Render the kubeconfig of kubeadm's administrator with another server address; JSON, which is YAML too."""
    values: dict[str, str] = {}
    for field in _FIELDS:
        found = re.search(rf"^\s*{field}: (\S+)$", admin, re.MULTILINE)
        if found is None:
            raise EmbeddedError(
                f"kubeadm's admin.conf has no {field}: create the cluster again by `make destroy` and `make up`"
            )
        values[field] = found[1]
    authority, certificate, key = _FIELDS
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": PROJECT, "cluster": {"server": server, authority: values[authority]}}],
        "users": [{"name": PROJECT, "user": {certificate: values[certificate], key: values[key]}}],
        "contexts": [{"name": PROJECT, "context": {"cluster": PROJECT, "user": PROJECT}}],
        "current-context": PROJECT,
    }
    return json.dumps(config, indent=2) + "\n"
