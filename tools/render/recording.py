"""One run of the Pulumi program without engine and cluster: the resources that it registers."""

import asyncio
import contextlib
import contextvars
import io
import json
import runpy
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from settings.loader import Source
from settings.secrets import PROJECT
from tools.render.values import Created, Json, Values

PROGRAM = Path(__file__).resolve().parents[2] / "__main__.py"
STACK_TYPE = "pulumi:pulumi:Stack"
KUBERNETES = "kubernetes:"
# Mark of a secret value in the engine's protocol (pulumi/sdk/go/common/resource/properties.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not a secret

Namer = Callable[[str, str, Json], str]
"""Name of an object that the program does not name: from the type, name and inputs of its resource."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """One resource as the program registered it."""

    urn: str
    type: str
    name: str
    component: str
    """Name of the parent; empty for a child of the stack."""

    custom: bool
    inputs: Json = field(repr=False)
    """Inputs with secrets in plain text."""

    has_secrets: bool
    protect: bool
    ignored: tuple[str, ...]
    """Paths of inputs that others write (`ignore_changes`)."""

    dependencies: frozenset[str]
    """URNs of all resources that it depends on, by option or by input."""

    @property
    def kind(self) -> str:
        """Last part of the type, for example `Deployment`."""
        return self.type.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Providers(mocks.Mocks):
    """The providers' side of a run: objects with names, and computed values."""

    values: Values
    namer: Namer
    names: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Name of each object, by type and name of its resource."""

    def call(self, args: mocks.MockCallArgs) -> tuple[Json, list[tuple[str, str]] | None]:
        """Refuse: the program invokes nothing."""
        raise TypeError(f"the program invoked {args.token}, which needs an engine")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, Json]:
        """Id and outputs of a resource."""
        inputs = cast("Json", args.inputs)  # pyright: ignore[reportUnknownMemberType] - has no types
        package = args.typ.partition(":")[0]
        if package == "kubernetes":
            return self._object(args.typ, args.name, inputs)
        if package in ("random", "aws"):
            return self.values.of(args.typ, args.name, inputs)
        return (f"{args.name}-id" if args.custom else None), inputs

    def _object(self, kind: str, name: str, inputs: Json) -> Created:
        metadata: Json = dict(inputs.get("metadata", {}))
        if not metadata.get("name"):
            metadata["name"] = self.namer(kind, name, inputs)
        self.names[kind, name] = metadata["name"]
        return metadata["name"], {**inputs, "metadata": metadata}


class Monitor(mocks.MockMonitor):
    """The engine's side of the protocol: answers each registration, and records it."""

    def __init__(self, providers: Providers) -> None:
        super().__init__(providers)
        self.providers = providers
        self.registered: list[Registration] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine makes it, with the types of all ancestors but the stack's."""
        ancestors = parent.split("::")[2] if parent else ""
        qualified = type_ if ancestors in ("", STACK_TYPE) else f"{ancestors}${type_}"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{qualified}::{name}"

    def RegisterResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Answer a registration, and record it."""
        # This runs on a worker thread, where Pulumi would open an event loop and never close it.
        with _event_loop():
            response = super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType] - has no types
        if request.type != STACK_TYPE:
            self.registered.append(self._registration(request, response.urn))
        return response

    def ReadResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Answer the read of an object that exists in the cluster."""
        with _event_loop():
            return super().ReadResource(request)  # pyright: ignore[reportUnknownMemberType] - has no types

    def _registration(self, request: resource_pb2.RegisterResourceRequest, urn: str) -> Registration:
        document = _document(request.object)
        inputs = cast("Json", _revealed(document))
        if request.type.startswith(KUBERNETES):
            inputs["metadata"] = {
                **inputs.get("metadata", {}),
                "name": self.providers.names[request.type, request.name],
            }
        return Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            component="" if STACK_TYPE in request.parent else request.parent.rpartition("::")[2],
            custom=request.custom,
            inputs=inputs,
            has_secrets=SIGNATURE in json.dumps(document),
            protect=request.protect,
            ignored=tuple(request.ignoreChanges),
            dependencies=frozenset(request.dependencies),
        )


def record(source: Source, stack: str, secrets: Mapping[str, str], values: Values, namer: Namer) -> list[Registration]:
    """Run the program with the configuration in `source`; the resources come in the order of their URNs.

    `secrets` are the configuration's secrets by name.
    """
    config = {f"{PROJECT}:{key}": _text(value) for key, value in source.document.items()}
    hidden = {f"{PROJECT}:{name}": value for name, value in secrets.items()}
    monitor = Monitor(Providers(values, namer))

    def run() -> None:
        # The warnings about settings are those of every preview.
        with _event_loop(), contextlib.redirect_stderr(io.StringIO()):
            mocks.set_mocks(
                monitor.providers, project=PROJECT, stack=stack.rpartition("/")[2], preview=False, monitor=monitor
            )
            pulumi.runtime.set_all_config({**config, **hidden}, list(hidden))
            pulumi.runtime.test(_program)()  # pyright: ignore[reportUnknownMemberType] - has no types

    # Pulumi keeps its state in context variables; each run gets a context of its own.
    contextvars.copy_context().run(run)
    return sorted(monitor.registered, key=lambda one: one.urn)


def _program() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


@contextlib.contextmanager
def _event_loop() -> Generator[asyncio.AbstractEventLoop]:
    """An event loop, which Pulumi needs; at the end, the loop and its threads are stopped."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def _text(value: object) -> str:
    """A value as the engine passes it to a program."""
    return value if isinstance(value, str) else json.dumps(value)


def _document(message: struct_pb2.Struct) -> Json:
    return cast("Json", _whole_numbers(json_format.MessageToDict(message)))


def _whole_numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Turn protobuf's floats back into integers where they are whole."""
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in cast("Json", value).items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _revealed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace marked secrets by their values, and leave out what is null."""
    if isinstance(value, dict):
        node = cast("Json", value)
        if node.get(SIGNATURE) == SECRET_SIGNATURE:
            return _revealed(node["value"])
        return {key: _revealed(item) for key, item in node.items() if item is not None}
    if isinstance(value, list):
        return [_revealed(item) for item in cast("list[Any]", value)]
    return value
