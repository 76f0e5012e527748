"""The engine's side of Pulumi's protocol for a run without an engine: answers, URNs, secrets, event loops.

The test harness uses it too.
"""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Any, cast

import pulumi
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from tools.render.values import Json

STACK_TYPE = "pulumi:pulumi:Stack"
# Mark of a secret value in the engine's protocol (pulumi/sdk/go/common/resource/properties.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not a secret


class Engine(mocks.MockMonitor):
    """Answers each registration and each read with what the providers' mocks say."""

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine makes it, with the types of all ancestors but the stack's."""
        ancestors = parent.split("::")[2] if parent else ""
        qualified = type_ if ancestors in ("", STACK_TYPE) else f"{ancestors}${type_}"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{qualified}::{name}"

    def RegisterResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Answer a registration."""
        # This runs on a worker thread, where Pulumi would open an event loop and never close it.
        with event_loop():
            return super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType] - has no types

    def ReadResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Answer the read of an object that exists in the cluster."""
        with event_loop():
            return super().ReadResource(request)  # pyright: ignore[reportUnknownMemberType] - has no types


@contextlib.contextmanager
def event_loop() -> Generator[asyncio.AbstractEventLoop]:
    """An event loop, which Pulumi needs; at the end, the loop and its threads are stopped."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def document(message: struct_pb2.Struct) -> Json:
    """Properties of a resource as JSON; secrets keep their marks."""
    return cast("Json", _whole_numbers(json_format.MessageToDict(message)))


def _whole_numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Turn protobuf's floats back into integers where they are whole."""
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in cast("Json", value).items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def revealed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value with marked secrets in plain text."""
    if isinstance(value, dict):
        node = cast("Json", value)
        if node.get(SIGNATURE) == SECRET_SIGNATURE:
            return revealed(node["value"])
        return {key: revealed(item) for key, item in node.items()}
    if isinstance(value, list):
        return [revealed(item) for item in cast("list[Any]", value)]
    return value
