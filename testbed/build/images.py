"""Container images as archives for `ctr images import`, built from Dockerfiles by buildah.

Upstream images cannot be pulled here, so images that are built here replace them. A replacement has the name of the
upstream image, and the programs at the same paths, so that a manifest works with either. `images/mlflow` and
`testbed/network_policies` replace nothing: they are images of this project.
"""

import io
import json
import os
import resource
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed import versions
from testbed.build.artifact import Artifact, Bench, digest
from testbed.build.debian import SCRIPTS, enter

STAND_INS = Path(__file__).parent / "images"
"""Directory with the Dockerfiles of the images that replace upstream images."""

_MACHINE_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: the directory of its Dockerfile, its tags, and the artifacts in its build context."""

    context: Path
    """The directory of the Dockerfile; the image's artifact is named after this directory."""
    version: str
    references: tuple[str, ...]
    """Image references in manifests; the archive is tagged with all of them."""
    files: Mapping[str, Artifact] = field(default_factory=dict[str, Artifact])
    """Artifacts by file name in the build context; each replaces a file of this name in the Dockerfile's directory."""
    usual_seconds: int = 10

    def fill(self, context: Path) -> None:
        """Write the build context to a new directory."""
        shutil.copytree(self.context, context)
        for name, artifact in self.files.items():
            (context / name).unlink(missing_ok=True)
            os.link(artifact.path, context / name)


def empty_root(cache: Path, debian: Artifact, builder: Artifact) -> Artifact:
    """Return the artifact with the root file system for images of static binaries: CA certificates and /tmp."""
    authorities = "etc/ssl/certs/ca-certificates.crt"

    def make(result: Path, _: Bench) -> None:
        with tarfile.open(result, "w") as target:
            temporary = tarfile.TarInfo("tmp")
            temporary.type = tarfile.DIRTYPE
            temporary.mode = 0o1777
            target.addfile(temporary)
            target.add(builder.path / authorities, authorities)

    return Artifact(
        name="empty-root",
        version=versions.DEBIAN,
        cache=cache,
        recipe=digest(authorities),
        make=make,
        needs=(debian,),
        tools=(builder,),
        usual_seconds=1,
        suffix=".tar",
    )


def _renamed(archive: Path, result: Path, references: tuple[str, ...]) -> None:
    """Copy a Docker archive and tag its image with all references; buildah writes only one tag."""
    with tarfile.open(archive) as source, tarfile.open(result, "w") as target:
        for member in source:
            content = source.extractfile(member)
            if member.name == "manifest.json" and content is not None:
                manifest: list[dict[str, Any]] = json.load(content)
                manifest[0]["RepoTags"] = list(references)
                data = json.dumps(manifest).encode()
                member.size = len(data)
                content = io.BytesIO(data)
            target.addfile(member, content)


def debian_store(cache: Path, debian: Artifact, builder: Artifact) -> Artifact:
    """Return the artifact with a buildah image store that contains the Debian image, the base of other images."""
    context = STAND_INS / "debian"

    def make(result: Path, bench: Bench) -> None:
        work = bench.scratch / "work"
        work.mkdir()
        shutil.copytree(context, bench.scratch / "context")
        bench.run(["tar", "--create", "--file", bench.scratch / "context" / "root.tar", "-C", debian.path, "."])
        _build(versions.DEBIAN_IMAGE, builder, bench, {"context": bench.scratch / "context", "scratch": work})
        (work / "store").rename(result)

    return Artifact(
        name="debian-image",
        version=versions.DEBIAN,
        cache=cache,
        recipe=digest(context, SCRIPTS / "image.sh"),
        make=make,
        needs=(debian,),
        tools=(builder,),
        usual_seconds=8,
    )


def _limits() -> list[str]:
    """Return buildah options that keep this process's ulimits: in a container, raising them to defaults may fail."""
    options: list[str] = []
    for name, limit in (("nproc", resource.RLIMIT_NPROC), ("nofile", resource.RLIMIT_NOFILE)):
        soft, hard = resource.getrlimit(limit)
        if resource.RLIM_INFINITY not in {soft, hard}:
            options.append(f"--ulimit={name}={soft}:{hard}")
    return options


def _build(reference: str, builder: Artifact, bench: Bench, binds: Mapping[str, Path]) -> None:
    options = _limits()
    machine: dict[str, Path] = {}
    if _MACHINE_CERTIFICATES.exists():
        # The CA of a network that intercepts TLS is trusted during the build only; the image does not contain it.
        machine["ca"] = _MACHINE_CERTIFICATES
        options.append("--secret=id=ca,src=/run/ca")
    if "PIP_INDEX_URL" in os.environ:
        # Only the name: buildah takes the value, which may contain a password, from the environment.
        options.append("--build-arg=PIP_INDEX_URL")
    script = {"script": SCRIPTS / "image.sh"}
    enter(builder.path, bench, ["sh", "/run/script", reference, *options], {**binds, **machine, **script})


def archive(cache: Path, image: Image, debian_image: Artifact, builder: Artifact) -> Artifact:
    """Return the artifact with the image's archive."""

    def make(result: Path, bench: Bench) -> None:
        work = bench.scratch / "work"
        work.mkdir()
        context = bench.scratch / "context"
        image.fill(context)
        binds = {"context": context, "scratch": work, "base": debian_image.path}
        _build(image.references[0], builder, bench, binds)
        _renamed(work / "image.tar", result, image.references)

    return Artifact(
        name=f"image-{image.context.name}",
        version=image.version,
        cache=cache,
        recipe=digest(image.context, *image.references, SCRIPTS / "image.sh"),
        make=make,
        needs=(*image.files.values(), debian_image),
        tools=(builder,),
        usual_seconds=image.usual_seconds,
        suffix=".tar",
    )
