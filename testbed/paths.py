"""Directories of the embedded cluster: a cache that can be rebuilt, and data that cannot."""

import os
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import EmbeddedError

PROJECT = "mlflow-platform"
CHECKOUT = Path(__file__).resolve().parent.parent


def _xdg(variable: str, default: str) -> Path:
    """Return the project's directory in an XDG base directory; by the specification, a relative value is ignored."""
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():
        base = Path.home() / default
    path = base / PROJECT
    if any(mark in str(path) for mark in ",:\\\n"):
        raise EmbeddedError(
            f"{variable} gives {path}, but overlay file systems and search paths do not support a comma, colon,"
            f" backslash or line break in it. Set {variable} to a directory without them."
        )
    return path


def cache() -> Path:
    """Return the directory of programs, root file systems and images; safe to delete while the cluster is stopped."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def data() -> Path:
    """Return the directory of cluster state, volumes, Pulumi state, passphrase and logs, which all clones share."""
    return _xdg("XDG_DATA_HOME", ".local/share")


@dataclass(frozen=True)
class Home:
    """The paths of the embedded cluster's data: files and directories below `data()`."""

    root: Path

    @property
    def node(self) -> Path:
        """State of the node that survives a stop: etcd, certificates, kubelet, containers."""
        return self.root / "node"

    @property
    def logs(self) -> Path:
        """Logs of the node's programs, of the port forwarding and of the pods."""
        return self.root / "log"

    @property
    def volumes(self) -> Path:
        """Directory that contains one directory for each PersistentVolume."""
        return self.root / "volumes"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the cluster's administrator, for use on the machine."""
        return self.root / "kubeconfig"

    @property
    def passphrase(self) -> Path:
        """Passphrase that encrypts the secrets in the Pulumi state."""
        return self.root / "passphrase"

    @property
    def pulumi_state(self) -> Path:
        """Directory in which Pulumi's file backend keeps the state."""
        return self.root / "state"

    @property
    def policy_pack(self) -> Path:
        """Copy of the policy pack for the embedded engine."""
        return self.root / "policy-pack"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own directory with plugins and logs, separate from the user's ~/.pulumi."""
        return self.root / "pulumi-home"


def home() -> Home:
    """Return the paths of the machine's embedded cluster."""
    return Home(data())
