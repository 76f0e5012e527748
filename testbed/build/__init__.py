"""Builds everything the embedded cluster runs, from package registries only, into the cache.

It gives file names and starts nothing: the node, its add-ons and the engine's environment are made
from them elsewhere in `testbed`.
"""

from dataclasses import dataclass
from pathlib import Path

from testbed.build import go, machine
from testbed.build.catalogue import catalogue
from testbed.build.commands import BuildError
from testbed.build.scheduler import Progress, build
from testbed.paths import cache

__all__ = ["Artifacts", "BuildError", "Progress", "engine_bin", "everything", "rehearsal"]


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Where the finished parts lie; each name changes with its content, and none is ever written to."""

    engine_bin: Path
    """Directory with pulumi, its Python host and policy host, and kubectl: goes on PATH; `plugins` in it does not."""
    node_rootfs: Path
    """The node's root file system, including /usr/local/bin/{kubeadm,kubelet,…}."""
    images: tuple[Path, ...]
    """Archives for `ctr images import`, each with all of its image's names."""
    definitions: Path
    """Manifest of the kinds that Kubernetes itself does not have."""


def everything(progress: Progress) -> Artifacts:
    """Build what is not in the cache yet and return where all of it is.

    Raises BuildError, whose text says what failed, shows the end of its log and says what to do.
    """
    directory = cache()
    wanted = catalogue(directory)
    build(
        wanted.all,
        directory,
        progress,
        prepare=lambda plan: machine.check(directory, plan),
        scrap=go.scrap(directory),
    )
    return Artifacts(
        engine_bin=wanted.engine.path,
        node_rootfs=wanted.node.path,
        images=tuple(image.path for image in wanted.images),
        definitions=wanted.definitions.path,
    )


def rehearsal(progress: Progress) -> tuple[Path, ...]:
    """Build the images that only some of the end-to-end tests deploy, and return where their archives are."""
    directory = cache()
    wanted = catalogue(directory).rehearsal
    build(
        wanted,
        directory,
        progress,
        prepare=lambda plan: machine.check(directory, plan),
        scrap=go.scrap(directory),
    )
    return tuple(image.path for image in wanted)


def engine_bin() -> Path:
    """Return where the engine's programs are or will be; builds nothing and does not look."""
    return catalogue(cache()).engine.path
