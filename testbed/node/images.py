"""Import of image archives into the node's containerd."""

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node.object_types import Object
from testbed.node.process import Node
from testbed.node.progress import Say, run_logged

IMPORT_SECONDS = 600
MEBIBYTE = 1024 * 1024
# Annotation of the pods that the kubelet starts from files.
MIRROR = "kubernetes.io/config.mirror"


def missing(archives: tuple[Path, ...], imported: set[str]) -> list[Path]:
    """Return the archives that have not been imported yet. Archive names contain a digest of the content."""
    return [archive for archive in archives if archive.name not in imported]


def replaced(imported: set[str], archives: tuple[Path, ...]) -> set[str]:
    """Return the names of imported archives whose image is in one of `archives` with different content.

    The caller no longer counts these names as imported, so a return to the older content imports it again.
    """
    wanted = {_image(archive.name): archive.name for archive in archives}
    return {name for name in imported if wanted.get(_image(name), name) != name}


def _image(archive: str) -> str:
    """Name and version in the name of an archive, which ends with the digest of its content."""
    return archive.rpartition("-")[0]


def references(archive: Path) -> set[str]:
    """Return the image references in an archive, such as `localhost/mlflow-platform/mlflow:3.17.2`."""
    with tarfile.open(archive) as content:
        if (manifest := content.extractfile("manifest.json")) is None:
            raise EmbeddedError(f"{archive} is no image archive: its manifest.json is not a file")
        return {tag for image in json.load(manifest) for tag in image["RepoTags"]}


def outdated(objects: Sequence[Object], imported: set[str]) -> list[tuple[str, str]]:
    """Return namespace and name of the running pods whose image reference now names a newly imported image.

    Their pod template is unchanged, so no controller replaces them. Static pods are excluded: the kubelet starts them
    from files.

    Args:
        objects: all objects of the cluster.
        imported: image references in the newly imported archives.
    """
    return [
        (one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for one in objects
        if one["kind"] == "Pod"
        and one["status"].get("phase") == "Running"
        and MIRROR not in one["metadata"].get("annotations", {})
        and any(
            container["image"] in imported
            for container in [*one["spec"].get("initContainers", []), *one["spec"].get("containers", [])]
        )
    ]


def import_missing(node: Node, archives: tuple[Path, ...], say: Say) -> set[str]:
    """Import the archives that containerd does not have yet, and return the references of their images."""
    marks = node.home.node / "images"
    marks.mkdir(exist_ok=True)
    imported = {mark.name for mark in marks.iterdir()}
    for name in replaced(imported, archives):
        (marks / name).unlink()
    log = node.home.logs / "node" / "images.log"
    log.unlink(missing_ok=True)
    lacking = missing(archives, imported)
    for archive in lacking:
        say(f"image {archive.name} ({archive.stat().st_size // MEBIBYTE} MiB)")
        load = node.inside("ctr", "--namespace=k8s.io", "images", "import", "--discard-unpacked-layers", "-")
        with archive.open("rb") as stream:
            run_logged(load, f"image {archive.name}", seconds=IMPORT_SECONDS, say=say, log=log, stdin=stream)
        # containerd does not sync. Without this, a power cut could leave a mark without its image.
        flush = node.inside("sync", "--file-system", "/var/lib/containerd")
        run_logged(flush, "images: flush to disk", seconds=IMPORT_SECONDS, say=say, log=log)
        (marks / archive.name).touch()
    return {reference for archive in lacking for reference in references(archive)}
