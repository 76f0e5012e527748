"""Command for backups of the in-cluster PostgreSQL: `python -m tools.backups list|now|restore`.

A restore asks for the name of the stack; YES=STACK answers it in scripts.

Exit codes: 0 if the command succeeded; 1 if it failed, with the reason; 2 if an argument is wrong.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tools.backups import cluster, report
from tools.backups.cluster import kubectl, sidecar
from tools.kubectl import ClusterError
from tools.stack import read_platform

LATEST = "latest"


def time_of(text: str) -> str:
    """A time in the form that the sidecar's program expects: in UTC, or `latest`.

    Raises:
        ValueError: the text is neither; the message says what is expected.
    """
    if text == LATEST:
        return text
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(f"TO={text} is no time; expected one like TO=2026-11-28T10:15:00Z, or TO={LATEST}")
    return time.astimezone(UTC).isoformat()


def restore(namespace: str, stack: str, to: str, server: str) -> int:
    """Restore the database; returns the exit code.

    Raises:
        ClusterError: the restore failed; MLflow and PostgreSQL were started again.
    """
    place = ["--server", server] if server else []
    target = time_of(to)
    if not server:
        _flush(namespace)
    plan = sidecar(namespace, "plan", "--to", target, *place)
    if plan["no_room"]:
        raise ClusterError(plan["no_room"])
    print(report.announcement(plan, to, stack), file=sys.stderr)
    if os.environ.get("YES") != stack:
        print(f"Type the name of the stack ({stack}) to continue: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != stack:
            print("nothing was changed", file=sys.stderr)
            return 1
    name = server or sidecar(namespace, "server")["server"]
    arguments = ["--server", name, "--backup", plan["backup"], "--timeline", str(plan["timeline"])]
    arguments += [] if target == LATEST else ["--time", target]
    answer, stopped = _stopped_and_restored(namespace, arguments)
    print(report.ending(answer, to, stopped, stack))
    return 0


def _flush(namespace: str) -> str | None:
    """Send all commits so far to the store; returns the time up to which commits are there, None on failure."""
    try:
        return sidecar(namespace, "flush")["until"]
    except ClusterError as error:
        print(f"what was committed last may not be in the store: {error}", file=sys.stderr)
        return None


def _stopped_and_restored(namespace: str, arguments: list[str]) -> tuple[report.Listing, str | None]:
    """Stop MLflow and PostgreSQL, restore, and start them again, whatever happens."""
    pod = cluster.restore_pod(json.loads(kubectl(namespace, "get", cluster.POSTGRES, "--output=json")), arguments)
    servers = cluster.replicas(namespace, cluster.SERVER)
    try:
        if servers:
            print("stopping MLflow", file=sys.stderr)
            cluster.scale(namespace, cluster.SERVER, 0, "mlflow")
        stopped = _flush(namespace)
        print("stopping PostgreSQL", file=sys.stderr)
        cluster.scale(namespace, cluster.POSTGRES, 0, "postgres")
        return cluster.run_restore(namespace, pod), stopped
    finally:
        print("starting PostgreSQL", file=sys.stderr)
        cluster.scale(namespace, cluster.POSTGRES, 1, "postgres")
        if servers:
            print("starting MLflow", file=sys.stderr)
            cluster.scale(namespace, cluster.SERVER, servers, "mlflow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.backups", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stack", required=True, help="the stack, which is also in PULUMI_STACK")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").add_argument("--json", action="store_true")
    commands.add_parser("now")
    restoring = commands.add_parser("restore")
    restoring.add_argument("--to", default="", help="time like 2026-11-28T10:15:00Z, or latest")
    restoring.add_argument("--server", default="", help="folder of another database cluster in the bucket")
    restoring.add_argument("--drop", default="", help="delete what an earlier restore has kept, and restore nothing")
    options = parser.parse_args(arguments)
    platform = read_platform()
    if platform.external:
        print(f"the server {platform.url} is not part of this stack: ask its operator", file=sys.stderr)
        return 1
    try:
        return _run(options, platform.namespace)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, namespace: str) -> int:
    match options.command:
        case "list":
            listing = sidecar(namespace, "list")
            print(json.dumps(listing, indent=2) if options.json else report.as_text(listing))
        case "now":
            print(f"base backup {sidecar(namespace, 'now')['backup']} is in the store")
        case _ if options.drop:
            print(f"deleted {report.size(sidecar(namespace, 'drop', options.drop)['bytes'])}")
        case _:
            return restore(namespace, options.stack, options.to, options.server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
