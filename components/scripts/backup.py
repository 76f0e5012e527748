"""The backups' program in PostgreSQL's pod, and in the pod of a restore.

`serve` sends the write-ahead log and takes the nightly base backups. The other commands are for `tools/backups`, which
runs them here: they print JSON, or end with a message.
"""

import argparse
import json
import signal
import sys
import threading
import time
import traceback
from datetime import UTC, datetime

import backup_base
import backup_ranges
import backup_restore
import psycopg2
from backup_ranges import OutOfRangeError
from backup_spool import ALIVE, Shipper, waiting
from backup_store import BUCKET, Store, StoreError, own_server, servers
from backup_volume import SPOOL, adopt_spool, say, state_of

POLL_SECONDS = 1
RETRY_SECONDS = 5


def serve():
    """Send waiting files and take base backups until the container ends."""
    # The first process of a container ignores the signal otherwise, and the pod ends after its whole grace period.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    ALIVE.touch()
    while (server := _server()) is None:
        # A first start: PostgreSQL makes its cluster.
        time.sleep(POLL_SECONDS)
        ALIVE.touch()
    store = Store(server)
    adopt_spool()
    say(f"the backups are in s3://{BUCKET}/{server}")
    backup_base.start(store)
    shipper = Shipper(store)
    threading.Thread(target=_watch, args=[shipper], daemon=True).start()
    while True:
        ALIVE.touch()
        time.sleep(POLL_SECONDS if not SPOOL.exists() or _sent(shipper) else RETRY_SECONDS)


def _watch(shipper):
    while True:
        time.sleep(POLL_SECONDS)
        try:
            shipper.watch()
        except OSError:
            traceback.print_exc()


def _server():
    try:
        return own_server()
    except StoreError:
        return None


def _sent(shipper):
    try:
        return shipper.step()
    except Exception:
        # The container must not end: PostgreSQL's Service follows the whole pod.
        traceback.print_exc()
        return False


def listing(server):
    """The listing that `make backups` shows."""
    store = Store(server)
    archive = store.archive()
    state = store.note("state.json") or {}
    until = archive.until.isoformat() if archive.until else None
    return {
        "server": server,
        "servers": servers(),
        "now": datetime.now(UTC).isoformat(),
        "backups": [
            {
                "name": one.name,
                "begin": one.begin.isoformat(),
                "end": one.end.isoformat(),
                "seconds": (one.end - one.begin).total_seconds(),
                "timeline": one.timeline,
                "bytes": one.size,
                "stored": sum(store.keys(f"base/{one.name}/").values()),
            }
            for one in archive.backups
        ],
        "ranges": [
            {"since": one.since.isoformat(), "until": one.until.isoformat(), "backups": one.backups}
            for one in backup_ranges.ranges(archive)
        ],
        "log": {"stored": sum(store.keys("wals/").values()), "sent": state.get("sent"), "until": until},
        "waiting": len(waiting()) if SPOOL.exists() else 0,
        "kept": backup_restore.kept(),
        "proof": store.note("proofs/latest.json"),
    }


def flush(seconds):
    """Send everything that is committed so far to the store; returns the time up to which the store has it.

    Raises:
        StoreError: the store has not taken it in time.
    """
    file, server = backup_base.finish_file(), own_server()
    end = time.monotonic() + seconds
    while state_of(server).get("file", "") < file:
        if time.monotonic() > end:
            raise StoreError(f"the store did not take the write-ahead log within {seconds} s: see the log of this container")
        time.sleep(0.2)
    return state_of(server)["until"]


def plan(server, to):
    """The plan of a restore; `to` is a time, or `latest`.

    Raises:
        OutOfRangeError: the time cannot be restored.
    """
    archive = Store(server).archive()
    span = backup_ranges.newest(archive) if to == "latest" else backup_ranges.chosen(archive, datetime.fromisoformat(to))
    size = next(one.size for one in archive.backups if one.name == span.backup.name)
    return {
        "backup": span.backup.name,
        "timeline": span.timeline,
        "bytes": size,
        "until": span.until.isoformat(),
        "no_room": backup_restore.no_room(size),
    }


def main(arguments=None):
    """Run one command."""
    parser = argparse.ArgumentParser(prog="backup.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve")
    commands.add_parser("now")
    commands.add_parser("server")
    commands.add_parser("flush").add_argument("--seconds", type=int, default=120)
    commands.add_parser("list").add_argument("--server", default="")
    planning = commands.add_parser("plan")
    planning.add_argument("--server", default="")
    planning.add_argument("--to", required=True)
    restoring = commands.add_parser("restore")
    for option in ("server", "backup", "timeline"):
        restoring.add_argument(f"--{option}", required=True)
    restoring.add_argument("--time", default="")
    restoring.add_argument("--name", default="")
    commands.add_parser("drop").add_argument("name")
    options = parser.parse_args(arguments)
    try:
        answer = _answer(options)
    except (StoreError, OutOfRangeError, backup_base.RunningError) as error:
        sys.exit(str(error))
    except psycopg2.Error as error:
        sys.exit(f"PostgreSQL does not answer: {error}")
    if answer is not None:
        print(json.dumps(answer))


def _answer(options):
    match options.command:
        case "serve":
            serve()
        case "now":
            return {"backup": backup_base.back_up(Store(own_server()))}
        case "server":
            return {"server": own_server()}
        case "flush":
            return {"until": flush(options.seconds)}
        case "list":
            return listing(options.server or own_server())
        case "plan":
            return plan(options.server or own_server(), options.to)
        case "restore":
            target = {"recovery_target_time": options.time} if options.time else {}
            target = {"recovery_target_name": options.name} if options.name else target
            kept = backup_restore.restore(Store(options.server), options.backup, options.timeline, target)
            return {"kept": kept}
        case "drop":
            return {"bytes": backup_restore.drop(options.name)}
    return None


if __name__ == "__main__":
    main()
