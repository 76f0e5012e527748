"""All artifacts of the embedded cluster, in the order in which to build them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import versions
from testbed.build import debian, go, images, program_images, pypi, upgrades
from testbed.build.artifact import Artifact, Bench, digest
from testbed.build.images import STAND_INS, Image
from testbed.paths import CHECKOUT

_POLICY_HOST = "pulumi-analyzer-policy-python-pack"
_POLICY_HOST_SCRIPT = Path(__file__).parent / "engine" / _POLICY_HOST


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The artifacts of the embedded cluster, and those that only end-to-end tests need (`rehearsal`)."""

    kubernetes: Artifact
    node: Artifact
    control_plane: tuple[Artifact, ...]
    """Images of the cluster's own components, such as the API server and CoreDNS."""
    engine: Artifact
    platform: tuple[Artifact, ...]
    """Images of the workloads in the cluster."""
    definitions: Artifact
    """Manifest of the CustomResourceDefinitions."""
    rehearsal: tuple[Artifact, ...]
    """Images that only some of the end-to-end tests deploy."""
    programs: Mapping[str, Artifact]
    """Images of `testbed/programs/`, by name of the folder."""

    @property
    def images(self) -> tuple[Artifact, ...]:
        """All image archives except those of `rehearsal`."""
        return (*self.control_plane, *self.platform)

    @property
    def all(self) -> tuple[Artifact, ...]:
        """All artifacts except `rehearsal`: first the slowest to compile, then those that the node needs to start."""
        return (self.kubernetes, self.node, *self.control_plane, self.engine, self.definitions, *self.platform)


def _engine(cache: Path, toolchain: go.Toolchain) -> Artifact:
    programs = {
        "pulumi": toolchain.program(cache, go.PULUMI),
        "pulumi-language-python": toolchain.program(cache, go.PULUMI_LANGUAGE_PYTHON),
        "pulumi-language-python-exec": toolchain.language_exec(cache),
        "kubectl": pypi.program(cache, versions.KUBECTL, "kubectl"),
        # In a subdirectory that is not on PATH: the engine treats a plugin on PATH as one that the user is developing.
        "plugins/pulumi-resource-kubernetes": toolchain.program(cache, go.PULUMI_KUBERNETES),
    }

    def make(result: Path, _: Bench) -> None:
        (result / "plugins").mkdir(parents=True)
        for name, artifact in programs.items():
            os.link(artifact.path, result / name)
        host = result / _POLICY_HOST
        host.write_bytes(_POLICY_HOST_SCRIPT.read_bytes())
        host.chmod(0o755)

    return Artifact(
        name="engine",
        version=versions.PULUMI,
        cache=cache,
        recipe=digest(_POLICY_HOST_SCRIPT, *programs),
        make=make,
        needs=tuple(programs.values()),
        usual_seconds=1,
    )


def _control_plane(kubernetes: Artifact, pause: Artifact, coredns: Artifact, empty_root: Artifact) -> tuple[Image, ...]:
    """Return the definitions of the cluster's own images: control plane, kube-proxy, CoreDNS, network policies."""
    return (
        Image(
            context=STAND_INS / "pause",
            version=versions.PAUSE,
            references=(versions.PAUSE_IMAGE,),
            files={"pause": pause},
        ),
        Image(
            context=STAND_INS / "kubernetes",
            version=versions.KUBERNETES,
            references=(
                versions.KUBE_APISERVER_IMAGE,
                versions.KUBE_CONTROLLER_MANAGER_IMAGE,
                versions.KUBE_SCHEDULER_IMAGE,
                versions.KUBE_PROXY_IMAGE,
            ),
            files={"kubernetes": kubernetes},
            usual_seconds=20,
        ),
        Image(context=STAND_INS / "etcd", version=versions.ETCD, references=(versions.ETCD_IMAGE,)),
        Image(
            context=STAND_INS / "coredns",
            version=versions.COREDNS,
            references=(versions.COREDNS_IMAGE,),
            files={"coredns": coredns, "root.tar": empty_root},
        ),
        Image(
            context=CHECKOUT / "testbed" / "network_policies",
            version=versions.NETWORK_POLICIES,
            references=(versions.NETWORK_POLICIES_IMAGE,),
        ),
    )


def _platform(
    traefik: Artifact, weed: Artifact, oauth2_proxy: Artifact, dex: Artifact, empty_root: Artifact
) -> tuple[Image, ...]:
    """Return the definitions of the workloads' images: Traefik, PostgreSQL, MLflow and others."""
    return (
        Image(
            context=STAND_INS / "traefik",
            version=versions.TRAEFIK.version,
            references=(versions.TRAEFIK_IMAGE,),
            files={"traefik": traefik, "root.tar": empty_root},
        ),
        Image(context=STAND_INS / "haproxy", version=versions.HAPROXY, references=(versions.HAPROXY_IMAGE,)),
        Image(
            context=STAND_INS / "postgres",
            version=versions.POSTGRES,
            references=(versions.POSTGRES_IMAGE,),
            usual_seconds=25,
        ),
        Image(
            context=STAND_INS / "seaweedfs",
            version=versions.SEAWEEDFS.version,
            references=(versions.SEAWEEDFS_IMAGE,),
            files={"weed": weed},
        ),
        Image(
            context=CHECKOUT / "images" / "mlflow",
            version=versions.MLFLOW,
            references=(versions.MLFLOW_IMAGE,),
            usual_seconds=90,
        ),
        Image(
            context=STAND_INS / "oauth2-proxy",
            version=versions.OAUTH2_PROXY,
            references=(versions.OAUTH2_PROXY_IMAGE,),
            files={"oauth2-proxy": oauth2_proxy, "root.tar": empty_root},
        ),
        Image(
            context=STAND_INS / "dex",
            version=versions.DEX,
            references=(versions.DEX_IMAGE,),
            files={"dex": dex, "root.tar": empty_root},
        ),
    )


def _metrics_server(program: Artifact, empty_root: Artifact) -> Image:
    return Image(
        context=STAND_INS / "metrics-server",
        version=versions.METRICS_SERVER,
        references=(versions.METRICS_SERVER_IMAGE,),
        files={"metrics-server": program, "root.tar": empty_root},
    )


def _squid() -> Image:
    return Image(
        context=STAND_INS / "squid",
        version=versions.SQUID,
        references=(versions.SQUID_IMAGE,),
        usual_seconds=15,
    )


def catalogue(cache: Path) -> Catalogue:
    """Return the definitions of all artifacts, without building them; looks for a Go compiler on the machine."""
    toolchain = go.Toolchain(cache)
    kubernetes = toolchain.program(cache, go.KUBERNETES)
    root = debian.base(cache, debian.debootstrap(cache))
    builder = debian.builder(cache, root)
    debian_image = images.debian_store(cache, root, builder)
    empty_root = images.empty_root(cache, root, builder)
    control_plane = _control_plane(
        kubernetes=kubernetes,
        pause=toolchain.program(cache, go.PAUSE),
        coredns=toolchain.program(cache, go.COREDNS),
        empty_root=empty_root,
    )
    platform = _platform(
        traefik=pypi.program(cache, versions.TRAEFIK, "traefik"),
        weed=pypi.program(cache, versions.SEAWEEDFS, "weed"),
        oauth2_proxy=toolchain.program(cache, go.OAUTH2_PROXY),
        dex=toolchain.program(cache, go.DEX),
        empty_root=empty_root,
    )
    archives = tuple(images.archive(cache, image, debian_image, builder) for image in platform)
    (mlflow,) = (archive for archive, image in zip(archives, platform, strict=True) if image.context == upgrades.MLFLOW)
    metrics_server = _metrics_server(toolchain.program(cache, go.METRICS_SERVER), empty_root)
    return Catalogue(
        kubernetes=kubernetes,
        node=debian.node(cache, root, kubernetes),
        control_plane=tuple(images.archive(cache, image, debian_image, builder) for image in control_plane),
        engine=_engine(cache, toolchain),
        definitions=toolchain.gateway_api(cache),
        platform=archives,
        rehearsal=(
            *upgrades.images(cache, mlflow, debian_image, builder),
            images.archive(cache, metrics_server, debian_image, builder),
            images.archive(cache, _squid(), debian_image, builder),
        ),
        programs=program_images.images(cache, debian_image, builder),
    )
