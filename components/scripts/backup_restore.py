"""Restore: sets the data directory back to an earlier second, in a separate pod while PostgreSQL is stopped.

The new data directory is made beside the old one, and takes its place only when the recovery has ended. The old one is kept. A restore that fails changes nothing.
"""

import ctypes
import errno
import os
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from backup_store import PGDATA, TIMELINE_FIELD, VOLUME, StoreError, control, size_of
from backup_volume import RESTORED_SPOOL, TIMELINE, adopt_spool, say, state_of, write

NEW = PGDATA.with_name(f"{PGDATA.name}.restored")
KEPT = f"{PGDATA.name}.before-"
# For the write-ahead log that is replayed, and PostgreSQL's own files.
EXTRA_BYTES = 1024 * 1024 * 1024
LOOK_SECONDS = 0.5
SOCKETS = "/tmp"
# Of Linux: paths are relative to the working directory; two names change places.
AT_FDCWD, RENAME_EXCHANGE = -100, 2
SIGNAL = "recovery.signal"


def no_room(needed):
    """Reason why the volume lacks room for a second data directory; empty if it has enough room."""
    free = shutil.disk_usage(VOLUME).free + size_of(NEW)
    if free >= needed + EXTRA_BYTES:
        return ""
    kept = [one.name for one in VOLUME.glob(f"{KEPT}*")]
    return (
        f"the volume has {free / 2**30:.1f} GiB free; the base backup needs {needed / 2**30:.1f} GiB and its log up to"
        f" {EXTRA_BYTES / 2**30:.0f} GiB beside the data that are kept"
        + (f"; delete what earlier restores have kept ({', '.join(kept)})" if kept else "; enlarge database.storage")
    )


def options(store, target, timeline):
    """PostgreSQL's options for the recovery; `target` is a name and value like `recovery_target_time`."""
    wanted = {
        "restore_command": store.command("wal-restore", "%f", "%p"),
        "recovery_target_timeline": str(timeline),
        "recovery_target_action": "promote",
        **target,
        # A base backup has none: PostgreSQL's is in its configuration, outside of the data directory.
        "hba_file": "/etc/postgresql/pg_hba.conf",
        # Nobody connects during a recovery. With hot standby it would demand as many connections as the server had.
        "hot_standby": "off",
        "listen_addresses": "",
        "unix_socket_directories": SOCKETS,
        # The new timeline belongs into the archive like any other.
        "archive_mode": "on",
        "archive_library": "basic_archive",
        "basic_archive.archive_directory": str(RESTORED_SPOOL),
    }
    return [word for name, value in wanted.items() for word in ("-c", f"{name}={value}")]


def restore(store, backup, timeline, target):
    """Restore the base backup and replay the log to the target; returns the name under which the old data are kept, if there were any.

    Raises:
        StoreError: it failed, and the data are as before.
    """
    lock = _lock()
    for folder in (NEW, RESTORED_SPOOL):
        shutil.rmtree(folder, ignore_errors=True)
    RESTORED_SPOOL.mkdir(mode=0o700)
    say(f"restoring base backup {backup}")
    store.barman("restore", backup, NEW)
    NEW.chmod(0o700)
    (NEW / SIGNAL).touch()
    _recover(options(store, target, timeline))
    if _lock() != lock:
        raise StoreError("PostgreSQL was started meanwhile, for example by `make up`: the data are as before")
    now = datetime.now(UTC)
    note = {
        "number": int(control(NEW)[TIMELINE_FIELD]),
        "since": now.isoformat(),
        "before": (state_of(store.server) or store.note("state.json") or {}).get("until"),
        "target": target,
    }
    write(RESTORED_SPOOL / TIMELINE.name, note)
    # Under the name of what is kept before the two change places: whatever has that name can be deleted.
    aside = NEW.rename(VOLUME / f"{KEPT}{now.strftime('%Y%m%dT%H%M%SZ')}")
    _exchange(aside)
    adopt_spool()
    return aside.name if aside.exists() else None


def _lock():
    """Hold PostgreSQL's lock on the data directory; a killed PostgreSQL leaves its lock file behind."""
    file = PGDATA / "postmaster.pid"
    return file.read_text() if file.exists() else None


def _recover(settings):
    log = NEW / "recovery.log"
    with log.open("w") as output:
        process = subprocess.Popen(["postgres", "-D", str(NEW), *settings], stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            # A base backup says of itself that it is in production; at the end of the recovery the file is deleted first.
            if not (NEW / SIGNAL).exists() and control(NEW)["Database cluster state"] == "in production":
                break
            time.sleep(LOOK_SECONDS)
        else:
            raise StoreError(f"the recovery failed:\n{log.read_text()[-3000:]}")
        # A fast stop waits until the new timeline's first files are in the spool.
        subprocess.run(["pg_ctl", "-D", str(NEW), "--mode=fast", "--wait", "--timeout=300", "--silent", "stop"], check=True)
        process.wait()
    for line in log.read_text().splitlines():
        if "recovery stopping" in line or "last completed transaction" in line:
            say(line.partition("LOG:")[2].strip())
    log.unlink()


def _exchange(new):
    """Exchange the names of the new and the old data directory."""
    if not PGDATA.exists():
        new.rename(PGDATA)
        return
    # At no moment is there no data directory: PostgreSQL would begin with an empty one.
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(PGDATA), RENAME_EXCHANGE) == 0:
        return
    if ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS):
        raise StoreError(f"the data directories cannot change places: {os.strerror(ctypes.get_errno())}")
    # A file system that cannot do it at once, such as NFS.
    between = PGDATA.with_name(f"{PGDATA.name}.leaving")
    PGDATA.rename(between)
    new.rename(PGDATA)
    between.rename(new)


def drop(name):
    """Delete a data directory that a restore has kept; returns its size in bytes.

    Raises:
        StoreError: nothing is kept under this name.
    """
    folder = VOLUME / name
    if not name.startswith(KEPT) or "/" in name or not folder.is_dir():
        kept = sorted(one.name for one in VOLUME.glob(f"{KEPT}*"))
        raise StoreError(f"nothing of the name {name} is kept; what is kept: {', '.join(kept) or 'nothing'}")
    size = size_of(folder)
    shutil.rmtree(folder)
    return size


def kept():
    """Data directories that restores have kept, each with its size in bytes."""
    return {one.name: size_of(one) for one in sorted(Path(VOLUME).glob(f"{KEPT}*"))}
