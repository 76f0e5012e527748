"""S3 artifacts through the MLflow server only: the scheme `s3-proxied://bucket/path`.

MLflow's own S3 repository tells every client to fetch artifacts, and to upload large ones, at presigned URLs of the store.
That fails wherever clients cannot reach the store, and no setting of the server turns it off. This repository is the
same store without that offer: everything passes the server, and with it the login.
"""

from botocore.exceptions import ClientError
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

SCHEME = "s3-proxied://"
# How S3 stores say that a key does not exist, on a HEAD and on a GET.
MISSING = ("404", "NoSuchKey")


class ProxiedS3ArtifactRepository(ArtifactRepository):
    """An `S3ArtifactRepository` that offers its clients no way around the server."""

    def __init__(self, artifact_uri, *args, **kwargs):
        super().__init__(artifact_uri, *args, **kwargs)
        self._s3 = S3ArtifactRepository(f"s3://{artifact_uri.removeprefix(SCHEME)}", *args, **kwargs)

    def log_artifact(self, local_file, artifact_path=None):
        self._s3.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir, artifact_path=None):
        self._s3.log_artifacts(local_dir, artifact_path)

    def list_artifacts(self, path=None):
        return self._s3.list_artifacts(path)

    def _download_file(self, remote_file_path, local_path):
        try:
            self._s3._download_file(remote_file_path, local_path)
        except ClientError as error:
            # Without this a missing artifact is a failure of the server, and clients ask for it again for minutes.
            if error.response["Error"]["Code"] not in MISSING:
                raise
            raise MlflowException(f"There is no artifact {remote_file_path}", RESOURCE_DOES_NOT_EXIST) from error

    def delete_artifacts(self, artifact_path=None):
        self._s3.delete_artifacts(artifact_path)
