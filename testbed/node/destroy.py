"""Removal of the cluster."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node import volumes
from testbed.node.port_forward import PortForward
from testbed.node.process import Node
from testbed.node.progress import Say
from testbed.paths import PROJECT, Home


def confirm(home: Home, *, with_volumes: bool) -> None:
    """Ask the user to type the project's name; raise an error if the answer differs or there is no terminal."""
    what = f"the embedded cluster in {home.node}" + (f" and all volumes in {home.volumes}" if with_volumes else "")
    if not sys.stdin.isatty():
        raise EmbeddedError(f"this removes {what}. There is no terminal to confirm it on: add --yes to confirm")
    print(f"This removes {what}.")
    if input(f"Type {PROJECT} to confirm: ").strip() != PROJECT:
        raise EmbeddedError(f"nothing was removed: confirm by typing {PROJECT}")


def _set_aside(home: Home) -> Path:
    return home.root / "node.destroyed"


def finish(home: Home) -> None:
    """Complete an interrupted removal."""
    if _set_aside(home).exists():
        shutil.rmtree(_set_aside(home))


def destroy(home: Home, say: Say, *, with_volumes: bool) -> None:
    """Remove the cluster, and its volumes only if `with_volumes` is set."""
    PortForward(home).close()
    if with_volumes:
        Node(home).kill()
    else:
        Node(home).stop(say)
    home.kubeconfig.unlink(missing_ok=True)
    # Renamed first, so that an interrupted removal is not mistaken for a cluster.
    finish(home)
    if home.node.exists():
        home.node.rename(_set_aside(home))
        finish(home)
    shutil.rmtree(home.logs, ignore_errors=True)
    if home.pulumi_state.exists() and any(home.pulumi_state.iterdir()):
        # The state describes objects that are gone with the cluster, but secrets in it may still be needed.
        backup = home.root / f"state.{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        home.pulumi_state.rename(backup)
        say(f"moved the Pulumi state to {backup}")
    if with_volumes:
        shutil.rmtree(home.volumes, ignore_errors=True)
        say("removed the cluster and its volumes")
        return
    say("removed the cluster")
    for volume in volumes.unknown(home.volumes, [], "Kept"):
        say(f"kept the data in {home.volumes / volume.name}: {volume.describe()}")
