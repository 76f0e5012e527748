"""Giving the cluster up."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node import volumes
from testbed.node.door import Door
from testbed.node.process import Node
from testbed.node.progress import Say
from testbed.paths import PROJECT, Home


def confirm(home: Home, *, with_volumes: bool) -> None:
    """Have a person type the cluster's name; refuse where nobody can."""
    what = f"the embedded cluster in {home.node}" + (f" and all volumes in {home.volumes}" if with_volumes else "")
    if not sys.stdin.isatty():
        raise EmbeddedError(f"this removes {what}, and there is nobody to ask: add --yes if it is meant")
    print(f"This removes {what}.")
    if input(f"Type {PROJECT} to go on: ").strip() != PROJECT:
        raise EmbeddedError("nothing was removed: the name did not match")


def _doomed(home: Home) -> Path:
    return home.root / "node.destroyed"


def finish(home: Home) -> None:
    """Remove what a destroy that was cut short has left."""
    if _doomed(home).exists():
        shutil.rmtree(_doomed(home))


def destroy(home: Home, say: Say, *, with_volumes: bool) -> None:
    """Remove the cluster; volumes only when asked for as well."""
    Door(home).close()
    if with_volumes:
        Node(home).kill()
    else:
        Node(home).stop(say)
    home.kubeconfig.unlink(missing_ok=True)
    # First out of the way, so that a removal that is cut short cannot be taken for a cluster.
    finish(home)
    if home.node.exists():
        home.node.rename(_doomed(home))
        finish(home)
    shutil.rmtree(home.logs, ignore_errors=True)
    if home.pulumi_state.exists() and any(home.pulumi_state.iterdir()):
        # It describes objects that are gone with the cluster. Whoever needs it can move it back.
        aside = home.root / f"state.{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        home.pulumi_state.rename(aside)
        say(f"the Pulumi state is kept aside in {aside}")
    if with_volumes:
        shutil.rmtree(home.volumes, ignore_errors=True)
        say("cluster and volumes are removed")
        return
    say("the cluster is removed")
    for volume in volumes.unknown(home.volumes, [], "Kept"):
        say(f"data is kept in {home.volumes / volume.name}: {volume.describe()}")
