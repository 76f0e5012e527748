"""One run of the Pulumi program without engine and cluster: the resources that it registers."""

import contextlib
import contextvars
import io
import json
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from settings.loader import Source
from settings.secrets import PROJECT
from tools.render.protocol import SIGNATURE, STACK_TYPE, Engine, document, event_loop, revealed
from tools.render.values import Created, Json, Values

PROGRAM = Path(__file__).resolve().parents[2] / "__main__.py"
KUBERNETES = "kubernetes:"

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


class Monitor(Engine):
    """The engine's side of a run: answers each registration, and records it."""

    def __init__(self, providers: Providers) -> None:
        super().__init__(providers)
        self.providers = providers
        self.registered: list[Registration] = []

    def RegisterResource(  # noqa: N802 - the name in the engine's protocol
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Answer a registration, and record it."""
        response = super().RegisterResource(request)
        if request.type != STACK_TYPE:
            self.registered.append(self._registration(request, response.urn))
        return response

    def _registration(self, request: resource_pb2.RegisterResourceRequest, urn: str) -> Registration:
        marked = document(request.object)
        inputs = cast("Json", _without_null(revealed(marked)))
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
            has_secrets=SIGNATURE in json.dumps(marked),
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
        with event_loop(), contextlib.redirect_stderr(io.StringIO()):
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


def _text(value: object) -> str:
    """A value as the engine passes it to a program."""
    return value if isinstance(value, str) else json.dumps(value)


def _without_null(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value without the keys whose value is null."""
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in cast("Json", value).items() if item is not None}
    return [_without_null(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value
