"""Artifacts on a volume of the server (the scheme `file`), confined to the workspace of the request.

MLflow's own repository streams files both ways, but does not isolate workspaces: a location that a client names may be
any file that the server can read.
"""

import posixpath
from collections.abc import AsyncIterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from mlflow_platform_server import artifact_reach
from mlflow_platform_server.object_keys import VOLUME, Location


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
        self, chunks: AsyncIterable[bytes], artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        self._check(artifact_path)
        await super().log_artifact_from_async_stream(chunks, artifact_file_name, artifact_path)

    def list_artifacts(self, path: str | None = None) -> list[Any]:
        self._check(path)
        return super().list_artifacts(path)

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

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        # MLflow calls this directly with the location that a trace names.
        self._check(remote_file_path)
        super()._download_file(remote_file_path, local_path)

    def _check(self, path: str | None) -> None:
        """Refuse a location outside the workspace of the current request."""
        file = posixpath.join(self.artifact_dir, path) if path else self.artifact_dir
        artifact_reach.check(Location(store=VOLUME, key=file))
