"""The continuous archive: sends PostgreSQL's write-ahead log from the spool on the volume to the store.

PostgreSQL itself copies each finished file into the spool (`basic_archive`), and reuses its own file only after that. A file
is deleted from the spool once the store has it. While the store is away, files wait, for as long as the volume has room.
When it is nearly full, the waiting files are given up, so that the database goes on; the next base backup begins anew.
"""

import os
import re
import shutil
import struct
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from backup_ranges import SEGMENT_BYTES, start_of
from backup_store import FILE_SECONDS, StoreError
from backup_volume import GAP, SPOOL, STATE, TIMELINE, read, say, state_of, write

FILE = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
SEGMENT = re.compile(r"[0-9A-F]{24}")
COMMIT = re.compile(r"desc: COMMIT (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?) ")
# The container's probes look at it: a step that hangs ends the container.
ALIVE = Path("/tmp/alive")
# A file takes a second or two. One that takes longer hangs.
SLOW_SECONDS = 15
# Room that is left to PostgreSQL: a tenth of the volume, at least 32 and at most 128 files of its log.
RESERVE_FRACTION = 0.1
LEAST_RESERVE_BYTES, MOST_RESERVE_BYTES = 32 * SEGMENT_BYTES, 128 * SEGMENT_BYTES


def waiting(spool=SPOOL):
    """Names of the files that are to be sent: histories of timelines first, then in the order of the log."""
    names = [one.name for one in spool.iterdir() if FILE.fullmatch(one.name)]
    return sorted(names, key=lambda name: (not name.endswith(".history"), name))


def last_commit(file):
    """Time of the last commit in a file of write-ahead log; None if the file has no commit."""
    done = subprocess.run(
        ["pg_waldump", "--rmgr=Transaction", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TZ": "UTC"},
    )
    # The end of a file that was not filled is an error for pg_waldump.
    times = COMMIT.findall(done.stdout)
    return max(datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times) if times else None


def system_of(file):
    """System identifier of the database cluster that wrote a file of write-ahead log."""
    with file.open("rb") as content:
        # XLogLongPageHeaderData: the header of every page has 24 bytes, then follows the identifier.
        return struct.unpack_from("=24xQ", content.read(32))[0]


def nearly_full(path=SPOOL):
    """True if the volume has less free space than is reserved for PostgreSQL."""
    total, _, free = shutil.disk_usage(path)
    return free < min(max(total * RESERVE_FRACTION, LEAST_RESERVE_BYTES), MOST_RESERVE_BYTES)


class Shipper:
    """Sends the files in the spool, and notes its progress on the volume."""

    def __init__(self, store, *, spool=SPOOL, full=nearly_full):
        self._store = store
        self._spool = spool
        self._full = full
        self._trouble = None
        self._noted = None
        self._since = None
        # What the volume has about a gap is written in two threads.
        self._notes = threading.RLock()

    def _state(self):
        return state_of(self._store.server, self._spool)

    def step(self):
        """Send all waiting files; returns False if the store did not take them."""
        names = waiting(self._spool)
        try:
            for name in names:
                self._since = time.monotonic()
                self._send(name)
            self._note()
        except StoreError as error:
            self._failed(error)
            return False
        finally:
            self._since = None
        if self._trouble is not None:
            say(f"the store takes files again: {len(names)} that waited were sent")
            self._trouble = None
        return True

    def _send(self, name):
        ALIVE.touch()
        file = self._spool / name
        if not file.exists():
            # Given up meanwhile.
            return
        if SEGMENT.fullmatch(name) and not self._store.server.endswith(f"-{system_of(file)}"):
            # A restore has brought the data of another cluster: their archive must not get files of this one.
            say(f"deleted {name}, which another database cluster has written")
            file.unlink(missing_ok=True)
            return
        # Read before it is sent: afterwards nothing but the store has it.
        commit = last_commit(file) if SEGMENT.fullmatch(name) else None
        self._store.barman("wal-archive", file, options=["--gzip"], seconds=FILE_SECONDS)
        with self._notes:
            self._sent(file, name, commit)

    def _sent(self, file, name, commit):
        state = self._state()
        if SEGMENT.fullmatch(name):
            self._notice_jump(state, name)
            state["file"] = name
        if commit is not None:
            # A new timeline begins with a copy of the old one's last file.
            state["until"] = max(commit.isoformat(), state.get("until", ""))
        state["server"] = self._store.server
        state["sent"] = datetime.now(UTC).isoformat()
        write(self._spool / STATE.name, state)
        # The file may have been given up meanwhile.
        file.unlink(missing_ok=True)

    def _notice_jump(self, state, name):
        """Note a gap if files before this one are missing, because PostgreSQL ran without the archive for a while."""
        last = max(state.get("file", ""), state.get("given_up", ""))
        if last and last[:8] == name[:8] and start_of(name) > start_of(last) + SEGMENT_BYTES:
            self._remember_gap(name, start_of(last) + SEGMENT_BYTES)

    def _remember_gap(self, file, position):
        now, path = datetime.now(UTC).isoformat(), self._spool / GAP.name
        first = {
            "file": file,
            "timeline": int(file[:8], 16),
            "position": position,
            "since": self._state().get("until", now),
        }
        write(path, {**first, **read(path), "until": now})

    def _note(self):
        """Bring the notes in the store in line with those on the volume."""
        state = self._state()
        if state and state != self._noted:
            self._store.write("state.json", state)
            self._noted = state
        timeline = read(self._spool / TIMELINE.name)
        if timeline:
            self._store.write(f"timelines/{timeline['number']}.json", timeline)
            (self._spool / TIMELINE.name).unlink()
        with self._notes:
            gap = read(self._spool / GAP.name)
            if not gap:
                return
            self._store.write(f"gaps/{gap['file']}.json", gap)
            write(self._spool / STATE.name, {**self._state(), "gap": gap["until"]})
            (self._spool / GAP.name).unlink()
            say(f"write-ahead log since {gap['since']} is missing: nothing after that can be restored until the next base backup")

    def _failed(self, error):
        names = waiting(self._spool)
        if self._trouble is None:
            say(f"the store takes no files, {len(names)} wait on the volume: {error}")
        self._trouble = str(error)

    def watch(self):
        """Keep free space for PostgreSQL: delete waiting files if there is too little; returns their number.

        It runs in a thread of its own, because a store that does not answer keeps `step` busy for minutes.
        """
        since = self._since
        slow = since is not None and time.monotonic() - since > SLOW_SECONDS
        if (self._trouble is not None or slow) and self._full(self._spool):
            with self._notes:
                return self._give_up(waiting(self._spool))
        return 0

    def _give_up(self, names):
        """Delete the waiting files of the write-ahead log, and note the gap."""
        segments = [name for name in names if SEGMENT.fullmatch(name)]
        if not segments:
            return 0
        # Written first: a gap that is recorded and did not happen costs a base backup, the other way round a restore.
        again = (self._spool / GAP.name).exists()
        self._remember_gap(segments[0], start_of(segments[0]))
        write(self._spool / STATE.name, {**self._state(), "server": self._store.server, "given_up": segments[-1]})
        for name in segments:
            (self._spool / name).unlink(missing_ok=True)
        if not again:
            say(f"the volume is nearly full: gave up {len(segments)} files that wait, and those to come until there is room")
        return len(segments)
