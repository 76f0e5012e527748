"""Test harness: runs a Pulumi program without engine and cluster, and records the resources that it registers.

`deploy` returns plain values, on which tests can assert without `apply` and without mocks. A failed assertion in an
`apply` of the program fails the run, and so does an invoke.
"""

import contextvars
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import alias_pb2, resource_pb2
from pulumi.runtime.stack import Stack

from tests.cloud import Cloud
from tools.render.protocol import SECRET_SIGNATURE, SIGNATURE, STACK_TYPE, Engine, document, event_loop, revealed

PROJECT = "mlflow-platform"

Program = Callable[[], Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the program registered it."""

    name: str
    type: str
    urn: str
    id: str
    """Empty for a component, and in a preview."""

    custom: bool
    """False for a component."""

    parent: str
    """Name of the parent; empty for children of the stack."""

    protect: bool
    retain: bool
    trigger: object
    """Value whose change replaces the resource (`replacement_trigger`)."""

    delete_first: bool
    provider: str
    """Name of the explicit provider; empty for a component, and for a resource with a default provider."""

    aliases: tuple[str, ...]
    """Each alias as a URN, a name, or `NAME of PARENT`; without those that the SDK adds for older API versions."""

    ignored: tuple[str, ...]
    """Paths of inputs whose changes the engine ignores."""

    dependencies: frozenset[str]
    """Names of all resources that this one depends on, by option or by input."""

    create_timeout: str
    """Custom timeout of the creation; empty for the provider's default."""

    document: dict[str, Any] = field(repr=False)
    """Inputs as the engine receives them, with each secret value marked."""

    @property
    def kind(self) -> str:
        """Last part of the type, as in `Deployment` or `RandomPassword`; for AWS with a prefix, as in `aws.Role`."""
        package, last = self.type.partition(":")[0], self.type.rpartition(":")[2]
        return f"aws.{last}" if package == "aws" else last

    @property
    def inputs(self) -> dict[str, Any]:
        """A copy of the inputs with secrets in plain text."""
        return cast("dict[str, Any]", revealed(self.document))

    @property
    def secrets(self) -> dict[str, str]:
        """Secret values by path, for example `stringData.password`."""
        return {path: value for path, value, secret in leaves(self.document) if secret}

    @property
    def plain(self) -> dict[str, str]:
        """Values that are not secret, by path."""
        return {path: value for path, value, secret in leaves(self.document) if not secret}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The resources that a program registered, in the order of their URNs, and its outputs."""

    resources: tuple[Registered, ...]
    registrations: tuple[resource_pb2.RegisterResourceRequest, ...] = field(repr=False)
    """Each registration as the engine receives it."""

    outputs: dict[str, dict[str, Any]] = field(repr=False)
    """Outputs of each component and, with an empty name, of the stack; secret values are marked."""

    secret_values: frozenset[str] = field(repr=False)
    """Secret values from the providers and the configuration."""

    reads: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of existing objects that the program reads, by resource name; one that does not exist fails a preview."""

    def __getitem__(self, name: str) -> Registered:
        """The one resource called `name`."""
        matches = [resource for resource in self.resources if resource.name == name]
        if len(matches) != 1:
            known = ", ".join(sorted({resource.name for resource in self.resources}))
            raise KeyError(f"{len(matches)} resources are called {name}, expected one; there are {known}")
        return matches[0]

    def __iter__(self) -> Iterator[Registered]:
        """All resources."""
        return iter(self.resources)

    def of(self, kind: str) -> list[Registered]:
        """All resources of a kind."""
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str) -> Registered:
        """The one resource of a kind."""
        (resource,) = self.of(kind)
        return resource

    @functools.cached_property
    def requests(self) -> tuple[str, ...]:
        """The registrations as JSON, without the place in the program; sorted."""
        return tuple(sorted(map(_canonical, self.registrations)))

    @property
    def exports(self) -> dict[str, Any]:
        """Outputs of the stack with secrets in plain text."""
        return cast("dict[str, Any]", revealed(self.outputs[""]))


class Recorder(Engine):
    """The engine's side of the protocol: answers each registration, and records it."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.answered: list[tuple[resource_pb2.RegisterResourceRequest, resource_pb2.RegisterResourceResponse]] = []
        self.outputs: dict[str, dict[str, Any]] = {}
        self.reads: dict[str, str] = {}

    def RegisterResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Answer a registration, and record it."""
        response = super().RegisterResource(request)
        if request.type != STACK_TYPE:
            self.answered.append((request, response))
        return response

    def ReadResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Answer the read of an existing object, and record it."""
        self.reads[request.name] = request.id
        return super().ReadResource(request)

    def RegisterResourceOutputs(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        """Record the outputs of a component."""
        self.outputs[_name(request.urn)] = document(request.outputs)
        return empty_pb2.Empty()


def deploy(
    program: Program,
    *,
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    preview: bool = False,
) -> Recording:
    """Run `program` and record its resources; the values that it returns become the stack's outputs.

    `config` and `secrets` are configuration values by key, with the project's prefix. In a `preview` all values that a
    provider computes are unknown.
    """
    cloud = Cloud(preview=preview)
    recorder = Recorder(cloud)

    def run() -> dict[str, Any]:
        with event_loop() as loop:
            mocks.set_mocks(cloud, project=PROJECT, stack=stack, preview=preview, monitor=recorder)
            pulumi.runtime.set_all_config({**(config or {}), **(secrets or {})}, list(secrets or {}))
            pulumi.runtime.test(lambda: _export(program()))()  # pyright: ignore[reportUnknownMemberType] - has no types
            root = pulumi.runtime.get_root_resource()
            assert isinstance(root, Stack)
            return document(loop.run_until_complete(rpc.serialize_properties(root.outputs, {})))

    # Pulumi keeps its state in context variables; each run gets a context of its own.
    exported = contextvars.copy_context().run(run)
    return Recording(
        resources=tuple(sorted((_registered(*pair) for pair in recorder.answered), key=lambda resource: resource.urn)),
        registrations=tuple(request for request, _ in recorder.answered),
        outputs={**recorder.outputs, "": exported},
        secret_values=frozenset({*cloud.secret_values, *(secrets or {}).values()}),
        reads=recorder.reads,
    )


def _export(outputs: Mapping[str, Any] | None) -> None:
    for name, value in (outputs or {}).items():
        pulumi.export(name, value)


def _registered(
    request: resource_pb2.RegisterResourceRequest, response: resource_pb2.RegisterResourceResponse
) -> Registered:
    aliases = cast("list[alias_pb2.Alias]", request.aliases)  # pyright: ignore[reportUnknownMemberType] - has no types
    return Registered(
        name=request.name,
        type=request.type,
        urn=response.urn,
        id=response.id,
        custom=request.custom,
        parent="" if STACK_TYPE in request.parent else _name(request.parent),
        protect=request.protect,
        retain=request.retainOnDelete,
        trigger=json_format.MessageToDict(request.replacement_trigger),
        delete_first=request.deleteBeforeReplace,
        # A provider reference consists of URN and id.
        provider=_name(request.provider.rpartition("::")[0]),
        aliases=tuple(filter(None, map(_alias, aliases))),
        ignored=tuple(request.ignoreChanges),
        dependencies=frozenset(map(_name, request.dependencies)),
        create_timeout=request.customTimeouts.create,
        document=document(request.object),
    )


def _canonical(request: resource_pb2.RegisterResourceRequest) -> str:
    """A request as JSON with sorted lists of dependencies, which the program may register in any order."""
    message = json_format.MessageToDict(request)
    for place in ("sourcePosition", "parentStackTraceHandle", "stackTrace"):
        message.pop(place, None)
    for names in (message, *message.get("propertyDependencies", {}).values()):
        for key in ("dependencies", "urns"):
            if key in names:
                names[key] = sorted(names[key])
    return json.dumps(message, sort_keys=True)


def _alias(alias: alias_pb2.Alias) -> str:
    return alias.urn or " of ".join(filter(None, (alias.spec.name, _name(alias.spec.parentUrn))))


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def leaves(value: Any, path: str = "", *, secret: bool = False) -> Iterator[tuple[str, str, bool]]:  # noqa: ANN401
    """Path and text of each scalar in a JSON value, and True if the scalar is secret."""
    if isinstance(value, dict):
        node = cast("dict[str, Any]", value)
        if node.get(SIGNATURE) == SECRET_SIGNATURE:
            yield from leaves(node["value"], path, secret=True)
            return
        for key, item in node.items():
            yield from leaves(item, f"{path}.{key}" if path else key, secret=secret)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from leaves(item, f"{path}[{index}]", secret=secret)
    elif value is not None:
        yield path, str(value), secret
