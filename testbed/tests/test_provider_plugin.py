"""Provider plugins over gRPC, as the engine calls them."""
# The stubs of Pulumi's services import the messages from a package that does not exist.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from testbed.providers.plugin import Plugin, listen
from testbed.providers.protocol import ProviderError
from testbed.providers.random.provider import RandomProvider
from testbed.providers.values import Secret, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[Plugin], provider_pb2_grpc.ResourceProviderStub]

PASSWORD = "urn:pulumi:dev::p::random:index/randomPassword:RandomPassword::r"  # noqa: S105 - a URN


class Faulty(Plugin):
    """A plugin that fails as told."""

    def __init__(self, error: Exception) -> None:
        super().__init__("1.0.0")
        self._error = error

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Fail."""
        del request
        raise self._error


@pytest.fixture
def connect() -> Iterator[Connect]:
    servers: list[grpc.Server] = []
    channels: list[grpc.Channel] = []

    def start(plugin: Plugin) -> provider_pb2_grpc.ResourceProviderStub:
        server, port = listen(plugin)
        servers.append(server)
        channels.append(grpc.insecure_channel(f"127.0.0.1:{port}"))
        return provider_pb2_grpc.ResourceProviderStub(channels[-1])

    yield start
    for channel in channels:
        channel.close()
    for server in servers:
        server.stop(grace=None).wait()


def test_a_plugin_says_whose_place_it_takes(connect: Connect) -> None:
    stub = connect(RandomProvider())
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == "4.21.4"
    configured = stub.Configure(provider_pb2.ConfigureRequest())
    assert configured.acceptSecrets
    assert configured.supportsPreview
    assert not configured.acceptResources


def test_a_secret_crosses_the_protocol_as_a_secret(
    connect: Connect,
) -> None:
    stub = connect(RandomProvider())
    created = stub.Create(provider_pb2.CreateRequest(urn=PASSWORD, properties=encode({"length": 4})))
    assert isinstance(decode(created.properties)["result"], Secret)


def test_an_error_is_its_own_words_without_a_traceback(
    connect: Connect,
) -> None:
    stub = connect(Faulty(ProviderError("configmaps is forbidden")))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest())
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    assert caught.value.details() == "configmaps is forbidden"


def test_a_bug_of_the_stand_in_is_shown_with_its_traceback(
    connect: Connect,
) -> None:
    stub = connect(Faulty(KeyError("oops")))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest())
    assert "a bug of the provider stand-in" in str(caught.value.details())
    assert "test_provider_plugin.py" in str(caught.value.details())


def test_an_unsupported_component_is_named_in_the_error(
    connect: Connect,
) -> None:
    stub = connect(RandomProvider())
    with pytest.raises(grpc.RpcError) as caught:
        stub.Construct(provider_pb2.ConstructRequest(type="aws:eks:Cluster"))
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "aws:eks:Cluster" in str(caught.value.details())
