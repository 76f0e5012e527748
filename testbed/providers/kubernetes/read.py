"""Reading an object: for a refresh, for `get`, and for an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.api_errors import ApiError, NoMatchError
from testbed.providers.kubernetes.checkpoint import (
    checkpoint,
    initial_api_version,
    parse,
    with_secrets,
)
from testbed.providers.kubernetes.kinds import (
    annotation,
    kind_from_urn,
    kind_of,
    namespace_of,
    parse_id,
)
from testbed.providers.kubernetes.normalise import is_known, normalise, prune
from testbed.providers.kubernetes.ready import rule_for_read
from testbed.providers.kubernetes.waiting import look
from testbed.providers.kubernetes.work import field_manager
from testbed.providers.protocol import InitFailedError
from testbed.providers.values import mapping, plain_object, text

if TYPE_CHECKING:
    from testbed.providers.kubernetes.work import Work
    from testbed.providers.values import Object

_NOT_INPUTS: Final = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_NOT_INPUT_ANNOTATIONS: Final = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is there, and which part of it are inputs."""

    state: Object
    inputs: Object


def read(work: Work, resource_id: str, state: Object, marked_inputs: Object) -> Found | None:
    """Return the object as it is now; nothing if it, or its kind, is gone.

    An object that is not ready is an error that carries it, so that a refresh saves both.
    """
    old_inputs = normalise(plain_object(marked_inputs))
    _, old_live = parse(state)
    namespace, name = parse_id(resource_id)
    adopted = not text(old_inputs, "kind")
    if adopted:
        kind = kind_of(old_live) if text(old_live, "kind") else kind_from_urn(work.urn)
        old_inputs = _skeleton(kind.api_version, kind.name, namespace, name)
    from_cluster = adopted and not text(old_live, "kind")
    try:
        live = work.cluster.get(kind_of(old_inputs), namespace_of(old_inputs) or namespace, name)
    except NoMatchError:
        return None
    except ApiError as error:
        if error.not_found:
            return None
        raise
    inputs = _all_inputs(live, old_inputs) if from_cluster else prune(live, old_inputs)
    found = Found(
        checkpoint(
            inputs,
            live,
            marked_inputs,
            initial_api_version=initial_api_version(state, old_inputs),
            field_manager=field_manager(state, old_inputs),
        ),
        with_secrets(inputs, marked_inputs),
    )
    if not from_cluster and annotation(old_inputs, "skipAwait") != "true":
        _judge(work, resource_id, live, found)
    return found


def _skeleton(api_version: str, kind: str, namespace: str, name: str) -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _judge(work: Work, resource_id: str, live: Object, found: Found) -> None:
    rule = rule_for_read(live)
    if rule is None or rule.ready_on_read(look(work, live, rule)):
        return
    message = f"Resource '{rule.name}' was created but failed to initialize"
    raise InitFailedError(resource_id, found.state, [message, *rule.reasons()], found.inputs)


def _all_inputs(live: Object, skeleton: Object) -> Object:
    """Return everything of an object that a program could have written.

    Of a kind that is not built in, that is only what names it: the real provider takes the input
    properties of its schema, which has none for such kinds.
    """
    if not is_known(kind_of(live)):
        return prune(live, skeleton)
    annotations: Object = {
        key: value
        for key, value in mapping(live, "metadata", "annotations").items()
        if key not in _NOT_INPUT_ANNOTATIONS
    }
    metadata: Object = {key: value for key, value in mapping(live, "metadata").items() if key not in _NOT_INPUTS}
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    inputs: Object = {key: value for key, value in live.items() if key != "status"}
    return {**inputs, "metadata": metadata}
