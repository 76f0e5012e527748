"""Bringing image archives into the node's containerd."""

from pathlib import Path

from testbed.node.process import Node
from testbed.node.progress import Say, run_logged

IMPORT_SECONDS = 600
MEBIBYTE = 1024 * 1024


def missing(archives: tuple[Path, ...], imported: set[str]) -> list[Path]:
    """Return the archives that have not been imported, by name: the name holds a digest of the content."""
    return [archive for archive in archives if archive.name not in imported]


def import_missing(node: Node, archives: tuple[Path, ...], say: Say) -> None:
    """Import what is not there yet; an archive counts as imported once it is on disk."""
    marks = node.home.node / "images"
    marks.mkdir(exist_ok=True)
    imported = {mark.name for mark in marks.iterdir()}
    # An archive that was imported earlier may have the same image name as one of today's: were its mark kept, going
    # back to it would do nothing.
    for name in imported - {archive.name for archive in archives}:
        (marks / name).unlink()
    log = node.home.logs / "node" / "images.log"
    log.unlink(missing_ok=True)
    for archive in missing(archives, imported):
        say(f"image {archive.name} ({archive.stat().st_size // MEBIBYTE} MiB)")
        load = node.inside("ctr", "--namespace=k8s.io", "images", "import", "--discard-unpacked-layers", "-")
        with archive.open("rb") as stream:
            run_logged(load, f"image {archive.name}", seconds=IMPORT_SECONDS, say=say, log=log, stdin=stream)
        # containerd does not wait for the disk; after a power cut a mark without its image would be a lie.
        flush = node.inside("sync", "--file-system", "/var/lib/containerd")
        run_logged(flush, "images: flush to disk", seconds=IMPORT_SECONDS, say=say, log=log)
        (marks / archive.name).touch()
