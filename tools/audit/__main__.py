"""Command that prints the audit log of the deployed platform, read from the logs of all server pods.

`python -m tools.audit [--team NAME] [--since PERIOD] [--json]`. kubectl shows a container's log since its last
rotation, and that of the container before the last restart; docs/audit.md says how to keep older records.

Exit codes: 0 if the records were printed, even if there are none; 1 if the logs cannot be read; 2 if an argument is
wrong.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from tools.audit.records import Record, chosen, records, since
from tools.audit.table import as_json, as_text
from tools.kubectl import ClusterError, kubectl
from tools.stack import read_platform
from tools.terminal import shows_colours

SELECTOR = "app.kubernetes.io/name=mlflow,app.kubernetes.io/part-of=mlflow-platform"
CONTAINER = "mlflow"


def logs(namespace: str, begin: datetime | None) -> Iterator[tuple[str, str]]:
    """Logs of the server's containers, each with its pod's UID; a previous container's log precedes the current one.

    Raises:
        ClusterError: kubectl has failed.
    """
    space = f"--namespace={namespace}"
    pods = json.loads(kubectl("get", "pods", space, f"--selector={SELECTOR}", "--output=json"))["items"]
    for pod in pods:
        name, uid, statuses = (
            pod["metadata"]["name"],
            pod["metadata"]["uid"],
            pod["status"].get("containerStatuses", ()),
        )
        restarted = any(status["name"] == CONTAINER and status["restartCount"] for status in statuses)
        started = any(status["name"] == CONTAINER and "waiting" not in status["state"] for status in statuses)
        period = [] if begin is None else [f"--since-time={begin.astimezone(UTC).isoformat()}"]
        common = ("logs", name, space, f"--container={CONTAINER}", *period)
        if restarted:
            try:
                yield uid, kubectl(*common, "--previous")
            except ClusterError as error:
                print(f"pod {name}: no log of the previous container: {error}", file=sys.stderr)
        if started:
            yield uid, kubectl(*common)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the audit log; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.audit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--team", default="", help="only requests for this team's workspace (default: all requests)")
    parser.add_argument("--since", default="", help="period like 30m, 6h, 2d, or a time like 2026-11-29T10:00:00Z")
    parser.add_argument("--json", action="store_true", help="print JSON, one record a line")
    options = parser.parse_args(arguments)
    try:
        begin = since(options.since, datetime.now(UTC)) if options.since else None
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    platform = read_platform()
    if platform.external:
        print(f"the server {platform.url} is not part of this stack: ask its operator for its log", file=sys.stderr)
        return 1
    if options.team and options.team not in platform.teams:
        # Requests of a removed team are in the log all the same.
        print(f"the stack has no team {options.team}; its teams are: {', '.join(platform.teams)}", file=sys.stderr)
    try:
        found: list[Record] = [one for uid, log in logs(platform.namespace, begin) for one in records(log, uid)]
    except ClusterError as error:
        print(f"the logs cannot be read: {error}", file=sys.stderr)
        return 1
    selected = chosen(found, team=options.team, begin=begin)
    if options.json:
        if selected:
            print(as_json(selected))
    elif selected:
        print(as_text(selected, coloured=shows_colours()))
    else:
        print("no requests were recorded in this time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
