"""The stand-in for pulumi-random: values that are generated once and kept in the state."""

from __future__ import annotations

from typing import Final

from pulumi.runtime.proto import provider_pb2

from testbed.providers.plugin import Plugin
from testbed.providers.protocol import ProviderError, type_of
from testbed.providers.random.kinds import KINDS, RandomKind, complete
from testbed.providers.values import (
    UNKNOWN,
    Json,
    Object,
    Secret,
    Unknown,
    decode,
    encode,
    has_secret,
    has_unknown,
    mapping,
    plain_object,
    same,
)

VERSION: Final = "4.21.4"


def kind_of(urn: str) -> RandomKind:
    """Return the type of a resource."""
    try:
        return KINDS[type_of(urn)]
    except KeyError:
        message = (
            f"the random provider stand-in does not support {type_of(urn)}; add it to"
            f" testbed/providers/random/kinds.py. It supports {', '.join(sorted(KINDS))}"
        )
        raise ProviderError(message) from None


def changed(kind: RandomKind, old: Object, new: Object) -> list[str]:
    """Return the inputs that differ; each of them requires a replacement.

    Keepers without a value are ignored, and an empty `overrideSpecial` equals the default.
    """
    before, after = complete(kind, old), complete(kind, new)
    return [
        name for name in kind.inputs if not same(_compared(name, before.get(name)), _compared(name, after.get(name)))
    ]


def _compared(name: str, value: Json) -> Json:
    if name == "keepers":
        return {key: item for key, item in mapping(value).items() if item is not None} or (
            value if isinstance(value, Unknown) else None
        )
    return None if name == "overrideSpecial" and value == "" else value


def _failures(kind: RandomKind, inputs: Object) -> list[provider_pb2.CheckFailure]:
    missing = [
        provider_pb2.CheckFailure(property=name, reason=f"Missing required argument: {name}")
        for name in kind.required
        if inputs.get(name) is None
    ]
    if missing or has_unknown(inputs):
        return missing
    found = kind.check(inputs)
    return [provider_pb2.CheckFailure(property=found[0], reason=found[1])] if found else []


def marked_like(outputs: Object, inputs: Object) -> Object:
    """Mark an output as secret if the input with the same name is secret."""
    return {
        name: Secret(value) if has_secret(inputs.get(name)) and not isinstance(value, Secret) else value
        for name, value in outputs.items()
    }


class RandomProvider(Plugin):
    """Generates values; they exist in the state only."""

    def __init__(self) -> None:
        """Report the real provider's version."""
        super().__init__(VERSION)

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Validate the inputs; `number` is an old name of `numeric`."""
        kind, marked = kind_of(request.urn), decode(request.news)
        if "number" in marked and "numeric" not in marked:
            marked["numeric"] = marked["number"]
        failures = _failures(kind, plain_object(marked))
        known: Object = {key: value for key, value in marked.items() if key in kind.inputs}
        return provider_pb2.CheckResponse(inputs=encode(known), failures=failures)

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Report every change as a replacement; the new value is created before the old one is deleted."""
        kind = kind_of(request.urn)
        old, new = plain_object(decode(request.olds)), plain_object(decode(request.news))
        replaces = [name for name in changed(kind, old, new) if name not in request.ignoreChanges]
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        replaced = provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.UPDATE_REPLACE)
        return provider_pb2.DiffResponse(
            changes=some if replaces else none,
            replaces=replaces,
            detailedDiff=dict.fromkeys(replaces, replaced),
            hasDetailedDiff=True,
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Generate a value; in a preview it is unknown."""
        kind, marked = kind_of(request.urn), decode(request.properties)
        outputs = complete(kind, plain_object(marked))
        if request.preview:
            unknown: Object = dict.fromkeys(kind.computed, UNKNOWN)
            state = marked_like({**outputs, **unknown}, marked)
            return provider_pb2.CreateResponse(id="", properties=encode(state))
        drawn = kind.draw(outputs)
        state = marked_like({**outputs, **drawn.outputs}, marked)
        return provider_pb2.CreateResponse(id=drawn.resource_id, properties=encode(state))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Return the state unchanged; an import takes the value from the id."""
        kind = kind_of(request.urn)
        if request.properties.fields:
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        try:
            inputs, drawn = kind.adopt(request.id)
        except ValueError as error:
            message = f"{request.id!r} cannot be imported as a {type_of(request.urn)}: {error}"
            raise ProviderError(message) from error
        state: Object = {**complete(kind, inputs), **drawn.outputs}
        return provider_pb2.ReadResponse(id=drawn.resource_id, properties=encode(state), inputs=encode(inputs))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Keep the generated value, and store the new inputs."""
        kind = kind_of(request.urn)
        old, marked = decode(request.olds), decode(request.news)
        kept: Object = {name: old[name] for name in kind.computed if name in old}
        outputs = marked_like(complete(kind, plain_object(marked)), marked)
        return provider_pb2.UpdateResponse(properties=encode({**outputs, **kept}))

    def delete(self, request: provider_pb2.DeleteRequest) -> None:
        """Do nothing: the value exists in the state only."""
