"""A pod of the platform fails while a client logs: all acknowledged calls are stored.

The client does not repeat failed calls, so that the outage is visible; by default the real client repeats a call
for minutes, and so hides the outage.
"""

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import kill_group, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.ledger import Ledger
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

TEAM = "team-a"
# Long enough to see the client at work before and after.
ROUNDS = 5
START_SECONDS = 60
# The platform heals in about a minute; a busy machine may take its time.
HEAL_SECONDS = 300
CLIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}


@dataclass(frozen=True, slots=True)
class Loss:
    """The pod that fails, and how."""

    component: str
    how: str
    options: tuple[str, ...] = ()


# As in a node's maintenance, and with a second to say goodbye. (`--force` is no crash: it starts the successor while
# the predecessor is still writing to the volume.)
LOSSES = [
    Loss(component, how, options)
    for component in ("mlflow", "postgres", "object-store")
    for how, options in (("asked to end", ()), ("at once", ("--now",)))
]


@contextlib.contextmanager
def logging(client: Client, file: Path) -> Generator[None]:
    """A client that logs until the end of the block."""
    process = client.start("keep_logging", team=TEAM, output=file, env=CLIENT)
    try:
        yield
        process.communicate(timeout=START_SECONDS)
        assert process.returncode == 0, file.with_suffix(".log").read_text(encoding="utf-8")[-2000:]
    finally:
        kill_group(process.pid)
        process.wait()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss.component} {loss.how}")
def test_nothing_acknowledged_is_lost_when_a_pod_goes_away(
    client: Client, platform: Platform, tmp_path: Path, figures: Figures, loss: Loss
) -> None:
    file = tmp_path / "ledger.jsonl"
    with logging(client, file):
        wait_for("the client at work", lambda: Ledger.read(file).whole_rounds() >= ROUNDS, seconds=START_SECONDS)
        pod = kube.pod_of(loss.component, platform.namespace)
        moment = time.time()
        kube.kubectl(
            "delete", "pod", pod["metadata"]["name"], f"--namespace={platform.namespace}", "--wait=false", *loss.options
        )
        kube.wait_until_ready(
            loss.component, platform.namespace, seconds=HEAL_SECONDS, other_than=pod["metadata"]["uid"]
        )
        ready = time.time()
        wait_for(
            "the client at work again",
            lambda: Ledger.read(file).since(ready).whole_rounds() >= ROUNDS,
            seconds=HEAL_SECONDS,
        )
    ledger = Ledger.read(file)
    read_back = client.script("read_back", file, team=TEAM)
    assert read_back["faults"] == []
    assert all(count >= ROUNDS for count in read_back["acknowledged"].values())
    outage = ledger.since(moment)
    figures.add(
        f"healing: {loss.component} {loss.how}",
        f"{outage.healed_after(moment):.0f} s until every call works, {len(outage.failures)} calls failed,"
        f" {sum(read_back['acknowledged'].values())} acknowledged calls read back",
    )
