"""A scratch database: a base backup restored in this pod, brought to a restore point or to a second.

It listens on a socket in a directory of the pod and nowhere else, archives nothing, and is gone with the pod.
"""

import shutil
import subprocess
import time

from backup_ranges import SEGMENT_BYTES, OutOfRangeError
from backup_store import PGDATA, VOLUME, Store, StoreError, control, servers

SOCKETS = VOLUME / "run"
LOG = VOLUME / "postgres.log"
LOOK_SECONDS = 0.5
# For the write-ahead log that is replayed, and for PostgreSQL's own files.
EXTRA_BYTES = 64 * SEGMENT_BYTES
# Whoever reaches the socket may do anything: that is this pod.
ACCESS = "local all all trust\n"


def newest_server():
    """Name of the folder in the bucket that was written to last: that of the database in use.

    Raises:
        StoreError: there is none.
    """
    sent = {name: (Store(name).note("state.json") or {}).get("sent", "") for name in servers()}
    if not sent:
        raise StoreError("there are no backups in the store")
    return max(sent, key=lambda name: sent[name])


def options(store, timeline, target):
    """PostgreSQL's settings for the recovery; `target` has the setting that says where it ends."""
    return {
        "restore_command": store.command("wal-restore", "%f", "%p"),
        "recovery_target_timeline": str(timeline),
        "recovery_target_action": "promote",
        **target,
        # Nobody connects during the recovery. With hot standby it would demand as many connections as the server had.
        "hot_standby": "off",
        # On a socket only, without an archive, and without care for a power cut.
        "listen_addresses": "",
        "unix_socket_directories": str(SOCKETS),
        "hba_file": str(VOLUME / "pg_hba.conf"),
        "archive_mode": "off",
        "fsync": "off",
        "max_connections": "40",
        # Parallel workers share memory in /dev/shm, which has 64 MiB in a container.
        "max_parallel_workers_per_gather": "0",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }


def restore(store, backup, timeline, target):
    """Restore the base backup `backup` and replay the log to the target; PostgreSQL runs afterwards.

    Returns the process, and the seconds that copy and replay took.

    Raises:
        StoreError: the restore failed; the message has the reason.
    """
    if (needed := backup.size + EXTRA_BYTES) > (free := shutil.disk_usage(VOLUME).free):
        raise StoreError(f"the scratch volume has {free / 2**30:.1f} GiB free, and the backup needs {needed / 2**30:.1f}")
    SOCKETS.mkdir(exist_ok=True)
    # The server's image has another user.
    SOCKETS.chmod(0o777)
    (VOLUME / "pg_hba.conf").write_text(ACCESS)
    begin = time.monotonic()
    store.barman("restore", backup.name, PGDATA)
    PGDATA.chmod(0o700)
    copied = time.monotonic()
    (PGDATA / "recovery.signal").touch()
    with (PGDATA / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = {quoted(value)}\n" for name, value in options(store, timeline, target).items())
    process = start()
    while control()["Database cluster state"] != "in production" or (PGDATA / "recovery.signal").exists():
        if process.poll() is not None:
            raise StoreError(f"the recovery failed: {_reason(LOG.read_text())}")
        time.sleep(LOOK_SECONDS)
    return process, {"copy": round(copied - begin, 1), "replay": round(time.monotonic() - copied, 1)}


def quoted(value):
    """A value in PostgreSQL's configuration file."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def start():
    """Start PostgreSQL on the scratch database, whose settings are beside its data; returns its process."""
    with LOG.open("w") as log:
        return subprocess.Popen(["postgres", "-D", str(PGDATA)], stdout=log, stderr=subprocess.STDOUT)


def stop(process):
    """Stop PostgreSQL."""
    subprocess.run(["pg_ctl", "-D", str(PGDATA), "--mode=fast", "--wait", "--silent", "stop"], check=True)
    process.wait()


def damaged_pages():
    """Faults that pg_checksums finds in the files of the stopped database, as texts; empty if there are none."""
    done = subprocess.run(["pg_checksums", "--check", f"--pgdata={PGDATA}"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    return [line.partition("error: ")[2] or line for line in done.stderr.splitlines()] or ["pg_checksums failed"]


def backup_of(archive, name):
    """The base backup of this name.

    Raises:
        OutOfRangeError: there is none.
    """
    for one in archive.backups:
        if one.name == name:
            return one
    raise OutOfRangeError(f"there is no base backup {name}")


def _reason(log):
    """The sentences of PostgreSQL's log that say why it ended."""
    lines = [line for line in log.splitlines() if any(f"{level}:" in line for level in ("FATAL", "PANIC", "ERROR"))]
    return "; ".join(line.partition(": ")[2].strip() for line in lines[-3:]) or log[-1000:]
