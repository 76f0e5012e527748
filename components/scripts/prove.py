"""The nightly proof: restores the newest base backup in this pod, and shows that everything in it is there.

Rows and hashes are compared with the census of the backup, an MLflow server in this pod reads every workspace, and a
sample of artifacts is fetched. The result is a JSON object beside the backups; the exit code is 1 if anything differs.
"""

import contextlib
import os
import sys
import time
from datetime import UTC, datetime

import proof_artifacts
import proof_server
import psycopg2
import scratch
from backup_census import counted
from backup_ranges import OutOfRangeError
from backup_store import VOLUME, Store, StoreError
from proof_rows import by_workspace, differences

# Notes beside the backups: the newest result, and earlier ones by their times. Each has a few KiB.
FOLDER, LATEST = "proofs", "latest"
KEPT = 60
# Kubernetes keeps 4096 bytes of the termination message.
MESSAGE_CHARACTERS = 3500


def say(sentence):
    """Print a line that `make prove` shows."""
    print(sentence, flush=True)


class Proof:
    """Findings so far."""

    def __init__(self, server):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.result = {"server": server, "time": now, "differences": [], "seconds": {}}
        self._begin = time.monotonic()

    def differ(self, sentences):
        """Add a fault to the result, and print it."""
        for sentence in sentences:
            say(f"DIFFERENT: {sentence}")
        self.result["differences"] += sentences

    @contextlib.contextmanager
    def timed(self, what):
        """Note the duration of a part in seconds."""
        begin = time.monotonic()
        yield
        self.result["seconds"][what] = round(time.monotonic() - begin, 1)

    def finish(self):
        """Complete the result: the total time, and whether nothing differs."""
        self.result["seconds"]["all"] = round(time.monotonic() - self._begin, 1)
        self.result["ok"] = not self.result["differences"]


def chosen(store, backups):
    """The newest base backup and its census; says which newer ones have none.

    Raises:
        StoreError: no backup has a census.
    """
    for backup in reversed(backups):
        if census := store.note(f"census/{backup.name}.json"):
            return backup, census
        say(f"base backup {backup.name} has no census, and is not proven")
    raise StoreError(f"none of {len(backups)} base backups in {store.server} has a census")


def prove(proof, store):
    """Restore and compare."""
    backup, census = chosen(store, store.backups())
    proof.result |= {"backup": backup.name, "restore_point": census["name"], "taken": census["time"], "bytes": backup.size}
    say(f"restoring base backup {backup.name} ({backup.size / 2**20:.0f} MiB) to its restore point {census['name']}")
    target = {"recovery_target_name": census["name"]}
    process, seconds = scratch.restore(store, backup, backup.timeline, target)
    proof.result["seconds"] |= seconds
    say(f"restored in {seconds['copy']:.0f} s, log replayed in {seconds['replay']:.0f} s")
    with contextlib.closing(psycopg2.connect(host=str(scratch.SOCKETS), user="postgres", dbname="mlflow")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            compare(proof, cursor, census)
            serve(proof, cursor)
            with proof.timed("artifacts"):
                artifacts(proof, cursor)
    scratch.stop(process)
    with proof.timed("pages"):
        proof.differ(scratch.damaged_pages())


def compare(proof, cursor, census):
    """Compare rows and hashes with the census."""
    with proof.timed("rows"):
        found = counted(cursor)
        proof.differ(differences(census["tables"], found))
    proof.result |= {"tables": len(found), "workspaces": by_workspace(found)}
    rows = sum(count for count, _ in proof.result["workspaces"].values())
    say(f"counted {rows} rows in {len(found)} tables")


def serve(proof, cursor):
    """Let MLflow read every workspace."""
    with proof.timed("server"):
        proof_server.prepare(cursor)
        # The server's container waits for it.
        (VOLUME / "ready").touch()
        try:
            proof_server.wait()
            proof.result["shown"], faults = proof_server.counted(cursor, proof_server.asked)
            proof.differ(faults)
            say(f"MLflow shows {len(proof.result['shown'])} workspaces")
        except proof_server.ServerError as error:
            proof.differ([str(error)])


def artifacts(proof, cursor):
    """Fetch some artifacts."""
    destination = os.environ["ARTIFACTS_DESTINATION"]
    proof.result["artifacts"], faults = proof_artifacts.fetched(proof_artifacts.client(), cursor, destination)
    proof.differ(faults)
    say("fetched {files} artifacts, {bytes} bytes, {checksums} with a checksum".format(**proof.result["artifacts"]))


def write(store, result):
    """Write the result beside the backups, as the newest and under its time; delete the oldest."""
    stamp = datetime.fromisoformat(result["time"]).strftime("%Y%m%dT%H%M%SZ")
    for name in (stamp, LATEST):
        store.write(f"{FOLDER}/{name}.json", result)
    earlier = [one for one in store.notes(f"{FOLDER}/") if one != f"{FOLDER}/{LATEST}.json"]
    for old in earlier[:-KEPT]:
        store.remove(old)


def main():
    try:
        store = Store(os.environ.get("BACKUP_SERVER") or scratch.newest_server())
    except StoreError as error:
        sys.exit(f"no backup is proven: {error}")
    proof = Proof(store.server)
    try:
        prove(proof, store)
    except (StoreError, OutOfRangeError, psycopg2.Error) as error:
        proof.differ([str(error).strip()])
    proof.finish()
    write(store, proof.result)
    if proof.result["ok"]:
        say(f"PROVEN: base backup {proof.result['backup']} in {proof.result['seconds']['all']:.0f} s")
        return
    sentences = "\n".join(proof.result["differences"])
    sys.exit(f"the backup is not proven:\n{sentences}"[:MESSAGE_CHARACTERS])


if __name__ == "__main__":
    main()
