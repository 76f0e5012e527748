"""Messages to the engine that started the plugin."""

from __future__ import annotations

import sys
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

MESSAGE_LIMIT: Final = 400 * 1024 * 1024
"""The engine's own limit; a CustomResourceDefinition does not fit into gRPC's default."""


class Engine:
    """Client of the engine: sends messages that the command line shows at a resource."""

    def __init__(self, address: str) -> None:
        """Connect to the address that the engine gave on the command line."""
        options = [("grpc.max_receive_message_length", MESSAGE_LIMIT)]
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=options))

    def warn(self, urn: str, message: str) -> None:
        """Show a warning that stays in the output."""
        self._log(engine_pb2.WARNING, urn, message, ephemeral=False)

    def inform(self, urn: str, message: str) -> None:
        """Show a message that stays in the output."""
        self._log(engine_pb2.INFO, urn, message, ephemeral=False)

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:
        """Show a message in the resource's status column; the next message replaces it."""
        severity = engine_pb2.WARNING if warning else engine_pb2.INFO
        self._log(severity, urn, message, ephemeral=True)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, *, ephemeral: bool) -> None:
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        try:
            self._stub.Log(request)  # pyright: ignore[reportUnknownMemberType] - its stub imports a package that is not there
        except grpc.RpcError as error:
            # A message that cannot be delivered must not fail the operation.
            print(f"the engine cannot be reached: {error}", file=sys.stderr)
