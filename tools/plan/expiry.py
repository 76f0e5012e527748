"""Data that is deleted at a certain age, if a plan lowers that age."""

import json
from collections.abc import Iterator

from tools.plan.preview import Json, Step, part, parts
from tools.plan.risk import Risk

# Ages of the CronJob `retention` that end in deletion, and what is deleted. Archived spans are still there.
AGES = {
    "deleted_days": "runs, experiments and logged models that were deleted",
    "trace_days": "traces that began",
}
Ages = dict[tuple[str, str], int]


def expiring(step: Step) -> Iterator[Risk]:
    """Risks of one step: data that will be deleted at a lower age."""
    if step.kind == "CronJob" and step.op in {"create", "update", "replace"}:
        yield from _retention(step)


def _retention(step: Step) -> Iterator[Risk]:
    before, after = _ages(step.old), _ages(step.new)
    lowered = {place: days for place, days in after.items() if days < before.get(place, days + 1)}
    for age, what in AGES.items():
        for days in sorted({days for (_, name), days in lowered.items() if name == age}):
            teams = sorted(team for (team, name), value in lowered.items() if (name, value) == (age, days))
            yield Risk(
                subject=step.object,
                what=f"{what} {days} days ago or earlier are deleted permanently every night, of {', '.join(teams)}",
                kept="younger data, and runs and logged models from which a version of a registered model was made",
                back="undo the change before the first night; data that is deleted by then is gone",
                before="`make retention DRY=1` with these settings shows what would be deleted",
            )


def _ages(inputs: Json) -> Ages:
    """Days by team and age of the CronJob `retention`; empty for another CronJob."""
    for container in parts(part(inputs, "spec", "jobTemplate"), "spec", "template", "spec", "containers"):
        text = _variables(container).get("RETENTION")
        if text is not None:
            return {
                (team, age): days
                for team, ages in json.loads(text).items()
                for age, days in ages.items()
                if age in AGES and days is not None
            }
    return {}


def _variables(container: Json) -> dict[str, str]:
    return {str(one.get("name")): str(one["value"]) for one in container.get("env") or () if "value" in one}
