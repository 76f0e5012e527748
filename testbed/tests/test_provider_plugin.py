"""Provider plugins over gRPC, as the engine calls them."""
# The stubs of Pulumi's services import the messages from a package that does not exist.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from testbed.providers.kubernetes.provider import KubernetesProvider
from testbed.providers.plugin import Plugin, listen
from testbed.providers.protocol import InitFailedError, ProviderError
from testbed.providers.random.provider import RandomProvider
from testbed.providers.values import Object, Secret, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.providers.engine import Engine

    Connect = Callable[[Plugin], provider_pb2_grpc.ResourceProviderStub]
    Configure = Callable[..., "tuple[provider_pb2_grpc.ResourceProviderStub, Listener]"]

PASSWORD = "urn:pulumi:dev::p::random:index/randomPassword:RandomPassword::r"  # noqa: S105 - a URN
CONFIG_MAP = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::r"


class Listener:
    """An engine that writes down what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, _urn: str, message: str) -> None:
        """Remember it."""
        self.warnings.append(message)


class Faulty(Plugin):
    """A plugin that fails as told."""

    def __init__(self, error: Exception) -> None:
        super().__init__("1.0.0", cast("Engine", Listener()))
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
    stub = connect(RandomProvider(cast("Engine", None)))
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == "4.21.4"
    configured = stub.Configure(provider_pb2.ConfigureRequest())
    assert configured.acceptSecrets
    assert configured.supportsPreview
    assert not configured.acceptResources


def test_a_secret_crosses_the_protocol_as_a_secret(
    connect: Connect,
) -> None:
    stub = connect(RandomProvider(cast("Engine", None)))
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


def test_an_object_that_is_not_ready_travels_with_the_error(
    connect: Connect,
) -> None:
    state: Object = {"metadata": {"name": "n"}}
    stub = connect(Faulty(InitFailedError("a/n", state, ["not ready", "because"])))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest())
    metadata = dict(cast("list[tuple[str, bytes]]", caught.value.trailing_metadata()))
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id == "a/n"
    assert list(detail.reasons) == ["not ready", "because"]
    assert decode(detail.properties) == state


def test_an_unsupported_component_is_named_in_the_error(
    connect: Connect,
) -> None:
    stub = connect(RandomProvider(cast("Engine", None)))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Construct(provider_pb2.ConstructRequest(type="kubernetes:helm.sh/v4:Chart"))
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "helm.sh/v4:Chart" in str(caught.value.details())


def test_the_engine_can_end_every_wait(connect: Connect) -> None:
    plugin = RandomProvider(cast("Engine", None))
    connect(plugin).Cancel(empty_pb2.Empty())
    assert plugin.cancelled.is_set()


@pytest.fixture
def unreachable(
    connect: Connect,
) -> Configure:
    def configure(**inputs: str) -> tuple[provider_pb2_grpc.ResourceProviderStub, Listener]:
        listener = Listener()
        stub = connect(KubernetesProvider(cast("Engine", listener)))
        kubeconfig = "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        kubeconfig += "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
        kubeconfig += "users: [{name: u, user: {token: t}}]\ncurrent-context: c\n"
        stub.Configure(provider_pb2.ConfigureRequest(args=encode({"kubeconfig": kubeconfig, **inputs})))
        return stub, listener

    return configure


OBJECT: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "a"}}


def test_a_dead_server_shows_nothing_in_a_preview_and_is_an_error_in_up(
    unreachable: Configure,
) -> None:
    stub, listener = unreachable()
    checked = stub.Check(provider_pb2.CheckRequest(urn=CONFIG_MAP, news=encode(OBJECT)))
    assert decode(checked.inputs) == OBJECT
    preview = provider_pb2.CreateRequest(urn=CONFIG_MAP, properties=encode(OBJECT), preview=True)
    assert decode(stub.Create(preview).properties) == OBJECT
    assert listener.warnings == []
    with pytest.raises(grpc.RpcError, match="configured Kubernetes cluster is unreachable: unable to load schema"):
        stub.Create(provider_pb2.CreateRequest(urn=CONFIG_MAP, properties=encode(OBJECT)))


def test_a_dead_server_blocks_refresh_and_delete_with_a_way_out(
    unreachable: Configure,
) -> None:
    stub, listener = unreachable()
    with pytest.raises(grpc.RpcError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
        stub.Read(provider_pb2.ReadRequest(id="a/n", urn=CONFIG_MAP))
    with pytest.raises(grpc.RpcError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
        stub.Delete(provider_pb2.DeleteRequest(id="a/n", urn=CONFIG_MAP))
    assert len(listener.warnings) == 2


def test_objects_of_a_dead_server_can_be_forgotten(
    unreachable: Configure,
) -> None:
    stub, _ = unreachable(deleteUnreachable="true")
    assert stub.Read(provider_pb2.ReadRequest(id="a/n", urn=CONFIG_MAP)).id == ""
    stub.Delete(provider_pb2.DeleteRequest(id="a/n", urn=CONFIG_MAP))


def test_objects_of_a_dead_server_can_be_left_as_they_are(
    unreachable: Configure,
) -> None:
    stub, listener = unreachable(skipUpdateUnreachable="true")
    new = encode({**OBJECT, "data": {"x": "2"}})
    checked = stub.Check(provider_pb2.CheckRequest(urn=CONFIG_MAP, olds=encode(OBJECT), news=new))
    assert decode(checked.inputs) == OBJECT
    assert len(listener.warnings) == 1
    diff = stub.Diff(provider_pb2.DiffRequest(urn=CONFIG_MAP, olds=encode(OBJECT), news=new))
    assert diff.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert stub.Read(provider_pb2.ReadRequest(id="a/n", urn=CONFIG_MAP)).id == "a/n"


def test_a_mark_that_only_the_provider_sets_draws_a_warning(
    unreachable: Configure,
) -> None:
    stub, listener = unreachable()
    marked: Object = {**OBJECT, "metadata": {"name": "n", "annotations": {"pulumi.com/autonamed": "true"}}}
    stub.Check(provider_pb2.CheckRequest(urn=CONFIG_MAP, news=encode(marked)))
    assert "pulumi.com/autonamed" in listener.warnings[0]


def test_every_change_of_the_provider_is_shown_and_another_cluster_replaces_it(
    unreachable: Configure,
) -> None:
    stub, _ = unreachable()
    old, new = encode({"clusterIdentifier": "a"}), encode({"clusterIdentifier": "b", "namespace": "x"})
    diff = stub.DiffConfig(provider_pb2.DiffRequest(olds=old, news=new))
    assert list(diff.diffs) == ["clusterIdentifier", "namespace"]
    assert list(diff.replaces) == ["clusterIdentifier"]
