"""Debian root file systems: a minimal one, and two that extend it, for the node and for the image builder."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed import versions
from testbed.build.artifact import Artifact, Bench, digest
from testbed.build.commands import BuildError

MIRROR = "http://deb.debian.org/debian"
SECURITY_MIRROR = "http://deb.debian.org/debian-security"
# apt verifies every package list and package with these keys, so the mirror itself need not be trusted.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

SCRIPTS = Path(__file__).parent / "debian"

_NODE_PACKAGES = (
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "ethtool",
    "hostname",
    "iproute2",
    "ipset",
    "iptables",
    "kmod",
    "mount",
    "nftables",
    "procps",
    "runc",
    "socat",
    "util-linux",
)
# netavark sets up networks that no build here uses, but buildah does not start without it.
_BUILDER_PACKAGES = ("buildah", "ca-certificates", "netavark")
_KUBERNETES_NAMES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubelet",
)
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL")


def enter(root: Path, bench: Bench, argv: Sequence[str | Path], binds: Mapping[str, Path]) -> None:
    """Run a command inside a root file system; each path in `binds` is bind-mounted there as /run/<name>."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    }
    mounts = [f"{source}:{name}" for name, source in binds.items()]
    bench.run([SCRIPTS / "enter-root.sh", root, *mounts, "--", *argv], env=environment)


def debootstrap(cache: Path) -> Artifact:
    """Return the artifact with the Debian package debootstrap, unpacked but not installed."""

    def make(result: Path, bench: Bench) -> None:
        # apt gets its own lists and caches. The machine's stay unchanged, and the machine may run any Debian release.
        sources = bench.scratch / "sources.list"
        sources.write_text(f"deb [signed-by={KEYRING}] {MIRROR} {versions.DEBIAN} main\n")
        for directory in ("state/lists/partial", "cache/archives/partial"):
            (bench.scratch / directory).mkdir(parents=True)
        options = {
            "Dir::Etc::SourceList": sources,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State": bench.scratch / "state",
            "Dir::State::Status": "/dev/null",
            "Dir::Cache": bench.scratch / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            # By default, apt falls back to old lists if it cannot download new ones. That would hide a network failure.
            "APT::Update::Error-Mode": "any",
        }
        apt = ["apt-get", *(f"-o{name}={value}" for name, value in options.items())]
        bench.run([*apt, "update"])
        bench.run([*apt, "download", "debootstrap"], cwd=bench.scratch)
        packages = list(bench.scratch.glob("debootstrap_*.deb"))
        if len(packages) != 1:
            message = f"Expected one package debootstrap from {MIRROR} for {versions.DEBIAN}, found {packages}."
            raise BuildError(message)
        bench.run(["dpkg-deb", "--extract", packages[0], result])

    return Artifact(
        name="debootstrap",
        version=versions.DEBIAN,
        cache=cache,
        recipe=digest(MIRROR),
        make=make,
        usual_seconds=8,
    )


def base(cache: Path, bootstrap: Artifact) -> Artifact:
    """Return the artifact with a minimal Debian root file system, like that of Docker's slim image."""

    def make(result: Path, bench: Bench) -> None:
        program = bootstrap.path / "usr" / "sbin" / "debootstrap"
        programs = bench.scratch / "bin"
        programs.mkdir()
        shutil.copy(SCRIPTS / "wget", programs)
        environment = {
            **os.environ,
            "DEBOOTSTRAP_DIR": str(bootstrap.path / "usr" / "share" / "debootstrap"),
            "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
        }
        arguments = ["--variant=minbase", f"--keyring={KEYRING}", versions.DEBIAN, str(result), MIRROR]
        bench.run(
            # debootstrap mounts /proc. In its own mount namespace, no mount is left when it is killed.
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--", program, *arguments],
            env=environment,
        )
        script = ["sh", "/run/script", versions.DEBIAN, MIRROR, SECURITY_MIRROR]
        enter(result, bench, script, {"script": SCRIPTS / "base.sh"})
        # debootstrap copies these two files from the machine. What is built from this root must not contain them.
        (result / "etc" / "hostname").unlink()
        (result / "etc" / "resolv.conf").write_text("")

    return Artifact(
        name="debian",
        version=versions.DEBIAN,
        cache=cache,
        recipe=digest(MIRROR, SECURITY_MIRROR, SCRIPTS / "base.sh"),
        make=make,
        tools=(bootstrap,),
        usual_seconds=60,
    )


def _extended(root: Path, result: Path, bench: Bench, packages: Sequence[str]) -> None:
    bench.run(["cp", "--archive", "--reflink=auto", root, result])
    enter(result, bench, ["sh", "/run/script", *packages], {"script": SCRIPTS / "install.sh"})


def node(cache: Path, debian: Artifact, kubernetes: Artifact) -> Artifact:
    """Return the artifact with the node's root file system: containerd, network tools, Kubernetes."""

    def make(result: Path, bench: Bench) -> None:
        _extended(debian.path, result, bench, _NODE_PACKAGES)
        for name in _KUBERNETES_NAMES:
            os.link(kubernetes.path, result / "usr" / "local" / "bin" / name)

    return Artifact(
        name="node",
        version=f"{versions.DEBIAN}-{versions.KUBERNETES}",
        cache=cache,
        recipe=digest(SCRIPTS / "install.sh", *_NODE_PACKAGES, *_KUBERNETES_NAMES),
        make=make,
        needs=(debian, kubernetes),
        usual_seconds=25,
    )


def builder(cache: Path, debian: Artifact) -> Artifact:
    """Return the artifact with the root file system in which images are built."""

    def make(result: Path, bench: Bench) -> None:
        _extended(debian.path, result, bench, _BUILDER_PACKAGES)

    return Artifact(
        name="image-builder",
        version=versions.DEBIAN,
        cache=cache,
        recipe=digest(SCRIPTS / "install.sh", *_BUILDER_PACKAGES),
        make=make,
        needs=(debian,),
        usual_seconds=20,
    )
