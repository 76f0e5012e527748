"""`Wanted`: the needs of a stack's `up` from its cluster, by the stack file and the program's registrations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from settings import ExternalSettings, Settings, validate
from settings.faults import path_of, report
from settings.loader import Source
from tools.render.objects import collected, is_patch
from tools.render.recording import KUBERNETES, Registration, record
from tools.render.values import Json, StandIns
from tools.stack_file import file_name

# Ends the names that Pulumi generates. No name of an object can end so.
GENERATED = "*"


class MistakeError(Exception):
    """The stack file has mistakes; the message lists them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The needs of a stack."""

    stack: str
    settings: Settings | ExternalSettings
    document: Mapping[str, object] = field(repr=False)
    """The stack file's settings as they are written."""

    objects: tuple[Json, ...] = field(repr=False)
    """Manifests of the Kubernetes objects that the program registers."""

    patches: tuple[Json, ...] = field(default=(), repr=False)
    """Fields that the program sets in existing objects, the namespaces of teams."""

    secrets: tuple[tuple[str, str], ...]
    """Namespace and name of each Secret that these objects refer to and that the stack does not create."""

    registrations: tuple[Registration, ...] = field(repr=False)
    """The resources of these objects, in the same order."""

    def every(self, kind: str) -> Iterator[Json]:
        """The registered objects of a kind."""
        return (one for one in self.objects if one["kind"] == kind)

    @property
    def created_namespaces(self) -> frozenset[str]:
        """Names of the namespaces that the stack creates."""
        return frozenset(one["metadata"]["name"] for one in self.every("Namespace"))

    @property
    def existing_namespaces(self) -> frozenset[str]:
        """Names of the teams' namespaces that have to exist."""
        return frozenset(one["metadata"]["name"] for one in self.patches)

    @property
    def namespace(self) -> str:
        """The platform's namespace; empty if the stack has no server."""
        return self.settings.namespace if isinstance(self.settings, Settings) else ""

    def keys_of(self, value: str) -> list[str]:
        """Paths of the keys of the stack file that have this value."""
        return [path_of(steps) for steps, found in _leaves(self.document) if found == value]


def wanted(source: Source, stack: str) -> Wanted:
    """The needs of the stack whose file is `source`.

    Raises:
        MistakeError: a preview would stop at the stack file.
    """
    validation = validate(source, stack)
    if validation.settings is None or validation.mistakes:
        raise MistakeError(report(validation.mistakes, file_name(stack), source.lines))
    values = StandIns(draw="preflight")
    secrets = {name: values.secret(name) for name in validation.needed_secrets}
    registered = record(source, stack, secrets, values, _named)
    own = frozenset((one.type, one.name) for one in registered if one.kind == "Secret")
    ours = tuple(filter(_is_object, registered))
    return Wanted(
        stack=stack,
        settings=validation.settings,
        document=source.document,
        objects=tuple(_manifest(one) for one in ours if not is_patch(one)),
        patches=tuple(_manifest(one) for one in ours if is_patch(one)),
        secrets=collected(registered, own).existing,
        registrations=ours,
    )


def is_generated(name: str) -> bool:
    """True if Pulumi generates the name of an object."""
    return name.endswith(GENERATED)


def _named(_kind: str, name: str, _inputs: Json) -> str:
    return f"{name}{GENERATED}"


def _is_object(one: Registration) -> bool:
    return one.type.startswith(KUBERNETES)


def _manifest(one: Registration) -> Json:
    """The manifest, of a Secret without its stand-ins."""
    left_out = {"data", "stringData"} if one.kind == "Secret" else frozenset[str]()
    return {key: value for key, value in one.inputs.items() if key not in left_out}


def _leaves(value: object, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, object]", value).items():
            yield from _leaves(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from _leaves(inner, (*steps, index))
    else:
        yield steps, value
