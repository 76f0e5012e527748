"""The S3 store of the backups: barman-cloud's programs, and the platform's own notes beside their files.

Each database cluster has a folder of its own, named after its system identifier: a new, empty cluster never writes into
the archive of another one. Below it, `base/` and `wals/` are barman-cloud's, `platform/` has JSON files.
"""

import contextlib
import gzip
import json
import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from backup_ranges import Archive, Backup, Gap, Timeline, forks, position

PGDATA = Path(os.environ.get("PGDATA", "/var/lib/postgresql/data/pgdata"))
VOLUME = PGDATA.parent
BUCKET = os.environ.get("BACKUP_BUCKET", "")
ENDPOINT = os.environ.get("BACKUP_ENDPOINT_URL") or None
# A file of write-ahead log has 16 MiB at most.
FILE_SECONDS = 300
NOTES = "platform"
# Time and process, in front of each line of barman-cloud's log.
PREFIX = re.compile(r"^[-0-9]+ [:,0-9]+ \[\d+\] \w+: ")
# As pg_controldata prints it.
TIMELINE_FIELD = "Latest checkpoint's TimeLineID"


class StoreError(Exception):
    """The store does not answer, or refuses a request; the message has the reason."""


def control(folder=PGDATA):
    """Entries of PostgreSQL's control file, by the names that pg_controldata prints."""
    # In other locales the names are translated.
    english = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(["pg_controldata", str(folder)], capture_output=True, text=True, check=False, env=english)
    if done.returncode:
        raise StoreError(f"there is no database cluster in {folder}: {done.stderr.strip()}")
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in done.stdout.splitlines())}


def own_server():
    """Name of the folder of the database cluster on the volume."""
    return f"postgres-{control()['Database system identifier']}"


class Store:
    """The folder of one database cluster in the bucket."""

    def __init__(self, server):
        self.server = server
        settings = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2})
        self._s3 = boto3.client("s3", endpoint_url=ENDPOINT, config=settings)

    def barman(self, tool, *arguments, options=(), seconds=None):
        """Run a program of barman-cloud on this folder; returns what it prints.

        Raises:
            StoreError: it failed, or did not end in time.
        """
        endpoint = [] if ENDPOINT is None else [f"--endpoint-url={ENDPOINT}"]
        command = [f"barman-cloud-{tool}", "--cloud-provider=aws-s3", *endpoint, *options, f"s3://{BUCKET}", self.server]
        try:
            done = subprocess.run(
                [*command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            raise StoreError(f"barman-cloud-{tool} did not end within {seconds} s") from None
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            raise StoreError(PREFIX.sub("", said[-1])[:400] if said else f"barman-cloud-{tool} ended with {done.returncode}")
        return done.stdout

    def command(self, tool, *arguments):
        """The command line of a program of barman-cloud, for PostgreSQL's `restore_command`."""
        endpoint = [] if ENDPOINT is None else [f"--endpoint-url={ENDPOINT}"]
        return " ".join(
            [f"barman-cloud-{tool}", "--cloud-provider=aws-s3", *endpoint, f"s3://{BUCKET}", self.server, *arguments]
        )

    def backups(self):
        """All complete base backups, oldest first."""
        listed = json.loads(self.barman("backup-list", options=["--format=json"], seconds=120))["backups_list"]
        found = [_backup(one, self.note(f"backups/{one['backup_id']}.json")) for one in listed if one["status"] == "DONE"]
        return tuple(sorted(found, key=lambda one: one.end))

    def archive(self):
        """Timelines, base backups and gaps, which determine the times that can be restored."""
        state = self.note("state.json") or {}
        histories = {}
        for key in self.keys("wals/"):
            name = key.rpartition("/")[2].partition(".")[0]
            if ".history" in key:
                histories[int(name, 16)] = key
        timelines = []
        for number, key in sorted(histories.items()):
            said = self.note(f"timelines/{number}.json") or {}
            timelines.append(
                Timeline(
                    number=number,
                    since=_time(said.get("since")) or self._modified(key),
                    before=_time(said.get("before")),
                    forks=forks(self._history(key)),
                )
            )
        return Archive(
            backups=self.backups(), timelines=tuple(timelines), gaps=self.gaps(), until=_time(state.get("until"))
        )

    def gaps(self):
        """Parts of the write-ahead log that were deleted before they were sent."""
        return tuple(gap(self.note(name)) for name in self.notes("gaps/"))

    def keys(self, folder):
        """Keys of all objects in a folder."""
        with _explained():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.server}/{folder}")
            return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}

    def notes(self, folder):
        """Names of the notes in a folder."""
        start = f"{self.server}/{NOTES}/"
        return sorted(key.removeprefix(start) for key in self.keys(f"{NOTES}/{folder}"))

    def note(self, name):
        """A note; None if there is none."""
        try:
            with _explained():
                return json.load(self._s3.get_object(Bucket=BUCKET, Key=f"{self.server}/{NOTES}/{name}")["Body"])
        except StoreError as error:
            if isinstance(error.__cause__, ClientError) and error.__cause__.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    def write(self, name, content):
        """Write a note."""
        with _explained():
            body = json.dumps(content, indent=1, sort_keys=True).encode()
            self._s3.put_object(Bucket=BUCKET, Key=f"{self.server}/{NOTES}/{name}", Body=body)

    def remove(self, name):
        """Delete a note."""
        with _explained():
            self._s3.delete_object(Bucket=BUCKET, Key=f"{self.server}/{NOTES}/{name}")

    def _modified(self, key):
        with _explained():
            return self._s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]

    def _history(self, key):
        """The history file of a timeline."""
        with _explained():
            content = self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return (gzip.decompress(content) if key.endswith(".gz") else content).decode()


def servers():
    """Names of all folders in the bucket: of this database cluster, and of others that came before it."""
    with _explained():
        s3 = boto3.client("s3", endpoint_url=ENDPOINT)
        found = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/", Prefix="postgres-")
        return [one["Prefix"].rstrip("/") for one in found.get("CommonPrefixes", ())]


def gap(note):
    """A gap from its note."""
    return Gap(
        timeline=note["timeline"], since=_time(note["since"]), until=_time(note["until"]), position=note["position"]
    )


def size_of(folder):
    """Bytes of the files in a folder; those that vanish meanwhile do not count."""
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def _backup(listed, note):
    return Backup(
        name=listed["backup_id"],
        timeline=int(listed["timeline"]),
        begin=datetime.fromisoformat(listed["begin_time_iso"]),
        end=datetime.fromisoformat(listed["end_time_iso"]),
        end_position=position(listed["end_xlog"]),
        size=(note or {}).get("bytes", 0),
    )


def _time(text):
    return datetime.fromisoformat(text) if text else None


@contextlib.contextmanager
def _explained():
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(str(error)) from error
