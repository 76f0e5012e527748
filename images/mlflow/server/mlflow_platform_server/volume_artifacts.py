"""Artifacts on a volume of the server (the scheme `file`), confined to the workspace of the request.

MLflow's own repository streams files both ways, but does not isolate workspaces: a location that a client names may be
any file that the server can read.
"""

import asyncio
import os
import posixpath
import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, RESOURCE_CONFLICT
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository, _set_default_file_mode

from mlflow_platform_server import artifact_reach, transfers, uploads
from mlflow_platform_server.object_keys import VOLUME, Location
from mlflow_platform_server.stored_objects import StoredObject


class ConfinedFileArtifactRepository(LocalArtifactRepository):
    """A `LocalArtifactRepository` that lets a request access only the files of its own workspace."""

    def _create_thread_pool(self) -> ThreadPoolExecutor:
        return artifact_reach.ScopedThreadPool(self.max_workers, thread_name_prefix="artifacts")

    def get_local_path(self, artifact_path: str) -> str:
        self._check(artifact_path)
        return super().get_local_path(artifact_path)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        self._check(artifact_path)
        super().log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self._check(artifact_path)
        super().log_artifacts(local_dir, artifact_path)

    def log_artifact_from_stream(
        self, stream: BinaryIO, artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        self._check(artifact_path)
        super().log_artifact_from_stream(stream, artifact_file_name, artifact_path)

    async def log_artifact_from_async_stream(
        self, chunks: AsyncIterator[bytes], artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        """Write an artifact as it arrives, in larger pieces and fewer threads than MLflow would."""
        self._check(artifact_path)
        shared, party = transfers.of_worker(), transfers.party()
        call = partial(shared.calls.run, party, transfers.WAIT_SECONDS)
        with await shared.places.take(party, seconds=shared.queue_seconds) as place:
            descriptor, staged, artifact = await call(self._create_staging_artifact, artifact_file_name, artifact_path)
            published = False
            try:
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    await uploads.write(chunks, partial(_write, file), shared, place)
                await call(self._publish_staged_artifact, staged, artifact, _set_default_file_mode)
                published = True
            finally:
                if not published:
                    await asyncio.shield(call(self._cleanup_staged_artifact, staged))

    def find(self, path: str) -> StoredObject:
        """Look up the file of an artifact."""
        with artifact_reach.IMPORTED.missing(path):
            file = self.get_local_path(path)
        seen = Path(file).stat()
        if not stat.S_ISREG(seen.st_mode):
            message = f"{path} is not a file."
            raise MlflowException(message, BAD_REQUEST)
        return StoredObject(key=file, size=seen.st_size, etag=_etag(seen))

    def fetch(self, stored: StoredObject, start: int, stop: int) -> BinaryIO:
        """Open a file at a position; fails if it has been replaced. `stop` is for stores that send by themselves."""
        del stop
        file = Path(stored.key).open("rb", buffering=0)  # noqa: SIM115 - the caller closes it
        if _etag(os.fstat(file.fileno())) != stored.etag:
            file.close()
            message = "The artifact was replaced while it was being downloaded. Download it again."
            raise MlflowException(message, RESOURCE_CONFLICT)
        file.seek(start)
        return file

    def list_artifacts(self, path: str | None = None) -> list[Any]:
        self._check(path)
        return artifact_reach.IMPORTED.listed(super().list_artifacts(path), path, self.find)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        self._check(artifact_path)
        super().delete_artifacts(artifact_path)

    def upload_archived_trace_data_bytes(self, data: bytes) -> None:
        self._check(None)
        super().upload_archived_trace_data_bytes(data)

    def download_trace_data(self) -> dict[str, Any]:
        self._check(None)
        return super().download_trace_data()

    def download_artifacts(self, artifact_path: str | None, dst_path: str | None = None) -> str:
        # Before anything is listed; each file is checked again by the thread that copies it.
        self._check(artifact_path)
        return super().download_artifacts(artifact_path, dst_path)

    def download_trace_data_to_file(self, dst_path: Path) -> Path:
        # MLflow would answer any refusal with "Trace data not found".
        self._check(None)
        return super().download_trace_data_to_file(dst_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        # MLflow calls this directly with the location that a trace names.
        self._check(remote_file_path)
        super()._download_file(remote_file_path, local_path)

    def _check(self, path: str | None) -> None:
        """Refuse a location outside the workspace of the current request."""
        file = posixpath.join(self.artifact_dir, path) if path else self.artifact_dir
        artifact_reach.check(Location(store=VOLUME, key=file))


def _write(file: BinaryIO, content: bytes) -> None:
    """Write all of `content`; a file without a buffer may take less at once."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _etag(seen: os.stat_result) -> str:
    return f'"{seen.st_ino:x}-{seen.st_mtime_ns:x}-{seen.st_size:x}"'
