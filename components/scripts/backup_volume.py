"""Files of the backups on PostgreSQL's volume: the spool, and notes in it of how far the archive has come."""

import json
import shutil
from datetime import UTC, datetime

from backup_store import TIMELINE_FIELD, VOLUME, control

SPOOL = VOLUME / "spool"
# Where a restore puts the files of its new timeline, until the new data are in their place.
RESTORED_SPOOL = VOLUME / "spool.restored"
# Beside the files, and no file of write-ahead log: what was last sent, what was given up, which timeline a restore began.
STATE, GAP, TIMELINE = SPOOL / "state.json", SPOOL / "gap.json", SPOOL / "timeline.json"


def say(sentence):
    """Write a line to the container's log."""
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {sentence}", flush=True)


def read(path):
    """A JSON file; empty if there is none."""
    return json.loads(path.read_text()) if path.exists() else {}


def write(path, content):
    """Write a JSON file, so that it is never half written."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(path)


def state_of(server, spool=SPOOL):
    """How far the archive of a database cluster has come; empty if what is noted is of another one."""
    state = read(spool / STATE.name)
    return state if state.get("server", server) == server else {}


def adopt_spool():
    """Take over the files of a restore that has ended; delete those of one that has not.

    A restore does it itself. If it was killed in the middle, the next start of the container does.
    """
    note = read(RESTORED_SPOOL / TIMELINE.name)
    if note and note["number"] == int(control()[TIMELINE_FIELD]):
        SPOOL.mkdir(mode=0o700, exist_ok=True)
        for file in RESTORED_SPOOL.iterdir():
            file.replace(SPOOL / file.name)
    shutil.rmtree(RESTORED_SPOOL, ignore_errors=True)
