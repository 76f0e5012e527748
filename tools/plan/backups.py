"""Changes of the backups of the database: backups that end or move are a risk, other changes are sentences."""

from collections.abc import Iterator, Sequence
from typing import Any

from tools.plan.preview import UNKNOWN, Json, Step, part, parts
from tools.plan.risk import Risk

# Containers of PostgreSQL's pod: the one with the data, and the one that takes the backups.
DATABASE, BACKUP = "postgres", "backup"
# Variables of the latter.
DAYS, HOUR, BUCKET, ENDPOINT, KEY = (
    *("BACKUP_DAYS", "BACKUP_HOUR", "BACKUP_BUCKET", "BACKUP_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"),
)
AWS = "AWS"
SO_FAR = "the existing backups, which are no longer deleted after some days"
PERIOD, WINDOW = "backupRetentionPeriod", "backupWindow"


def risks(step: Step) -> Iterator[Risk]:
    """Backups that one step ends, shortens or moves."""
    before, after = _variables(step.old), _variables(step.new)
    if _changes(step) and before:
        yield from _of_sidecar(step.object, before, after)
    elif _is_instance(step):
        yield from _of_instance(step)


def changes(steps: Sequence[Step]) -> list[str]:
    """Sentences about backups that begin, are kept for longer, are taken at another hour, or use another key."""
    return [sentence for step in steps for sentence in _sentences(step)]


def _changes(step: Step) -> bool:
    return step.kind == "StatefulSet" and step.op in {"update", "replace"}


def _is_instance(step: Step) -> bool:
    return step.kind == "Instance" and step.op == "update"


def _of_sidecar(subject: str, before: Json, after: Json) -> Iterator[Risk]:
    if not after:
        yield Risk(
            subject=subject,
            what="is no longer backed up",
            kept=SO_FAR,
            back="switch `backups.enabled` on again; the time in between cannot be restored",
        )
        return
    earlier, later = _number(before[DAYS]), _number(after[DAYS])
    if earlier is not None and later is not None and later < earlier:
        yield Risk(
            subject=subject,
            what=f"backups are kept for {later} days instead of {earlier}",
            kept="younger backups",
            back="raise the number again; backups that are deleted by then are gone",
        )
    if _place(before) != _place(after):
        yield Risk(
            subject=subject,
            what=f"backups go to {_place(after)} instead of {_place(before)}: the backups in the old place are no"
            " longer listed or restored, and nothing can be restored before the first base backup in the new place",
            kept=SO_FAR,
            back="undo the change, restore the backup, and make the change again",
            before="make sure that nobody needs a backup of the old place soon",
        )


def _of_instance(step: Step) -> Iterator[Risk]:
    before, after = step.old.get(PERIOD), step.new.get(PERIOD)
    if not isinstance(before, int | float) or not isinstance(after, int | float) or after >= before:
        return
    if after == 0:
        yield Risk(
            subject=step.object,
            what=f"is no longer backed up, and RDS deletes the automated backups of the last {before:g} days",
            kept="snapshots that were taken by hand",
            back="restore one of these snapshots",
            before=f"take a snapshot of {step.object}",
        )
        return
    yield Risk(
        subject=step.object,
        what=f"automated backups are kept for {after:g} days instead of {before:g}",
        kept="younger backups",
        back="raise the number again; backups that have expired by then are gone",
    )


def _sentences(step: Step) -> Iterator[str]:
    before, after = _variables(step.old), _variables(step.new)
    if _is_instance(step):
        earlier, later = step.old.get(PERIOD), step.new.get(PERIOD)
        if isinstance(earlier, int | float) and isinstance(later, int | float) and later > earlier:
            yield f"{step.object}: automated backups are kept for {later:g} days instead of {earlier:g}"
        if step.old.get(WINDOW) != step.new.get(WINDOW) and step.new.get(WINDOW) != UNKNOWN:
            window, old = step.new.get(WINDOW), step.old.get(WINDOW)
            yield f"{step.object}: automated backups are taken at {window} UTC instead of {old}"
    elif _changes(step) and after and not before:
        yield f"{step.object}: is backed up from now on, to {_place(after)}, for {after[DAYS]} days"
    elif _changes(step) and after:
        earlier, later = _number(before[DAYS]), _number(after[DAYS])
        if earlier is not None and later is not None and later > earlier:
            yield f"{step.object}: backups are kept for {later} days instead of {earlier}"
        if before[HOUR] != after[HOUR]:
            yield f"{step.object}: base backups are taken at {after[HOUR]}:00 UTC instead of {before[HOUR]}:00"
        if before[KEY] != after[KEY]:
            yield f"{step.object}: backups use another access key for {_place(after)}"


def _place(variables: Json) -> str:
    endpoint = variables[ENDPOINT] or AWS
    return f"the bucket {variables[BUCKET]} at {endpoint}".replace(UNKNOWN, "an address known after `up`")


def _variables(inputs: Json) -> dict[str, str]:
    """Variables of the container that takes the backups; empty if the pod is another one or has none."""
    containers = {str(one.get("name")): one for one in parts(inputs, "spec", "template", "spec", "containers")}
    if DATABASE not in containers or BACKUP not in containers:
        return {}
    found = {str(one.get("name")): _value(one) for one in containers[BACKUP].get("env") or ()}
    return {name: found.get(name, "") for name in (DAYS, HOUR, BUCKET, ENDPOINT, KEY)}


def _value(variable: Json) -> str:
    """The value of a variable, or the name of the Secret that has it."""
    secret: Any = part(variable, "valueFrom", "secretKeyRef").get("name")
    return str(variable.get("value", secret or ""))


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
