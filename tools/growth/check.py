"""Sizes that `up` cannot reach, said before a preview or an `up`: `python -m tools.growth check STACK`."""

import sys
from collections.abc import Iterator, Sequence

from tools.growth import state
from tools.growth.cluster import Cluster
from tools.growth.judgement import CLAIMS, too_small
from tools.growth.volumes import STATEFUL_SET, Holder, claims_of, holders, in_bytes
from tools.kubectl import ClusterError
from tools.plan.preview import part
from tools.preflight.wanted import MistakeError, wanted
from tools.stack_file import UnknownError, UnreadableError, read


def check(stack: str) -> int:
    """Compare the stack file with the stack's state, and print what `up` cannot do; returns 1 if there is something.

    `up` would delete a StatefulSet and create it again, and its claims would keep their size. If something cannot be
    read, a warning is printed.
    """
    try:
        resources = state.resources(state.deployment(stack))
        # Nothing is deployed yet.
        if not resources:
            return 0
        needs = wanted(read(stack), stack)
    except (MistakeError, UnknownError, UnreadableError):
        # Pulumi is about to say the same.
        return 0
    except state.StateError as error:
        _warn(f"the sizes of the volumes could not be compared with the stack's state: {error}")
        return 0
    found = holders(needs, resources)
    faults = [sentence for one in found for sentence in _unreachable(one, stack)]
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    for text in _smaller_claims(found, Cluster(needs.settings.cluster.context), stack):
        _warn(text)
    return 0


def _unreachable(holder: Holder, stack: str) -> Iterator[str]:
    for size in holder.sizes:
        if size.shrinks:
            yield too_small(holder, size, size.recorded)
        elif size.differs and holder.kind == STATEFUL_SET:
            yield (
                f"{size.setting} is more than the {size.recorded} of {holder.object}, which `up` cannot enlarge: run"
                f" `make grow STACK={stack}` first, with the same CONTEXT= (docs/volumes.md)"
            )


def _smaller_claims(found: Sequence[Holder], cluster: Cluster, stack: str) -> Iterator[str]:
    """Claims that are smaller than the stack file and the state say, as after an `up` that could not enlarge them."""
    try:
        claims = {space: cluster.every(CLAIMS, space) for space in sorted({one.namespace for one in found})}
    except ClusterError as error:
        yield f"the sizes of the volumes could not be compared with the cluster: {error}"
        return
    for one in found:
        for size, claim in claims_of(one, claims[one.namespace]):
            requested = str(part(claim, "spec", "resources", "requests").get("storage", "0"))
            if one.kind == STATEFUL_SET and in_bytes(requested) < in_bytes(size.wanted):
                name = part(claim, "metadata")["name"]
                yield (
                    f"PersistentVolumeClaim {one.namespace}/{name} has only {requested} instead of {size.wanted}:"
                    f" `make grow STACK={stack}` enlarges it (docs/volumes.md)"
                )


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
