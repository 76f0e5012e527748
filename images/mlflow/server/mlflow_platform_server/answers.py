"""Refusals of the layers in front of MLflow: a JSON document with MLflow's error codes.

The web server (uvicorn) omits the body if the request is HEAD.
"""

import json
from collections.abc import Sequence

from mlflow_platform_server.asgi import Send


async def refuse(send: Send, status: int, code: str, message: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Answer a request that is not passed on."""
    content = json.dumps({"error_code": code, "message": message}).encode()
    all_headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        # The rest of the body is not read, so the connection cannot be used again.
        (b"connection", b"close"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
