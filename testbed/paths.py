"""Where the embedded cluster keeps things: a cache that can be rebuilt, and data that cannot."""

import os
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import EmbeddedError

PROJECT = "mlflow-platform"
CHECKOUT = Path(__file__).resolve().parent.parent


def _xdg(variable: str, default: str) -> Path:
    """Resolve an XDG base directory; the specification says that a relative value is to be ignored."""
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():
        base = Path.home() / default
    path = base / PROJECT
    if any(mark in str(path) for mark in ",:\\\n"):
        raise EmbeddedError(
            f"{variable} gives {path}: overlay file systems and search paths cannot carry a comma, colon,"
            f" backslash or line break. Set {variable} to a path without them."
        )
    return path


def cache() -> Path:
    """Built programs, root file systems and image archives; safe to delete while nothing runs."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def data() -> Path:
    """The cluster's state, volumes, Pulumi state, passphrase and logs. Every clone on the machine shares it."""
    return _xdg("XDG_DATA_HOME", ".local/share")


@dataclass(frozen=True)
class Home:
    """The places below `data()`, by name."""

    root: Path

    @property
    def node(self) -> Path:
        """What the node must find again after a stop: etcd, certificates, kubelet, containers."""
        return self.root / "node"

    @property
    def logs(self) -> Path:
        """Logs of the node's programs, of the door and of the pods."""
        return self.root / "log"

    @property
    def volumes(self) -> Path:
        """One directory for each PersistentVolume."""
        return self.root / "volumes"

    @property
    def kubeconfig(self) -> Path:
        """The cluster's administrator, as seen from the machine."""
        return self.root / "kubeconfig"

    @property
    def passphrase(self) -> Path:
        """What the Pulumi state's secrets are encrypted with."""
        return self.root / "passphrase"

    @property
    def pulumi_state(self) -> Path:
        """Pulumi's file backend."""
        return self.root / "state"

    @property
    def policy_pack(self) -> Path:
        """The policy pack as the embedded engine runs it."""
        return self.root / "policy-pack"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own directory: plugins and its logs, apart from the user's ~/.pulumi."""
        return self.root / "pulumi-home"


def home() -> Home:
    """Return the places of the machine's embedded cluster."""
    return Home(data())
