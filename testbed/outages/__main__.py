"""`python -m testbed.outages [FAULT...]`: make faults in the deployed `dev` stack, and measure what clients notice.

Without arguments all faults are made, and the table in docs/outages.md is renewed. With names of faults only these are
made, and the table is printed. The exit code is 1 if an acknowledged write was lost.
"""

import argparse
import contextlib
import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.e2e.commands import CHECKOUT, kill_group, wait_for
from testbed.e2e.mlflow_client import Client
from testbed.outages import measure, page
from testbed.outages.faults import FAULTS, Fault
from testbed.outages.ingress import answering_503
from testbed.outages.measure import Effect, Line
from tools.stack import Platform, read_platform

TEAM = "team-a"
PAGE = CHECKOUT / "docs" / "outages.md"
READER = Path(__file__).with_name("clients") / "read"
# A call without retries shows an outage as it is.
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
KINDS = {
    "reader": ("search", "file"),
    "writer": ("run", "metrics", "artifact"),
    "patient": ("run", "metrics", "artifact"),
}
# Calls of each kind that are answered before a fault is made, and after it.
ROUNDS = 3
CALM_SECONDS = 300
LATER_SECONDS = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """Three running clients; each writes its calls to a file."""

    client: Client
    files: dict[str, Path]

    def calls(self, name: str) -> list[Line]:
        """The calls of one client so far."""
        return measure.lines(self.files[name])

    def failures(self, name: str, start: float, end: float) -> list[Line]:
        """The calls of one client in a period that failed."""
        return [call for call in measure.between(self.calls(name), start, end) if not call["acknowledged"]]

    def settle(self) -> None:
        """Wait until every call of all clients is answered again."""
        since = time.time()
        for name, kinds in KINDS.items():
            wait_for(
                f"answers to the {name}",
                lambda name=name, kinds=kinds: measure.whole_rounds(self.calls(name), kinds, since) >= ROUNDS,
                seconds=CALM_SECONDS,
            )

    def lost(self, calls: list[Line]) -> int:
        """Number of acknowledged writes that cannot be read back as they were sent, even after the recovery."""
        file = self.client.folder / "acknowledged.jsonl"
        file.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
        faults = self.client.script("read_back", file, team=TEAM)["faults"]
        if faults:
            # A read that failed is no loss.
            self.settle()
            faults = self.client.script("read_back", file, team=TEAM)["faults"]
        for fault in faults:
            print(f"  lost: {fault}", file=sys.stderr)
        return len(faults)


def main() -> int:
    """Make the faults, and write or print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m testbed.outages", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", choices=[[], *(one.name for one in FAULTS)])
    chosen = parser.parse_args().faults
    faults = [one for one in FAULTS if not chosen or one.name in chosen]
    platform = read_platform()
    with answering_503(), tempfile.TemporaryDirectory() as folder:
        effects = list(_measured(platform, Path(folder), faults))
    if chosen:
        print(page.table(effects))
    else:
        measured = f"Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d}, in one run, on a machine with two cores."
        PAGE.write_text(page.renewed(PAGE.read_text(encoding="utf-8"), effects, measured), encoding="utf-8")
    return 1 if any(one.lost for one in effects) else 0


def _measured(platform: Platform, folder: Path, faults: Sequence[Fault]) -> Generator[Effect]:
    for number, fault in enumerate(faults, start=1):
        print(f"{number} of {len(faults)}: {fault.text}", file=sys.stderr, flush=True)
        own = folder / f"{number}"
        own.mkdir()
        # New clients for each fault: their tokens are valid for ten minutes.
        with fault.around(platform), _clients(platform, own) as clients:
            effect = _effect(platform, fault, clients)
        print(f"  {effect}", file=sys.stderr, flush=True)
        yield effect


def _effect(platform: Platform, fault: Fault, clients: Clients) -> Effect:
    clients.settle()
    start = time.time()
    with fault.make(platform):
        pass
    # Some effects come later: a node whose heartbeats were missed is not ready for a moment.
    time.sleep(LATER_SECONDS)
    clients.settle()
    end = time.time()
    for error in {call["error"] for call in clients.failures("patient", start, end)}:
        print(f"  failed with retries: {error}", file=sys.stderr, flush=True)
    return measure.effect(
        fault=fault.name,
        text=fault.text,
        period=(start, end),
        reader=clients.calls("reader"),
        writer=clients.calls("writer"),
        patient=clients.calls("patient"),
        lost=clients.lost,
    )


@contextlib.contextmanager
def _clients(platform: Platform, folder: Path) -> Generator[Clients]:
    """Start the three clients, and stop them at the end."""
    client = Client.of(platform, folder)
    files = {name: folder / f"{name}.jsonl" for name in KINDS}
    with contextlib.ExitStack() as stack:
        for name, script, env in (
            ("writer", "keep_logging", IMPATIENT),
            ("patient", "keep_logging", {}),
            ("reader", str(READER), IMPATIENT),
        ):
            if name == "reader":
                wait_for("the first run", lambda: bool(measure.lines(files["patient"])), seconds=CALM_SECONDS)
            process = client.start(script, team=TEAM, output=files[name], env=env)
            stack.callback(_end, process)
        yield Clients(client=client, files=files)


def _end(process: subprocess.Popen[str]) -> None:
    kill_group(process.pid)
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
