"""Builds everything the embedded cluster runs, from package registries only, into the cache.

The build starts nothing: it returns paths, with which other modules of `testbed` start the node, its add-ons and the
engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.build import go, machine
from testbed.build.artifact import Artifact
from testbed.build.catalogue import catalogue
from testbed.build.commands import BuildError
from testbed.build.scheduler import Progress, build
from testbed.paths import cache

__all__ = ["Artifacts", "BuildError", "Progress", "engine_bin", "everything", "programs", "rehearsal"]


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Paths of the finished artifacts. An artifact is never modified: one with different content has another path."""

    engine_bin: Path
    """Directory for PATH with pulumi, its language host for Python, its policy host, and kubectl. Its subdirectory
    `plugins` must not be on PATH."""
    node_rootfs: Path
    """The node's root file system, including /usr/local/bin/{kubeadm,kubelet,…}."""
    images: tuple[Path, ...]
    """Archives for `ctr images import`, each with all tags of its image."""
    definitions: Path
    """Manifest of the CustomResourceDefinitions."""


def everything(progress: Progress) -> Artifacts:
    """Build the artifacts that are not in the cache yet, and return the paths of all artifacts.

    Raises BuildError with the failed artifact, the end of its log and a remedy.
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
    """Build the images that only some of the end-to-end tests deploy, and return the paths of their archives."""
    return _archives(catalogue(cache()).rehearsal, progress)


def programs(names: Sequence[str], progress: Progress) -> tuple[Path, ...]:
    """Build the images of folders of `testbed/programs/`, and return the paths of their archives.

    Raises BuildError for a name that is not one of these folders.
    """
    known = catalogue(cache()).programs
    if unknown := sorted(set(names).difference(known)):
        raise BuildError(f"testbed/programs has no {', '.join(unknown)}. It has: {', '.join(known) or 'nothing'}.")
    return _archives([known[name] for name in names], progress)


def _archives(wanted: Sequence[Artifact], progress: Progress) -> tuple[Path, ...]:
    directory = cache()
    build(
        wanted,
        directory,
        progress,
        prepare=lambda plan: machine.check(directory, plan),
        scrap=go.scrap(directory),
    )
    return tuple(image.path for image in wanted)


def engine_bin() -> Path:
    """Return the directory of the engine's programs, which may not be built yet."""
    return catalogue(cache()).engine.path
