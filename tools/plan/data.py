"""Data at risk: data that a plan deletes, moves or no longer protects, the part that stays, and how to get it back."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from settings.types.quantities import GIBIBYTE, size_in_bytes
from tools.plan import backups
from tools.plan.expiry import expiring
from tools.plan.moves import UNDONE, moved, unserved
from tools.plan.preview import Json, Step, part, parts
from tools.plan.risk import Risk

ARCHIVED = "mlflow-platform/archived"
# The component whose Job migrates the schema.
MIGRATION = "SchemaMigration "
SCHEMA = "schema of the database"
# The component of a team.
TEAM = "Workspace "
CLAIMS = "its volume claims with the data, until somebody deletes them; a StatefulSet of the same name takes them again"
# What to do before a StatefulSet is replaced because of the sizes of its volumes, which its claims would keep.
GROW = (
    "run `make grow` with this stack file, which enlarges the volumes of {subject} without replacing it; this plan"
    " would end its pods and leave the volumes as they are (docs/volumes.md)"
)
SHRUNK = "take the smaller size back: the volumes of {subject} cannot shrink, and this plan would only end its pods"
# Kinds that serve data, and so have to be there while somebody copies.
SERVING = frozenset({"StatefulSet", "Instance", "Bucket"})
# Names that Kubernetes takes: others could leave their place in a command.
HARMLESS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# What is lost with a resource, what stays of it, the way back, and what to do before.
HOLDERS: dict[str, tuple[str, str, str, str]] = {
    "Namespace": (
        "its pods, Secrets and volumes are lost permanently",
        "volumes with reclaim policy Retain",
        "use the kept volumes again (docs/destroy.md); the rest is gone",
        (
            "ask those who use {subject} what they still need of its pods, Secrets and volumes, and copy it: this plan"
            " does not see them, `kubectl --namespace {name} get pods,secrets,pvc` lists them. Volumes stay if their"
            " reclaim policy is Retain (docs/destroy.md)"
        ),
    ),
    "StatefulSet": ("its pods end", CLAIMS, UNDONE, ""),
    "PersistentVolumeClaim": (
        "the volume is released, and deleted if its reclaim policy is Delete",
        "the volume, if its reclaim policy is Retain",
        "use the kept volume again (docs/destroy.md)",
        "copy what is still needed from {subject}, or set the volume's reclaim policy to Retain (docs/destroy.md)",
    ),
    "Instance": (
        "the database is deleted",
        "a last snapshot, unless skipFinalSnapshot is set, and the automated backups for their days",
        "restore the snapshot (docs/destroy.md)",
        "take a snapshot of {subject}",
    ),
    "Bucket": (
        "the bucket is deleted",
        "all of it, if there is an object in it: S3 deletes empty buckets only, unless forceDestroy is set",
        "create a bucket of the same name; objects that were deleted are gone",
        "copy what is still needed from {subject}",
    ),
    "Key": (
        "the key is deleted after its waiting period, and what it encrypts cannot be read then",
        "the key during its waiting period",
        "cancel the deletion of the key at AWS within that time",
        "make sure that nothing which is still needed is encrypted with {subject}",
    ),
}
# Settings at AWS that guard data: a fall of the number, or the loss of the flag, is a risk.
NUMBERS = {"deletionWindowInDays": "days before a key is deleted"}
FLAGS = {
    "deletionProtection": (True, "protection from deletion"),
    "skipFinalSnapshot": (False, "the last snapshot at deletion"),
    "storageEncrypted": (True, "encryption of the storage"),
    "forceDestroy": (False, "the refusal to delete a bucket that is not empty"),
    "enableKeyRotation": (True, "rotation of the key"),
}
KEYS = ("kmsKeyId", "kmsMasterKeyId", "kmsKeyArn")


def risks(steps: Sequence[Step]) -> list[Risk]:
    """The risks of a plan; data that moves comes first."""
    found = [
        risk
        for step in steps
        for each in (_gone, _weaker, _migrated, moved, expiring, backups.risks)
        for risk in each(step)
    ]
    if any(one.moved for one in found):
        serving = {step.object: _kept(step) for step in steps if step.op == "delete" and step.kind in SERVING}
        # What the moved data were in is a part of their risk, and no risk of its own.
        found = [unserved(one, serving, steps) if one.moved else one for one in found if one.subject not in serving]
    return sorted(found, key=lambda one: (not one.moved, one.subject, one.what))


def _kept(step: Step) -> str:
    if step.kind != "StatefulSet":
        return HOLDERS[step.kind][1]
    size = sum(storage(step.old).values()) / GIBIBYTE
    return f"the volume claims of {step.object}{f' ({size:g} GiB)' if size else ''}, until somebody deletes them"


def _gone(step: Step) -> Iterator[Risk]:
    holder = HOLDERS.get(step.kind)
    if holder is None or step.op not in {"delete", "replace"}:
        return
    what, kept, back, before = holder
    name = str(part(step.old, "metadata").get("name"))
    short = f"{step.object}: {what}" if step.kind == "Namespace" else ""
    if step.kind == "Namespace" and step.component.startswith(TEAM):
        kept = f"the team's data in MLflow; {kept}"
        back = f"a team of the same name finds its data in MLflow again; {back}"
    verb = "is deleted" if step.op == "delete" else f"is replaced, because {_because(step)}"
    resized = _resized(step).format(subject=step.object)
    if step.protected[0]:
        yield Risk(
            subject=step.object,
            what=f"{verb}, and Pulumi refuses it: the resource is protected, so that this `up` fails",
            kept="everything, until the protection is removed",
            back="take the change back, or see docs/destroy.md",
            before=resized,
        )
    elif step.retained[0]:
        yield Risk(
            subject=step.object,
            what=f"{verb} in the stack's state only: the object itself stays, and no stack manages it",
            kept="everything",
            back="`pulumi import` the object, or delete it by hand",
        )
    else:
        archived = part(step.old, "metadata", "labels").get(ARCHIVED) == "true"
        team = " (the namespace of an archived team)" if archived else ""
        yield Risk(
            subject=step.object,
            what=f"{verb}{team}: {what}",
            kept=kept,
            back=back,
            before=resized or before.format(subject=step.object, name=name if HARMLESS.fullmatch(name) else "NAME"),
            short=short,
        )


def _resized(step: Step) -> str:
    """What to do before a StatefulSet is replaced because of the sizes of its volumes; empty if they stay."""
    before, after = storage(step.old), storage(step.new)
    common = before.keys() & after.keys()
    if step.op != "replace" or all(before[name] == after[name] for name in common):
        return ""
    return SHRUNK if any(after[name] < before[name] for name in common) else GROW


def _because(step: Step) -> str:
    return f"{', '.join(step.changed)} cannot change in place" if step.changed else "it cannot change in place"


def _migrated(step: Step) -> Iterator[Risk]:
    """A new image of the server, whose migration Job changes the schema of the database."""
    before, after = _images(step.old), _images(step.new)
    if step.component.startswith(MIGRATION) and step.kind == "Job" and before and after and before != after:
        yield Risk(
            subject=SCHEMA,
            what="whether the new image changes it is not known before the `up`. If it does, nothing but a backup from"
            " directly before takes that back",
            kept="everything, if the migration fails: it has changed nothing then",
            back="restore the backup; what was written after it is lost (docs/upgrade.md)",
            before="arrange that directly before the `up` writing to MLflow stops, a backup of the database is taken,"
            " and somebody checks that it can be restored: neither this plan nor `up` takes one (docs/upgrade.md)",
            short=f"{SCHEMA} may change, which only a backup takes back; writing may stop meanwhile, for a time that is"
            " not known",
        )


def _images(inputs: Json) -> list[str]:
    return [str(one.get("image")) for one in parts(inputs, "spec", "template", "spec", "containers")]


def _weaker(step: Step) -> Iterator[Risk]:
    if step.op not in {"update", "same"}:
        return
    for before, after, word in (
        (*step.protected, "Pulumi's protection from deletion"),
        (*step.retained, "its retention after it is removed from the stack"),
    ):
        if before and not after:
            yield _lost(step, word)
    if step.op == "update":
        yield from _shrinking(step)
        yield from _guards(step)


def _guards(step: Step) -> Iterator[Risk]:
    for name, word in NUMBERS.items():
        before, after = step.old.get(name), step.new.get(name)
        if isinstance(before, int | float) and isinstance(after, int | float) and after < before:
            yield Risk(
                subject=step.object,
                what=f"{word}: {after:g} instead of {before:g}",
                kept="everything, until a key is deleted",
                back="raise the number again; keys that are deleted by then are gone",
            )
    for name, (safe, word) in FLAGS.items():
        if step.old.get(name) == safe and step.new.get(name, not safe) != safe:
            yield _lost(step, word)
    for name in KEYS:
        if step.old.get(name) and step.old.get(name) != step.new.get(name):
            yield Risk(
                subject=step.object,
                what="new data is encrypted with another key",
                kept="earlier data, as long as the old key exists",
                back="keep the old key",
            )
    yield from _lifecycle(step)


def _lost(step: Step, word: str) -> Risk:
    return Risk(
        subject=step.object,
        what=f"loses {word}",
        kept="everything, until it is deleted",
        back="set it again before the deletion",
    )


def _lifecycle(step: Step) -> Iterator[Risk]:
    """Rules of a bucket that let objects expire sooner."""
    if "Lifecycle" not in step.kind:
        return
    before, after = _days(step.old), _days(step.new)
    for place, days in after.items():
        earlier = before.get(place)
        if earlier is None or days < earlier:
            yield Risk(
                subject=step.object,
                what=f"{place}: objects expire after {days:g} days"
                + ("" if earlier is None else f" instead of {earlier:g}"),
                kept="younger objects",
                back="raise the number again; objects that have expired by then are gone",
            )


def _days(inputs: Json) -> dict[str, float]:
    found: dict[str, float] = {}
    for rule in parts(inputs, "rules"):
        for key in ("expiration", "noncurrentVersionExpiration", "abortIncompleteMultipartUpload"):
            for name, days in part(rule, key).items():
                if isinstance(days, int | float) and name.lower().endswith(("days", "initiation")):
                    found[f"rule {rule.get('id', '')}, {key}"] = days
    return found


def _shrinking(step: Step) -> Iterator[Risk]:
    """Volumes whose size changes: a claim never shrinks, and a StatefulSet's template cannot change."""
    before, after = storage(step.old), storage(step.new)
    for name, size in after.items():
        if name in before and size < before[name]:
            yield Risk(
                subject=step.object,
                what=f"volume {name}: a claim cannot shrink, so the change is refused",
                kept="everything",
                back="take the change back",
            )


def storage(inputs: Json) -> dict[str, float]:
    """Bytes of each volume claim of a StatefulSet or a PersistentVolumeClaim, by name."""
    claims = parts(inputs, "spec", "volumeClaimTemplates")
    if inputs.get("kind") == "PersistentVolumeClaim":
        claims = [inputs]
    found: dict[str, float] = {}
    for claim in claims:
        size: Any = part(claim, "spec", "resources", "requests").get("storage")
        if isinstance(size, str):
            found[str(part(claim, "metadata").get("name", ""))] = size_in_bytes(size)
    return found
