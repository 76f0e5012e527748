"""The gRPC server that the provider stand-ins share.

A plugin prints the port it listens on, and serves until the engine ends it. The engine calls many methods at once;
each call runs in a thread of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from testbed.providers.protocol import NotSupportedError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS: Final = 256
"""Threads for calls; the engine itself allows far fewer operations at once."""


class Plugin:
    """Base class of the stand-ins, with the methods of the provider protocol that they support."""

    def __init__(self, version: str) -> None:
        """Set the version that the plugin reports."""
        self.version = version

    def check_config(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Accept the provider's inputs as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def diff_config(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Report that the provider's inputs have not changed."""
        del request
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def configure(self, request: provider_pb2.ConfigureRequest) -> None:
        """Accept the provider's configuration; the base class ignores it."""

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Validate and complete the inputs of a resource."""
        raise NotImplementedError

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compare a resource's state with new inputs."""
        raise NotImplementedError

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Create a resource, or preview its creation."""
        raise NotImplementedError

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Return the current state of a resource."""
        raise NotImplementedError

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Change a resource in place, or preview the change."""
        raise NotImplementedError

    def delete(self, request: provider_pb2.DeleteRequest) -> None:
        """Delete a resource."""
        raise NotImplementedError

    def _configure(self, request: provider_pb2.ConfigureRequest) -> provider_pb2.ConfigureResponse:
        self.configure(request)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return the methods as gRPC handlers. gRPC itself refuses the methods that are not listed."""
        info = plugin_pb2.PluginInfo(version=self.version)
        methods: dict[str, tuple[Callable[[Any], Any], Any]] = {
            "GetPluginInfo": (lambda _request: info, empty_pb2.Empty),
            # There is nothing to cancel: no operation waits.
            "Cancel": (lambda _request: None, empty_pb2.Empty),
            "CheckConfig": (self.check_config, provider_pb2.CheckRequest),
            "DiffConfig": (self.diff_config, provider_pb2.DiffRequest),
            "Configure": (self._configure, provider_pb2.ConfigureRequest),
            "Check": (self.check, provider_pb2.CheckRequest),
            "Diff": (self.diff, provider_pb2.DiffRequest),
            "Create": (self.create, provider_pb2.CreateRequest),
            "Read": (self.read, provider_pb2.ReadRequest),
            "Update": (self.update, provider_pb2.UpdateRequest),
            "Delete": (self.delete, provider_pb2.DeleteRequest),
            # Not supported either; listed so that the error names what the program has called.
            "Invoke": (lambda request: _refuse(f"the function {request.tok}"), provider_pb2.InvokeRequest),
            "Call": (lambda request: _refuse(f"the method {request.tok}"), provider_pb2.CallRequest),
            "Construct": (lambda request: _refuse(f"the component {request.type}"), provider_pb2.ConstructRequest),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(_answering(method), message.FromString, _serialized)
            for name, (method, message) in methods.items()
        }
        return grpc.method_handlers_generic_handler("pulumirpc.ResourceProvider", handlers)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _refuse(what: str) -> NoReturn:
    raise NotSupportedError(f"the provider stand-in does not support {what}; it is test equipment")


def _answering(method: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    """Wrap a method so that its errors reach the engine with the status codes that the engine expects."""

    def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - each method has its own messages
        try:
            return method(request) or empty_pb2.Empty()
        except NotSupportedError as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of the stand-in, shown with its traceback
            place = "".join(traceback.format_exception(error))
            context.abort(grpc.StatusCode.UNKNOWN, f"a bug of the provider stand-in:\n{place}")

    return answer


def listen(plugin: Plugin) -> tuple[grpc.Server, int]:
    """Start a server on a free port of the loopback address; return the server and the port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS))
    server.add_generic_rpc_handlers((plugin.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(make: Callable[[], Plugin]) -> None:
    """Serve a plugin until the engine ends this process by a signal."""
    parser = argparse.ArgumentParser(description=sys.modules["testbed.providers"].__doc__)
    parser.add_argument("engine", help="address of the engine that started the plugin")
    parser.parse_known_args()  # the engine has flags for plugins of other kinds
    server, port = listen(make())

    def stop(_number: int, _frame: object) -> None:
        server.stop(grace=None)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    print(port, flush=True)  # the engine reads the port here
    server.wait_for_termination()
