"""Changing an object in place: server-side apply of the whole input, as the resource's manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.api_errors import ApiError, ClusterError, NoMatchError
from testbed.providers.kubernetes.checkpoint import (
    FIELD_MANAGER,
    checkpoint,
    initial_api_version,
    parse,
)
from testbed.providers.kubernetes.create import live_after
from testbed.providers.kubernetes.fields import forced, relinquishing, take_over, without_ignored
from testbed.providers.kubernetes.kinds import (
    annotation,
    is_custom_resource_definition,
    is_patch,
    kind_of,
    name_of_object,
    namespace_of,
    object_id,
)
from testbed.providers.kubernetes.normalise import normalise
from testbed.providers.kubernetes.ready import rule_for
from testbed.providers.kubernetes.waiting import NotReadyError, until_ready
from testbed.providers.kubernetes.work import field_manager, quoted_id, timeout_of
from testbed.providers.protocol import InitFailedError, ProviderError
from testbed.providers.values import has_unknown, mapping, plain_object, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testbed.providers.kubernetes.work import Work
    from testbed.providers.values import Object

_CONFLICT_HELP: Final = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the engine asks for."""

    state: Object
    marked: Object
    timeout: float
    ignored: Sequence[str]
    preview: bool


def update(work: Work, change: Wanted) -> Object | None:
    """Change an object and wait until it is ready; nothing if a preview cannot know the result.

    A refusal is saved too, with the *new* inputs: the next `up` then shows no difference and
    tries again. That is what the real provider does.
    """
    inputs = normalise(plain_object(change.marked))
    if change.preview and (has_unknown(inputs) or not work.cluster.knows(kind_of(inputs))):
        return None
    old_inputs, old_live = parse(change.state)
    manager = field_manager(change.state, inputs)

    def failed(why: str, reasons: Sequence[str] = ()) -> Exception:
        return _failed(work, inputs, why, reasons, lambda live: _state(change, inputs, {}, live, manager))

    try:
        live = _change(work, change, inputs, old_live, manager)
        former = text(change.state, FIELD_MANAGER)
        if former and former != manager and not change.preview:
            work.cluster.apply(relinquishing(inputs), former, force=False)
    except NoMatchError as error:
        raise ProviderError(
            f'update of resource "{work.urn}" failed because the Kubernetes API server reported '
            "that the apiVersion for this resource does not exist. "
            f"Verify that any required CRDs have been created: {error}"
        ) from error
    except ApiError as error:
        if change.preview and error.forbidden:
            return None
        raise failed(_words(error, manager)) from error
    except ClusterError as error:
        raise failed(str(error)) from error
    except NotReadyError as error:
        raise failed(str(error), error.reasons) from error
    return _state(change, inputs, old_inputs, live, manager)


def _change(work: Work, change: Wanted, inputs: Object, old_live: Object, manager: str) -> Object:
    kind = kind_of(inputs)
    before = work.cluster.get(kind, namespace_of(inputs), name_of_object(old_live))
    if is_custom_resource_definition(inputs):
        version = text(before, "metadata", "resourceVersion")
        metadata: Object = {**mapping(inputs, "metadata"), "resourceVersion": version}
        written = work.cluster.replace({**inputs, "metadata": metadata}, manager, dry_run=change.preview)
    else:
        written = _apply(work, change, inputs, before, manager)
    if change.preview:
        return written
    rule = None if annotation(inputs, "skipAwait") == "true" else rule_for(written, before)
    if rule is not None:
        until_ready(work, written, rule, timeout_of(change.timeout, inputs))
    return live_after(work, written)


def _apply(work: Work, change: Wanted, inputs: Object, before: Object, manager: str) -> Object:
    if not change.preview and not is_patch(work.urn, inputs):
        operations = take_over(before, manager)
        if operations is not None:
            before = work.cluster.patch(before, operations)
    force = forced(inputs, before, work.settings, preview=change.preview)
    sent = without_ignored(inputs, before, change.ignored, manager)
    return work.cluster.apply(sent, manager, force=force, dry_run=change.preview)


def _state(change: Wanted, inputs: Object, old_inputs: Object, live: Object, manager: str) -> Object:
    return checkpoint(
        inputs,
        live,
        change.marked,
        initial_api_version=initial_api_version(change.state, old_inputs or inputs),
        field_manager=manager,
    )


def _words(error: ApiError, manager: str) -> str:
    if not error.conflict:
        return str(error)
    return (
        f"server-side apply field conflict detected. See {_CONFLICT_HELP} for troubleshooting "
        f'help.\nThe resource managed by field manager "{manager}" had an apply conflict: {error}'
    )


def _failed(
    work: Work, inputs: Object, why: str, reasons: Sequence[str], state: Callable[[Object], Object]
) -> Exception:
    """Return the error to raise: with the live object if there is one, so that it is saved."""
    try:
        live = work.cluster.get(kind_of(inputs), namespace_of(inputs), name_of_object(inputs))
    except ClusterError as error:
        return ProviderError(
            f'update of resource "{work.urn}" failed because the Kubernetes API server reported '
            f"that it failed to fully initialize or become live: {why}: "
            f"unable to get cluster state: {error}"
        )
    message = (
        f"the Kubernetes API server reported that {quoted_id(inputs)} failed to fully initialize or become live: {why}"
    )
    return InitFailedError(object_id(live), state(live), [message, *reasons])
