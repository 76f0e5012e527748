"""Files of the backups on PostgreSQL's volume: the spool, and in it notes of the archive's progress."""

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
    """Noted progress of a database cluster's archive; empty if the note is about another cluster."""
    state = read(spool / STATE.name)
    return state if state.get("server", server) == server else {}


def adopt_spool():
    """Take over the spool of a finished restore, or delete the spool of an unfinished one.

    A restore calls this at its end. If the restore was killed, the next start of the container calls it.
    """
    note = read(RESTORED_SPOOL / TIMELINE.name)
    if note and note["number"] == int(control()[TIMELINE_FIELD]):
        SPOOL.mkdir(mode=0o700, exist_ok=True)
        for file in RESTORED_SPOOL.iterdir():
            file.replace(SPOOL / file.name)
    shutil.rmtree(RESTORED_SPOOL, ignore_errors=True)
