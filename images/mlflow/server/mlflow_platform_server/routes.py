"""The routes of proxied artifacts, in place of MLflow's own of the same paths.

The paths and methods are what the authorisation plugin has rules for; what a path may name is decided by MLflow's own
functions.
"""

import json
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.server import artifact_router, handlers
from mlflow.utils.uri import validate_path_is_safe
from starlette.requests import ClientDisconnect

from mlflow_platform_server import downloads
from mlflow_platform_server.artifacts import ProxiedS3ArtifactRepository

PATHS = (
    "/api/2.0/mlflow-artifacts/artifacts/{artifact_path:path}",
    "/ajax-api/2.0/mlflow-artifacts/artifacts/{artifact_path:path}",
)
# Nobody reads it: the client is gone.
GONE = 400


class _Whole(Request):
    """A request whose body is as long as it said."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's chunks."""
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            yield chunk
        announced = self.headers.get("content-length")
        if announced is not None and received != int(announced):
            message = f"The body has {received} bytes and was announced with {announced}. Nothing was stored."
            raise MlflowException(message, BAD_REQUEST)


async def upload(artifact_path: str, request: Request) -> Response:
    """Store an artifact as it comes in."""
    try:
        return await artifact_router.upload_artifact(artifact_path, _Whole(request.scope, request.receive))
    except ClientDisconnect:
        return Response(status_code=GONE)


async def download(artifact_path: str, request: Request) -> Response:
    """Send an artifact as it comes from the store."""
    repository = handlers._get_artifact_repo_mlflow_artifacts()
    if not isinstance(repository, ProxiedS3ArtifactRepository):
        return await artifact_router.download_artifact(artifact_path)
    try:
        path = handlers._get_workspace_scoped_repo_path_if_enabled(validate_path_is_safe(artifact_path))
    except MlflowException as error:
        return JSONResponse(json.loads(error.serialize_as_json()), error.get_http_status_code())
    return await downloads.response(repository, path, request.headers.get("range"))


def router() -> APIRouter:
    """The router that takes the place of `mlflow.server.artifact_router`, below the server's path prefix as well."""
    made = APIRouter()
    for path in PATHS:
        for prefixed in dict.fromkeys((path, handlers._add_static_prefix(path))):
            made.add_api_route(prefixed, upload, methods=["PUT"])
            made.add_api_route(prefixed, download, methods=["GET"])
    return made
