"""Volumes that a platform has left, freed for the next one with the command in docs/destroy.md."""

import re
from collections.abc import Sequence

from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, wait_for

PAGE = CHECKOUT / "docs" / "destroy.md"
FREE_SECONDS = 30


def phases() -> dict[str, str]:
    """Phase of each volume, by name."""
    return {one["metadata"]["name"]: one["status"].get("phase", "") for one in kube.objects("persistentvolumes")}


def free(volumes: Sequence[str]) -> None:
    """Run the documented command for each volume, and wait until all are available."""
    patch = re.search(r"--patch '(.*)'", PAGE.read_text(encoding="utf-8"))
    assert patch is not None
    for volume in volumes:
        kube.kubectl("patch", "persistentvolume", volume, "--type=merge", f"--patch={patch[1]}")

    def available() -> bool:
        found = phases()
        return all(found[volume] == "Available" for volume in volumes)

    wait_for("the volumes to be available", available, seconds=FREE_SECONDS)
