"""S3 artifacts through the MLflow server only: the scheme `s3-proxied://bucket/path`.

MLflow's own S3 repository sends clients presigned URLs of the store to download artifacts and to upload large ones.
That fails wherever clients cannot reach the store, and no setting of the server turns it off. This repository never
offers such URLs: all traffic passes through the server and its login, uploads and downloads stream, and a request
reaches only objects of its own workspace.
"""

import posixpath
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INTERNAL_ERROR,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
)
from mlflow.store.artifact.artifact_repo import ArtifactRepository, StreamUploadMixin
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from s3transfer.upload import UploadSubmissionTask

from mlflow_platform_server import artifact_reach, transfers, uploads
from mlflow_platform_server.object_keys import Location, location_of
from mlflow_platform_server.stored_objects import StoredObject

# Error codes of S3 stores for a key that does not exist, on a HEAD and on a GET.
MISSING = ("404", "NoSuchKey")
# Seconds until a connection to the store, or an answer of it, is given up, and attempts in all. A call that hangs holds
# a thread, and with it the part that it sends, for three minutes at most.
CONNECT_SECONDS = 5
ANSWER_SECONDS = 60
ATTEMPTS = 3


def bound_calls() -> None:
    """Set the time-outs of the store's client, which MLflow makes without any of its own."""
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION._session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": ATTEMPTS},
            # One for each thread: further connections would be opened and closed for each call.
            max_pool_connections=transfers.CALLS,
        )
    )


class ProxiedS3ArtifactRepository(ArtifactRepository, StreamUploadMixin):
    """An `S3ArtifactRepository` without presigned URLs and without access to other workspaces."""

    def __init__(self, artifact_uri: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(artifact_uri, *args, **kwargs)
        location = location_of(artifact_uri)
        self._bucket, self._root = location.store, location.key
        # From the parts that are checked, and not from `artifact_uri`: boto3 would find other ones in `s3://bucket//key`.
        self._s3 = S3ArtifactRepository(f"s3://{self._bucket}/{self._root}", *args, **kwargs)

    def _create_thread_pool(self) -> ThreadPoolExecutor:
        return artifact_reach.ScopedThreadPool(self.max_workers, thread_name_prefix="artifacts")

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        self._key(artifact_path)
        self._s3.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self._key(artifact_path)
        self._s3.log_artifacts(local_dir, artifact_path)

    def list_artifacts(self, path: str | None = None) -> list[Any]:
        self._key(path)
        return artifact_reach.IMPORTED.listed(self._s3.list_artifacts(path), path, self.find)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        self._key(artifact_path)
        self._s3.delete_artifacts(artifact_path)

    def upload_archived_trace_data_bytes(self, data: bytes) -> None:
        self._key(None)
        self._s3.upload_archived_trace_data_bytes(data)

    def download_artifacts(self, artifact_path: str | None, dst_path: str | None = None) -> str:
        # Before anything is listed; each file is checked again by the thread that downloads it.
        self._key(artifact_path)
        return super().download_artifacts(artifact_path, dst_path)

    def download_trace_data_to_file(self, dst_path: Path) -> Path:
        # MLflow would answer any refusal with "Trace data not found".
        self._key(None)
        return super().download_trace_data_to_file(dst_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        # MLflow calls this directly with the location that a trace names.
        self._key(remote_file_path)
        try:
            self._s3._download_file(remote_file_path, local_path)
        except (BotoCoreError, ClientError) as error:
            raise _translated(error, remote_file_path) from error

    def log_artifact_from_stream(
        self, stream: BinaryIO, artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        target = self._target(artifact_file_name, artifact_path)
        self._s3._get_s3_client().upload_fileobj(stream, target.bucket, target.key, ExtraArgs=target.extra)

    async def log_artifact_from_async_stream(
        self, chunks: AsyncIterator[bytes], artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        try:
            target = self._target(artifact_file_name, artifact_path)
            await uploads.store(chunks, target, transfers.of_worker(), transfers.party())
        except (BotoCoreError, ClientError) as error:
            raise _translated(error, artifact_file_name) from error

    def find(self, path: str) -> StoredObject:
        """Look up the object of an artifact."""
        key = self._key(path)
        with artifact_reach.IMPORTED.missing(path):
            try:
                seen = self._s3._get_s3_client().head_object(
                    Bucket=self._bucket, Key=key, **self._s3._bucket_owner_params
                )
            except (BotoCoreError, ClientError) as error:
                raise _translated(error, path) from error
        return StoredObject(key=key, size=seen["ContentLength"], etag=seen["ETag"])

    def fetch(self, stored: StoredObject, start: int, stop: int) -> Any:
        """Request a range of bytes of an object, as boto3's streaming body; fails if the object has been replaced."""
        return self._s3._get_s3_client().get_object(
            Bucket=self._bucket,
            Key=stored.key,
            Range=f"bytes={start}-{stop - 1}",
            IfMatch=stored.etag,
            **self._s3._bucket_owner_params,
        )["Body"]

    def _key(self, path: str | None) -> str:
        """The key of an artifact; refused if it is outside the workspace of the current request."""
        key = posixpath.join(self._root, path) if path else self._root
        artifact_reach.check(Location(store=self._bucket, key=key))
        return key

    def _target(self, name: str, path: str | None) -> "_Target":
        extra = dict(self._s3._bucket_owner_params)
        content_type, encoding = guess_type(name)
        if content_type is not None:
            extra["ContentType"] = content_type
        if encoding is not None:
            extra["ContentEncoding"] = encoding
        extra |= self._s3.get_s3_file_upload_extra_args() or {}
        key = self._key(posixpath.join(path or "", posixpath.basename(name)))
        return _Target(client=self._s3._get_s3_client(), bucket=self._bucket, key=key, extra=extra)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """The object that an upload writes; implements `uploads.Target`."""

    client: Any
    bucket: str
    key: str
    extra: dict[str, Any]

    def put(self, content: bytes) -> None:
        self.client.put_object(Body=content, **self._object(), **self.extra)

    def begin(self) -> str:
        return self.client.create_multipart_upload(**self._object(), **self.extra)["UploadId"]

    def put_part(self, upload: str, number: int, content: bytes) -> str:
        extra = self._extra(UploadSubmissionTask.UPLOAD_PART_ARGS)
        return self.client.upload_part(Body=content, UploadId=upload, PartNumber=number, **self._object(), **extra)[
            "ETag"
        ]

    def complete(self, upload: str, tags: list[str]) -> None:
        extra = self._extra(UploadSubmissionTask.COMPLETE_MULTIPART_ARGS)
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
        self.client.complete_multipart_upload(
            UploadId=upload, MultipartUpload={"Parts": parts}, **self._object(), **extra
        )

    def abort(self, upload: str) -> None:
        extra = {name: value for name, value in self.extra.items() if name == "ExpectedBucketOwner"}
        self.client.abort_multipart_upload(UploadId=upload, **self._object(), **extra)

    def _object(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key}

    def _extra(self, allowed: list[str]) -> dict[str, Any]:
        return {name: value for name, value in self.extra.items() if name in allowed}


def _translated(error: BotoCoreError | ClientError, path: str) -> MlflowException:
    """Turn a failure of the store into an error that tells clients: not found, try again, or a server fault."""
    if isinstance(error, BotoCoreError):
        return MlflowException("The artifact store cannot be reached. Try again.", TEMPORARILY_UNAVAILABLE)
    code = error.response["Error"]["Code"]
    if code in MISSING:
        # Otherwise it would be a server error, which clients retry for minutes.
        return MlflowException(f"There is no artifact {path}", RESOURCE_DOES_NOT_EXIST)
    return MlflowException(f"The artifact store answered {code} to {path}.", INTERNAL_ERROR)
