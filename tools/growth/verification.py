"""Verification that Pulumi would leave the StatefulSets and claims of a stack as they are after they have grown."""

from collections.abc import Sequence

from tools.growth import state
from tools.growth.claims import AGAIN, GrowthError, Say
from tools.growth.volumes import Holder, in_bytes, sizes_of
from tools.plan.preview import Json, part


def verify(stack: str, grown: Sequence[Holder], say: Say) -> None:
    """Check that the state has the new sizes, and that the next `up` replaces nothing.

    Raises:
        GrowthError: a size in the state is another one, or `up` would replace something.
        StateError: Pulumi has failed.
    """
    resources = {one["urn"]: one for one in state.resources(state.deployment(stack)) if not one.get("delete")}
    for one in grown:
        _has_sizes(one, resources.get(one.urn, {}))
    previewed = state.preview(stack, [one.urn for one in grown])
    steps = {step.urn: step for step in previewed.steps}
    for one in grown:
        step = steps.get(one.urn)
        if step is not None and step.op in {"replace", "delete", "create"}:
            raise GrowthError(
                f"the volumes are larger, but `up` would {step.op} {one.object} ({', '.join(step.changed)}): do not run"
                " it; `make preview` shows the difference"
            )
        if step is not None and step.op == "update":
            say(f"`up` also changes {one.object} in place: {', '.join(step.changed)}")
    if previewed.errors:
        say("the preview of these objects failed, so see `make preview` before `up`: " + "; ".join(previewed.errors))


def _has_sizes(holder: Holder, resource: Json) -> None:
    wanted = {one.template: in_bytes(one.wanted) for one in holder.sizes}
    for name in ("inputs", "outputs"):
        recorded = sizes_of(part(resource, name))
        if any(in_bytes(recorded.get(template, "0")) != size for template, size in wanted.items()):
            raise GrowthError(
                f"the volumes are larger, but after its refresh the state has other sizes in the {name} of"
                f" {holder.object}: {', '.join(recorded.values()) or 'none'}.\n{AGAIN}"
            )
