"""`Facts`: everything that the chapters judge, as one JSON document that can be saved and read again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tools.stack import Platform, parse_outputs

# A Kubernetes object, or a probe's result, parsed from JSON.
Object = Mapping[str, Any]

NOTHING: Object = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """An object that the stack has deployed: the fields of its inputs that are compared with the live object."""

    kind: str
    namespace: str
    """Namespace of the object; empty for cluster-scoped objects."""

    name: str
    fields: Object

    def __str__(self) -> str:
        """Kind and name, as in error messages."""
        return described(self.kind, self.namespace, self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unseen:
    """Something that could not be looked at."""

    what: str
    needs: str
    """The right or the program that is missing, or the error."""

    kind: str = ""
    """The kind of the objects that could not be read; empty for anything else."""

    namespace: str = ""
    name: str = ""
    """Name of the object; empty if no object of the kind could be read."""

    optional: bool = False
    """True if the diagnosis does not need it."""


def described(kind: str, namespace: str, name: str) -> str:
    """Kind, namespace and name of an object."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


class Facts:
    """The facts about one platform at one moment."""

    def __init__(self, document: Object) -> None:
        self.document = document
        self.time: float = document["time"]
        """Seconds since 1970 by the clock of the caller's machine."""

        self.platform: Platform = parse_outputs(dict(document["outputs"]))
        self.expected = tuple(Expected(**one) for one in document["expected"])
        self.unseen = tuple(Unseen(**one) for one in document["unseen"])
        self.probes: Object = document["probes"]
        self.client: str = document["client"]
        """Version of the MLflow client."""

        self._arguments: str = document["arguments"]

    @cached_property
    def _live(self) -> dict[tuple[str, str, str], Object]:
        return {(one["kind"], namespace_of(one), name_of(one)): one for one in self.document["live"]}

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """A live object; None if it does not exist or could not be read."""
        return self._live.get((kind, namespace, name))

    def every(self, kind: str, namespace: str | None = None) -> Iterator[Object]:
        """All live objects of a kind, in one namespace or in all."""
        for (one, space, _), found in self._live.items():
            if one == kind and namespace in {None, space}:
                yield found

    def deployed(self, *kinds: str) -> Iterator[Expected]:
        """The objects of some kinds that the stack has deployed, in the order of the kinds."""
        for kind in kinds:
            yield from (one for one in self.expected if one.kind == kind)

    def readable(self, kind: str, namespace: str, name: str = "") -> bool:
        """True if objects of this kind could be read, so that an object that was not found does not exist."""
        return not any(
            one.kind == kind and one.namespace == namespace and one.name in {"", name} for one in self.unseen
        )

    def probe(self, name: str) -> Object:
        """Result of a probe; empty if it did not run."""
        return self.probes.get(name) or NOTHING

    @property
    def pod(self) -> Object:
        """Findings from inside the server's pod; empty if no command could be run in it."""
        return self.probe("pod")

    def make(self, target: str) -> str:
        """A make command with the stack and the context of this run."""
        return f"make {target}{self._arguments}"

    @property
    def redeploy(self) -> str:
        """The command that undoes what others have changed in the cluster."""
        return f"REFRESH=yes {self.make('up')}"

    def as_json(self) -> str:
        """The facts as a JSON document."""
        return json.dumps(self.document, indent=1, sort_keys=True)


def part(one: Object | None, *keys: str) -> Object:
    """A part of an object, by the names of the fields that lead to it; empty if it does not exist."""
    found: Any = one
    for key in keys:
        found = (found or NOTHING).get(key)
    return found or NOTHING


def parts(one: Object | None, *keys: str) -> Sequence[Object]:
    """A list in an object, by the names of the fields that lead to the list; empty if it does not exist."""
    *path, last = keys
    return part(one, *path).get(last) or ()


def name_of(one: Object) -> str:
    """Name of an object."""
    return one["metadata"]["name"]


def namespace_of(one: Object) -> str:
    """Namespace of an object; empty for cluster-scoped objects."""
    return one["metadata"].get("namespace") or ""
