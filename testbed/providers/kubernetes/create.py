"""Creating an object, and what the preview of that can know.

A create is a POST: what exists is never adopted. The preview is a dry run, and stays green on
much that `up` will refuse; the real one does, and a stand-in that warned would be kinder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.api_errors import ApiError, ClusterError, NoMatchError
from testbed.providers.kubernetes.checkpoint import checkpoint
from testbed.providers.kubernetes.fields import forced
from testbed.providers.kubernetes.kinds import (
    annotation,
    is_patch,
    kind_of,
    object_id,
)
from testbed.providers.kubernetes.ready import rule_for
from testbed.providers.kubernetes.waiting import NotReadyError, until_ready
from testbed.providers.kubernetes.work import field_manager, timeout_of
from testbed.providers.protocol import InitFailedError, ProviderError
from testbed.providers.values import has_unknown, plain_object

if TYPE_CHECKING:
    from testbed.providers.kubernetes.work import Work
    from testbed.providers.values import Object

_PAUSES: Final = (1, 2, 4, 8, 16, 32)
"""Seconds after each try that met a missing namespace or kind."""

_EXISTS_ADVICE: Final = (
    "\nThe object exists already and is not adopted. If the resource was renamed in the program, "
    "give it an alias; to change fields of an object that somebody else manages, use a Patch "
    "resource; to manage it from now on, import it; or set `upsertExistingObjects` on the provider."
)


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to a create; without id in a preview, and without state if it is not known."""

    resource_id: str
    state: Object | None


def create(work: Work, marked: Object, timeout: float, *, preview: bool) -> Created:
    """Create an object and wait until it is ready."""
    inputs = plain_object(marked)
    if preview and (has_unknown(inputs) or is_patch(work.urn, inputs) or not work.cluster.knows(kind_of(inputs))):
        return Created("", None)
    manager = field_manager({}, inputs)
    version = kind_of(inputs).api_version

    def state(live: Object) -> Object:
        return checkpoint(inputs, live, marked, initial_api_version=version, field_manager=manager)

    try:
        written = _write(work, inputs, manager, preview=preview)
    except ClusterError as error:
        if preview and _previewed_as_unknown(error):
            return Created("", None)
        raise _refused(work.urn, inputs, error) from error
    if preview:
        return Created("", state({key: value for key, value in written.items() if key != "status"}))
    try:
        live = _wait(work, inputs, written, timeout)
    except NotReadyError as error:
        message = (
            f'resource "{work.urn}" was successfully created, but the Kubernetes API server '
            f"reported that it failed to fully initialize or become live: {error}"
        )
        raise InitFailedError(object_id(error.live), state(error.live), [message, *error.reasons]) from error
    return Created(object_id(live), state(live))


def _wait(work: Work, inputs: Object, written: Object, timeout: float) -> Object:
    rule = None if annotation(inputs, "skipAwait") == "true" else rule_for(written, None)
    if rule is not None:
        until_ready(work, written, rule, timeout_of(timeout, inputs))
    return live_after(work, written)


def _write(work: Work, inputs: Object, manager: str, *, preview: bool) -> Object:
    """POST the object; again for a while if its namespace or its kind is not there yet."""
    tries = 0
    while True:
        try:
            if work.settings.upsert or is_patch(work.urn, inputs):
                force = forced(inputs, None, work.settings, preview=preview)
                return work.cluster.apply(inputs, manager, force=force, dry_run=preview)
            return work.cluster.create(inputs, dry_run=preview)
        except (ApiError, NoMatchError) as error:
            missing = isinstance(error, NoMatchError) or error.not_found
            namespace_missing = isinstance(error, ApiError) and error.namespace_missing
            if not missing or (preview and namespace_missing) or tries == len(_PAUSES):
                raise
            work.status(f"Retry #{tries}; creation failed: {error}")
            if work.cancelled.wait(_PAUSES[tries]):
                raise
            tries += 1


def _previewed_as_unknown(error: ClusterError) -> bool:
    """Say whether a preview keeps silent about a refusal."""
    return isinstance(error, ApiError) and (
        error.forbidden or error.namespace_missing or error.already_exists or error.refuses_dry_run
    )


def _refused(urn: str, inputs: Object, error: ClusterError) -> ProviderError:
    if isinstance(error, NoMatchError):
        return ProviderError(
            f'creation of resource "{urn}" with kind {kind_of(inputs)} failed because the '
            "Kubernetes API server reported that the apiVersion for this resource does not exist. "
            f"Verify that any required CRDs have been created: {error}"
        )
    advice = _EXISTS_ADVICE if isinstance(error, ApiError) and error.already_exists else ""
    return ProviderError(f'resource "{urn}" was not successfully created by the Kubernetes API server: {error}{advice}')


def live_after(work: Work, written: Object) -> Object:
    """Return the object as it is now, or as it was written if it cannot be read."""
    namespace, _, name = object_id(written).rpartition("/")
    try:
        return work.cluster.get(kind_of(written), namespace, name)
    except ClusterError:
        return written
