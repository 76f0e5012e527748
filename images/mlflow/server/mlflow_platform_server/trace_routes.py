"""The route that takes traces of OpenTelemetry (`/v1/traces`), in a thread of MLflow's handlers.

MLflow parses the body and converts each span in the event loop, and stores them in one of asyncio's threads, which are
not counted. In a handler's thread the request counts among those that the worker handles at once.
"""

import asyncio
import inspect
import re
from collections.abc import Callable
from typing import Any

from anyio import from_thread
from fastapi import APIRouter, Request
from mlflow.server import otel_api

from mlflow_platform_server.off_loop import finished


class _InThisThread:
    """Takes the place of `asyncio` in MLflow's module, and runs at once what asyncio would run in a thread."""

    @staticmethod
    async def to_thread(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


async def log_spans_in_this_thread(store: Any, location: str, spans: list[Any]) -> list[Any]:
    """Take the place of a tracking store's `log_spans_async`."""
    return store.log_spans(location, spans)


def router() -> APIRouter:
    """Make the router that replaces `mlflow.server.fastapi_app.otel_router`.

    Raises:
        RuntimeError: MLflow's module uses more of asyncio than this one replaces.
    """
    if otel_api.asyncio is asyncio and set(_used(otel_api)) != {"to_thread"}:
        message = "Review trace_routes.py: MLflow's route for traces uses other parts of asyncio."
        raise RuntimeError(message)
    otel_api.asyncio = _InThisThread
    export = otel_api.export_traces

    def export_in_thread(request: Request, **headers: Any) -> Any:
        # Layers in front have read the body already.
        from_thread.run(request.body)
        return finished(export(request=request, **headers))

    export_in_thread.__signature__ = inspect.signature(export, eval_str=True)  # type: ignore[attr-defined]
    api = APIRouter()
    api.add_api_route(otel_api.OTLP_TRACES_PATH, export_in_thread, methods=["POST"], status_code=200)
    return api


def _used(module: Any) -> list[str]:
    """Names that a module takes from asyncio."""
    return re.findall(r"\basyncio\.(\w+)", inspect.getsource(module))
