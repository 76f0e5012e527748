"""Deleting an object, and waiting until it is really gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.api_errors import ApiError, ClusterError, NoMatchError
from testbed.providers.kubernetes.checkpoint import checkpoint, initial_api_version, parse
from testbed.providers.kubernetes.fields import relinquishing
from testbed.providers.kubernetes.kinds import (
    annotation,
    is_patch,
    kind_of,
    namespace_of,
    object_id,
    parse_id,
)
from testbed.providers.kubernetes.waiting import NotReadyError, until_gone
from testbed.providers.kubernetes.work import field_manager, timeout_of
from testbed.providers.protocol import InitFailedError, ProviderError

if TYPE_CHECKING:
    from testbed.providers.kubernetes.work import Work
    from testbed.providers.values import Object

_PROPAGATION: Final = {"orphan": "Orphan", "background": "Background"}
_NOT_AWAITED: Final = frozenset(
    {
        "apps/v1/DaemonSet",
        "apps/v1/Deployment",
        "apps/v1/StatefulSet",
        "batch/v1/Job",
        "v1/Namespace",
        "v1/Pod",
        "v1/ReplicationController",
    }
)
"""Kinds for which `skipAwait` counts at deletion too."""


def delete(work: Work, resource_id: str, state: Object, timeout: float) -> None:
    """Delete by name, whoever the object is by now; one that is gone is deleted."""
    inputs, live = parse(state)
    manager = field_manager(state, inputs)
    _, name = parse_id(resource_id)
    try:
        if is_patch(work.urn, live):
            # Applying to an object that is gone would make it again.
            if work.cluster.find(kind_of(live), namespace_of(live), name) is not None:
                work.cluster.apply(relinquishing(live), manager, force=False)
            return
        policy = annotation(inputs, "deletionPropagationPolicy").lower()
        propagation = _PROPAGATION.get(policy, "Foreground")
        work.cluster.delete(kind_of(live), namespace_of(live), name, propagation)
        if annotation(inputs, "skipAwait") == "true" and kind_of(live).key in _NOT_AWAITED:
            return
        until_gone(work, live, name, timeout_of(timeout, inputs))
    except NoMatchError:
        return
    except NotReadyError as error:
        raise InitFailedError(
            object_id(error.live),
            checkpoint(
                inputs,
                error.live,
                state,
                initial_api_version=initial_api_version(state, inputs),
                field_manager=manager,
            ),
            [str(error), *error.reasons],
        ) from error
    except ApiError as error:
        if error.not_found:
            return
        raise ProviderError(str(error)) from error
    except ClusterError as error:
        raise ProviderError(str(error)) from error
