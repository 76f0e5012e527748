"""What both stand-ins share: the server and its errors.

A plugin prints the port it listens on and serves until the engine ends it. The engine calls many
methods at once; each call has a thread of its own.
"""
# ruff: noqa: N802 - the protocol names the methods

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from testbed.providers.protocol import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

WORKERS: Final = 256
"""Waits are threads; the engine itself allows far fewer operations at once."""

Request = TypeVar("Request", bound="Message")
Response = TypeVar("Response", bound="Message")


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """A provider: answers each method of the protocol, or says that it does not have it."""

    def __init__(self, version: str) -> None:
        """Remember the version to report."""
        self.version = version

    def check_config(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Accept the provider's inputs as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def diff_config(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """See no change of the provider."""
        del request
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def configure(self, request: provider_pb2.ConfigureRequest) -> None:
        """Take the provider's configuration."""

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Validate and complete the inputs of a resource."""
        raise NotImplementedError

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Say what a change of inputs does."""
        raise NotImplementedError

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Create, or preview the creation of, a resource."""
        raise NotImplementedError

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Return what a resource is now."""
        raise NotImplementedError

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Change, or preview the change of, a resource in place."""
        raise NotImplementedError

    def delete(self, request: provider_pb2.DeleteRequest) -> None:
        """Delete a resource."""
        raise NotImplementedError

    def _answer(
        self,
        method: Callable[[Request], Response],
        request: Request,
        context: grpc.ServicerContext,
    ) -> Response:
        try:
            return method(request)
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of the stand-in, shown with its place
            place = "".join(traceback.format_exception(error))
            context.abort(grpc.StatusCode.UNKNOWN, f"a fault of the provider stand-in:\n{place}")

    def _refuse(self, what: str, context: grpc.ServicerContext) -> NoReturn:
        message = f"the provider stand-in of the embedded cluster does not have {what}"
        context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
        raise AssertionError(message)  # abort does not return

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Answer the engine's CheckConfig."""
        return self._answer(self.check_config, request, context)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Answer the engine's DiffConfig."""
        return self._answer(self.diff_config, request, context)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Answer the engine's Configure: secrets and previews, but no resource references."""

        def configure(request: provider_pb2.ConfigureRequest) -> provider_pb2.ConfigureResponse:
            self.configure(request)
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

        return self._answer(configure, request, context)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Answer the engine's Check."""
        return self._answer(self.check, request, context)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Answer the engine's Diff."""
        return self._answer(self.diff, request, context)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Answer the engine's Create."""
        return self._answer(self.create, request, context)

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Answer the engine's Read."""
        return self._answer(self.read, request, context)

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Answer the engine's Update."""
        return self._answer(self.update, request, context)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Answer the engine's Delete."""

        def delete(request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
            self.delete(request)
            return empty_pb2.Empty()

        return self._answer(delete, request, context)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Report the version of the plugin whose place this takes."""
        del request, context
        return plugin_pb2.PluginInfo(version=self.version)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Nothing waits here: every operation ends by itself."""
        del request, context
        return empty_pb2.Empty()

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Refuse, as plugins of this generation do; the engine then configures as before."""
        del request
        self._refuse("a handshake", context)

    def Parameterize(
        self, request: provider_pb2.ParameterizeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ParameterizeResponse:
        """Refuse."""
        del request
        self._refuse("parameterized packages", context)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Refuse: the schema is of use to code generators only."""
        del request
        self._refuse("a schema", context)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Refuse."""
        self._refuse(f"the function {request.tok}", context)

    def Call(self, request: provider_pb2.CallRequest, context: grpc.ServicerContext) -> provider_pb2.CallResponse:
        """Refuse."""
        self._refuse(f"the method {request.tok}", context)

    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Refuse."""
        self._refuse(f"the component {request.type}", context)


def listen(plugin: Plugin) -> tuple[grpc.Server, int]:
    """Start to answer on a free port of the loopback address."""
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(make: Callable[[], Plugin]) -> None:
    """Serve a plugin until the engine ends this process, which it does by a signal."""
    parser = argparse.ArgumentParser(description=sys.modules["testbed.providers"].__doc__)
    parser.add_argument("engine", help="address of the engine that started the plugin")
    parser.parse_known_args()  # the engine has flags for plugins of other kinds
    server, port = listen(make())

    def stop(_number: int, _frame: object) -> None:
        server.stop(grace=None)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    print(port, flush=True)  # how the engine learns the port
    server.wait_for_termination()
