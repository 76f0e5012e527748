"""HTTP routes for uploads and downloads of artifacts; they replace MLflow's own routes with the same paths.

The authorization plugin has rules for these paths and methods. MLflow's own functions validate the artifact's path.
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

from mlflow_platform_server import downloads, transfer_refusals
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.shares import BusyError
from mlflow_platform_server.uploads import TooSlowError

PATHS = (
    "/api/2.0/mlflow-artifacts/artifacts/{artifact_path:path}",
    "/ajax-api/2.0/mlflow-artifacts/artifacts/{artifact_path:path}",
)
# Never read: the client has disconnected.
DISCONNECTED = 400


class _CheckedRequest(Request):
    """A request that fails if the length of its body differs from Content-Length."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body's chunks."""
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            yield chunk
        announced = self.headers.get("content-length")
        # As text: of a number with hundreds of zeros in front `int` makes nothing.
        if announced is not None and announced.strip().lstrip("0") != str(received).lstrip("0"):
            message = f"Content-Length is {announced}, but the body has {received} bytes. Nothing was stored."
            raise MlflowException(message, BAD_REQUEST)


class _Refusal(Response):
    """The answer to an upload that a bound stopped."""

    def __init__(self, error: BusyError | TooSlowError) -> None:
        super().__init__()
        self._error = error

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Send the answer; `draining.py` reads the rest of the body."""
        del receive
        await transfer_refusals.refuse(scope, send, self._error)


async def upload(artifact_path: str, request: Request) -> Response:
    """Store an artifact while it is being received."""
    try:
        return await artifact_router.upload_artifact(artifact_path, _CheckedRequest(request.scope, request.receive))
    except (BusyError, TooSlowError) as error:
        return _Refusal(error)
    except ClientDisconnect:
        return Response(status_code=DISCONNECTED)


async def download(artifact_path: str, request: Request) -> Response:
    """Send an artifact while it is being read from the store."""
    repository = handlers._get_artifact_repo_mlflow_artifacts()
    try:
        path = handlers._get_workspace_scoped_repo_path_if_enabled(validate_path_is_safe(artifact_path))
    except MlflowException as error:
        return JSONResponse(json.loads(error.serialize_as_json()), error.get_http_status_code())
    return downloads.Download(repository, path, request.headers.get("range"))


def router() -> APIRouter:
    """Make the router that replaces `mlflow.server.artifact_router`."""
    api = APIRouter()
    for path in PATHS:
        for prefixed in dict.fromkeys((path, handlers._add_static_prefix(path))):
            api.add_api_route(prefixed, upload, methods=["PUT"])
            api.add_api_route(prefixed, download, methods=["GET"])
    return api
