"""Import of image archives into the node's containerd."""

from pathlib import Path

from testbed.node.process import Node
from testbed.node.progress import Say, run_logged

IMPORT_SECONDS = 600
MEBIBYTE = 1024 * 1024


def missing(archives: tuple[Path, ...], imported: set[str]) -> list[Path]:
    """Return the archives that have not been imported yet. Archive names contain a digest of the content."""
    return [archive for archive in archives if archive.name not in imported]


def import_missing(node: Node, archives: tuple[Path, ...], say: Say) -> None:
    """Import the archives that containerd does not have yet."""
    marks = node.home.node / "images"
    marks.mkdir(exist_ok=True)
    imported = {mark.name for mark in marks.iterdir()}
    # Two archives may hold the same image name. Forget the older one, so that going back to it imports it again.
    for name in imported - {archive.name for archive in archives}:
        (marks / name).unlink()
    log = node.home.logs / "node" / "images.log"
    log.unlink(missing_ok=True)
    for archive in missing(archives, imported):
        say(f"image {archive.name} ({archive.stat().st_size // MEBIBYTE} MiB)")
        load = node.inside("ctr", "--namespace=k8s.io", "images", "import", "--discard-unpacked-layers", "-")
        with archive.open("rb") as stream:
            run_logged(load, f"image {archive.name}", seconds=IMPORT_SECONDS, say=say, log=log, stdin=stream)
        # containerd does not sync. Without this, a power cut could leave a mark without its image.
        flush = node.inside("sync", "--file-system", "/var/lib/containerd")
        run_logged(flush, "images: flush to disk", seconds=IMPORT_SECONDS, say=say, log=log)
        (marks / archive.name).touch()
