"""The nightly base backup: the data directory, the census, and the deletion of old backups."""

import contextlib
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg2
from backup_census import BusyError, take
from backup_store import FILE_SECONDS, PGDATA, TIMELINE_FIELD, control, size_of
from backup_volume import GAP, SPOOL, STATE, read, say

DAYS = int(os.environ.get("BACKUP_DAYS", "7"))
HOUR = int(os.environ.get("BACKUP_HOUR", "2"))
# Held during a base backup; any number that nothing else in the database uses.
LOCK = 7_239_145
LOOK_SECONDS = 5
RETRY_SECONDS = 20


class RunningError(Exception):
    """Another base backup is being taken."""


@contextlib.contextmanager
def alone(connect=psycopg2.connect):
    """Hold the lock of base backups.

    Raises:
        RunningError: another process holds it.
    """
    with contextlib.closing(connect(dbname="postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))
            if cursor.fetchone() != (True,):
                raise RunningError("a base backup is being taken already: `make backups` shows when it is there")
            yield


def back_up(store):
    """Take a base backup and its census, and delete old backups; returns the backup's name.

    Raises:
        RunningError: a base backup is being taken already.
        StoreError: the store or the database failed.
    """
    with alone():
        _send_history(store)
        begin, size = time.monotonic(), size_of(PGDATA)
        store.barman(
            "backup",
            options=[
                "--gzip",
                # Otherwise it waits for the next checkpoint of PostgreSQL, for up to five minutes.
                "--immediate-checkpoint",
                "--host=/var/run/postgresql",
                "--user=postgres",
            ],
        )
        name = store.backups()[-1].name
        store.write(f"backups/{name}.json", {"bytes": size})
        say(f"base backup {name} is in the store, after {time.monotonic() - begin:.0f} s")
        _census(store, name)
        _delete_old(store)
    return name


def _send_history(store):
    """Send the timeline's history file if the store has lost it: no backup of the timeline can be restored without."""
    file = PGDATA / "pg_wal" / f"{int(control()[TIMELINE_FIELD]):08X}.history"
    if file.exists() and not any(f"/{file.name}" in key for key in store.keys("wals/")):
        store.barman("wal-archive", file, options=["--gzip"], seconds=FILE_SECONDS)


def _census(store, name):
    try:
        found = take(name)
    except BusyError as error:
        say(f"base backup {name} has no census: {error}")
        return
    store.write(f"census/{name}.json", found)
    finish_file()


def finish_file(connect=psycopg2.connect):
    """Let PostgreSQL finish its file of write-ahead log; returns the name of the file.

    Its transaction marks the time up to which the log is complete: a recovery to an earlier time ends before it.
    """
    with contextlib.closing(connect(dbname="postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            cursor.execute("SELECT pg_walfile_name(pg_switch_wal())")
            (file,) = cursor.fetchone()
    return file


def scheduled(hour, now):
    """The last time before `now` at which a base backup was to begin; `hour` is an hour in UTC."""
    today = now.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def due(backups, gaps, timeline, hour, now):
    """Reason why a base backup has to be taken now; empty if none is due.

    Args:
        backups: all complete base backups.
        gaps: parts of the write-ahead log that were deleted before they were sent.
        timeline: the timeline in use.
        hour: hour of the nightly backup, in UTC.
        now: the time.
    """
    own = [one for one in backups if one.timeline == timeline]
    if not own:
        return "there is none yet" if not backups else "the database was restored"
    last = max(one.begin for one in own)
    if any(gap.timeline == timeline and gap.until > last for gap in gaps):
        return "write-ahead log was given up since the last one"
    return "it is the hour of the nightly one" if last < scheduled(hour, now) else ""


def _delete_old(store):
    store.barman("backup-delete", options=["--retention-policy", f"RECOVERY WINDOW OF {DAYS} DAYS"])
    left = store.backups()
    names = {one.name for one in left}
    for note in (*store.notes("census/"), *store.notes("backups/")):
        if note.rpartition("/")[2].removesuffix(".json") not in names:
            store.remove(note)
    # A gap before the oldest backup concerns none.
    for note in store.notes("gaps/"):
        if left and datetime.fromisoformat(store.note(note)["until"]) < left[0].begin:
            store.remove(note)


class Nightly:
    """Takes a base backup when one is due, and tries again soon if that failed."""

    def __init__(self, store):
        self._store = store
        self._known = None
        self._gap = None
        self._failing = False

    def run(self):
        """Take base backups when they are due, until the process ends."""
        while True:
            time.sleep(LOOK_SECONDS if self.step() else RETRY_SECONDS)

    def step(self):
        """Take a base backup if one is due; returns False if that failed."""
        try:
            if self._known is None:
                self._gap = read(STATE).get("gap")
                self._known = self._store.backups(), self._store.gaps()
            if why := self._due():
                say(f"taking a base backup: {why}")
                # Others may be there, or taken by hand, once this one has ended.
                self._known = None
                back_up(self._store)
        except Exception as error:
            # Of whatever kind: the container must not end, PostgreSQL's Service follows the whole pod.
            self._known = None
            if not self._failing:
                say(f"no base backup, trying again every {RETRY_SECONDS} s: {error}")
            self._failing = True
            return False
        self._failing = False
        return True

    def _due(self):
        timeline = int(control()[TIMELINE_FIELD])
        if (SPOOL / GAP.name).exists():
            # Not before the gap is in the store: the backup would count as one from before it.
            return ""
        if read(STATE).get("gap") != self._gap:
            self._gap = read(STATE).get("gap")
            self._known = self._store.backups(), self._store.gaps()
        backups, gaps = self._known
        return due(backups, gaps, timeline, HOUR, datetime.now(UTC))


def start(store):
    """Run the nightly backups in a thread of their own, because write-ahead log has to be sent meanwhile."""
    threading.Thread(target=Nightly(store).run, daemon=True).start()
