"""Check of the machine before anything is downloaded, with a remedy for each missing requirement."""

import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from testbed.build.artifact import Artifact, Lane
from testbed.build.commands import BuildError
from testbed.build.debian import KEYRING

_GIB = 1024**3
# Go's module and build caches take most of it, and are removed at the end.
_COMPILING_FREE_GIB = 16
_PACKING_FREE_GIB = 4
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PROCESSORS = ("x86_64", "aarch64")
_PROGRAMS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "perl": "perl-base",
    "setpriv": "util-linux",
    "tar": "tar",
    "unshare": "util-linux",
}
_OTHERWISE = "Or use a cluster of your own: make up CONTEXT=<a context of your kubeconfig>."


def check(cache: Path, plan: Sequence[Artifact]) -> None:
    """Raise a BuildError that lists everything that this machine lacks to build the artifacts in `plan`."""
    faults: list[str] = []
    if platform.system() != "Linux" or platform.machine() not in _PROCESSORS:
        faults.append(
            f"The embedded cluster runs on Linux on {' or '.join(_PROCESSORS)};"
            f" this is {platform.system()} on {platform.machine()}."
        )
    elif os.geteuid() != 0:
        faults.append("The embedded cluster needs root (it mounts file systems): run the same command as root.")
    absent = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    if absent:
        faults.append(f"Programs are missing: apt-get install {' '.join(absent)} (on Debian or Ubuntu).")
    if not KEYRING.exists():
        faults.append(f"Debian's archive keys are missing ({KEYRING}): apt-get install debian-archive-keyring.")
    if not _CERTIFICATES.exists() and "SSL_CERT_FILE" not in os.environ:
        faults.append(f"CA certificates are missing ({_CERTIFICATES}): apt-get install ca-certificates.")
    needed = _COMPILING_FREE_GIB if any(artifact.lane is Lane.COMPILE for artifact in plan) else _PACKING_FREE_GIB
    free = shutil.disk_usage(cache).free / _GIB
    if free < needed:
        faults.append(
            f"{cache} has {free:.0f} GiB free and this build needs up to {needed} GiB:"
            " free some space, or set XDG_CACHE_HOME to a larger disk."
        )
    if faults:
        raise BuildError("\n".join([*faults, _OTHERWISE]))
