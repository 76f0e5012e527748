"""S3 artifacts through the MLflow server only: the scheme `s3-proxied://bucket/path`.

MLflow's own S3 repository tells every client to fetch artifacts, and to upload large ones, at presigned URLs of the store.
That fails wherever clients cannot reach the store, and no setting of the server turns it off. This repository is the
same store without that offer: everything passes the server, and with it the login.
"""

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

SCHEME = "s3-proxied://"


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
        self._s3._download_file(remote_file_path, local_path)

    def delete_artifacts(self, artifact_path=None):
        self._s3.delete_artifacts(artifact_path)
