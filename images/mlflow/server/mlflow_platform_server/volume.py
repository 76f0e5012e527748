"""Artifacts on a volume of the server's: the scheme `file`, confined to the workspace of the request.

MLflow's own repository streams files both ways. It knows no workspaces: a location that a client names may be any file
that the server can read.
"""

import os
import posixpath
from collections.abc import AsyncIterable
from typing import Any, BinaryIO

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.utils.workspace_context import get_request_workspace

from mlflow_platform_server import keys


class ConfinedFileArtifactRepository(LocalArtifactRepository):
    """A `LocalArtifactRepository` that serves a request the files of its own workspace, and none outside the volume."""

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
        # Here, because files are copied in threads that do not know the request.
        self._check(artifact_path)
        return super().download_artifacts(artifact_path, dst_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        # MLflow comes here directly with the location that a trace names.
        self._check(remote_file_path)
        super()._download_file(remote_file_path, local_path)

    def _check(self, path: str | None) -> None:
        """Refuse what the request that is being served may not touch."""
        # Here, because that package registers this class while it is imported itself.
        from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR  # noqa: PLC0415

        store = os.environ.get(ARTIFACTS_DESTINATION_ENV_VAR)
        # Without a store there is no server: `mlflow gc` and its like, which work for all workspaces.
        if store is None:
            return
        key = keys.key_of(posixpath.join(self.artifact_dir, path) if path else self.artifact_dir, store)
        workspace = get_request_workspace()
        if key is None:
            raise MlflowException("This location is not in the server's store.", PERMISSION_DENIED)
        if workspace is not None and not keys.is_within(key, workspace):
            raise MlflowException(f"This location does not belong to workspace {workspace}.", PERMISSION_DENIED)
