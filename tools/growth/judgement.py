"""Judgement on growing the volumes of a stack: the changes, and every reason against them, before the first change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from tools.growth.cluster import Cluster, uid
from tools.growth.volumes import CLAIM, STATEFUL_SET, Holder, Size, claims_of, in_bytes, resized, sizes_of
from tools.kubectl import ClusterError
from tools.plan.preview import Json, part

CLAIMS, SETS, CLASSES = "persistentvolumeclaims", "statefulsets.apps", "storageclasses.storage.k8s.io"
CLASS_RIGHT = ("get", CLASSES)
READS = (("get", CLAIMS), ("list", CLAIMS), ("get", "services"), ("get", SETS))
# Pods are deleted only for drivers that cannot enlarge a file system in use.
WRITES = (("patch", CLAIMS), ("list", "pods"), ("delete", "pods"))
SET_WRITES = (("create", SETS), ("patch", SETS), ("delete", SETS))
# Ends the name of the StatefulSet of the dry run.
TRIAL = "-growth"
MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """A PersistentVolumeClaim that becomes larger."""

    namespace: str
    claim: str
    size: str
    """The size that the claim is to get."""

    before: str
    """The size that the claim requests now."""

    capacity: str
    storage_class: str

    @property
    def is_requested(self) -> bool:
        """True if the claim requests the size already, and only its volume is still smaller."""
        return in_bytes(self.before) >= in_bytes(self.size)

    @property
    def step(self) -> str:
        """The change, as a line."""
        name = f"PersistentVolumeClaim {self.namespace}/{self.claim}"
        if self.is_requested:
            return f"wait for {name}: it requests {self.before}, and its volume has {self.capacity}"
        return f"enlarge {name} from {self.before} to {self.size} (StorageClass {self.storage_class})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recreation:
    """A StatefulSet whose claim templates get the new sizes: it is deleted without its pods, and created again."""

    holder: Holder
    exists: bool
    """False if an earlier `make grow` was killed between the deletion and the creation."""

    @property
    def step(self) -> str:
        """The change, as a line."""
        sizes = ", ".join(one.wanted for one in self.holder.sizes)
        verb = "delete and create again" if self.exists else "create the missing"
        return f"{verb} {self.holder.object} with volumes of {sizes}: Kubernetes cannot change them. Its pods go on"


@dataclass(kw_only=True, slots=True)
class Judgement:
    """All changes that growing needs, or the faults that prevent it."""

    faults: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    growths: list[Growth] = field(default_factory=list[Growth])
    recreations: list[Recreation] = field(default_factory=list[Recreation])
    stale: list[Holder] = field(default_factory=list[Holder])
    """The holders whose sizes in the state differ from the wanted ones, or will differ after growing."""

    @property
    def steps(self) -> list[str]:
        """The changes, a line each; empty if there is nothing to do."""
        found = [one.step for one in (*self.growths, *self.recreations)]
        if self.stale:
            names = ", ".join(one.object for one in self.stale)
            found.append(f"read {names} into the stack's Pulumi state (`pulumi refresh`)")
        return found


def judge(state: Json, found: Sequence[Holder], cluster: Cluster) -> Judgement:
    """Compare the wanted sizes with the state and the cluster. Nothing is changed.

    Raises:
        ClusterError: the cluster does not answer.
    """
    result = Judgement(faults=list(_of_state(state, found)))
    spaces = sorted({one.namespace for one in found})
    unreadable = list(_lacking(cluster, spaces, READS))
    if not cluster.allows(*CLASS_RIGHT, ""):
        unreadable.append(_refusal(*CLASS_RIGHT, ""))
    if unreadable:
        result.faults += unreadable
        return result
    claims = {space: cluster.every(CLAIMS, space) for space in spaces}
    for one in found:
        _judge_holder(result, one, claims[one.namespace], cluster)
    if result.steps:
        changed = sorted(
            {one.namespace for one in result.growths} | {one.holder.namespace for one in result.recreations}
        )
        sets = sorted({one.holder.namespace for one in result.recreations})
        lacking = [*_lacking(cluster, changed, WRITES), *_lacking(cluster, sets, SET_WRITES)]
        result.faults += lacking or list(_refused(result, cluster))
    return result


def too_small(holder: Holder, size: Size, least: str) -> str:
    """The sentence about a size that would be smaller than the volume."""
    return (
        f"{size.setting} is less than the {least} of {holder.object}: a volume cannot shrink. Set it to {least} or more"
    )


def _of_state(state: Json, found: Sequence[Holder]) -> Iterator[str]:
    if state.get("pending_operations"):
        yield "the state has unfinished operations of a killed deployment: run `make up` first, with the old sizes"
    names = [(one.kind, one.resource) for one in found]
    for kind, name in sorted({one for one in names if names.count(one) > 1}):
        yield f"the state has {kind} {name} more than once: run `make up` first, with the old sizes"
    for one in found:
        yield from (too_small(one, size, size.recorded) for size in one.sizes if size.shrinks)


def _lacking(cluster: Cluster, spaces: Sequence[str], rights: Sequence[tuple[str, str]]) -> Iterator[str]:
    for space in spaces:
        yield from (_refusal(verb, kind, space) for verb, kind in rights if not cluster.allows(verb, kind, space))


def _refusal(verb: str, kind: str, namespace: str) -> str:
    where = f"namespace {namespace}" if namespace else "the whole cluster"
    return f"you lack the right to {verb} {kind} in {where}: use a context that has it, or have it granted"


def _judge_holder(result: Judgement, holder: Holder, claims: Sequence[Json], cluster: Cluster) -> None:
    kind, name, recorded = holder.witness
    if not recorded or uid(cluster.find(kind.lower(), holder.namespace, name)) != recorded:
        result.faults.append(
            f"{kind} {holder.namespace}/{name} is not the one in the stack's state: is this another cluster?"
            " Choose the stack's with CONTEXT= or cluster.context; if it is the right one, run `pulumi refresh` first"
        )
        return
    own = list(claims_of(holder, claims))
    if not own and holder.kind == CLAIM:
        result.faults.append(f"{holder.object} does not exist: run `make up REFRESH=yes` with the old size first")
    for size, claim in own:
        _judge_claim(result, holder, size, claim, cluster)
    renewed = holder.kind == STATEFUL_SET and _judge_templates(result, holder, cluster)
    if renewed or any(size.differs for size in holder.sizes):
        result.stale.append(holder)


def _judge_claim(result: Judgement, holder: Holder, size: Size, claim: Json, cluster: Cluster) -> None:
    name = str(part(claim, "metadata")["name"])
    spec, status = part(claim, "spec"), part(claim, "status")
    requested = str(part(spec, "resources", "requests").get("storage", "0"))
    capacity = str(part(status, "capacity").get("storage", "0"))
    if in_bytes(size.wanted) < in_bytes(requested):
        if not size.differs:
            result.notes.append(
                f"PersistentVolumeClaim {holder.namespace}/{name} requests {requested}, more than {size.setting}: set"
                f" it to {requested}"
            )
        # With a smaller size than the state's, that is said already.
        elif not size.shrinks:
            result.faults.append(too_small(holder, size, requested))
        return
    if in_bytes(size.wanted) <= min(in_bytes(requested), in_bytes(capacity)):
        return
    growth = Growth(
        namespace=holder.namespace,
        claim=name,
        size=size.wanted,
        before=requested,
        capacity=capacity,
        storage_class=str(spec.get("storageClassName") or ""),
    )
    fault = "" if growth.is_requested else _unable(growth, str(status.get("phase")), cluster)
    if fault:
        result.faults.append(fault)
    else:
        result.growths.append(growth)


def _unable(growth: Growth, phase: str, cluster: Cluster) -> str:
    """Reason why a claim cannot be enlarged; empty if it can."""
    name = f"PersistentVolumeClaim {growth.namespace}/{growth.claim}"
    if phase != "Bound":
        return f"{name} is {phase}: Kubernetes enlarges only claims that are bound to a volume"
    if not growth.storage_class:
        return f"{name} has no StorageClass, so that Kubernetes cannot enlarge it: enlarge it where the volume is"
    found = cluster.find(CLASSES, "", growth.storage_class)
    if found is None:
        return f"StorageClass {growth.storage_class} of {name} does not exist: create it as it was"
    if not found.get("allowVolumeExpansion"):
        return (
            f"StorageClass {growth.storage_class} of {name} does not allow volumes to grow: set its"
            " allowVolumeExpansion to true if its driver can do it; otherwise move the data to a new volume"
            " (docs/volumes.md)"
        )
    return ""


def _judge_templates(result: Judgement, holder: Holder, cluster: Cluster) -> bool:
    """Judge a StatefulSet; returns True if it has to be created again."""
    live = cluster.find("statefulset", holder.namespace, holder.name)
    sizes = {} if live is None else sizes_of(live)
    shown = {one.template: sizes.get(one.template, one.wanted) for one in holder.sizes}
    for one in holder.sizes:
        if not one.shrinks and in_bytes(one.wanted) < in_bytes(shown[one.template]):
            result.faults.append(too_small(holder, one, shown[one.template]))
    if live is not None and all(in_bytes(one.wanted) == in_bytes(shown[one.template]) for one in holder.sizes):
        return False
    if holder.has_secrets:
        result.faults.append(
            f"the state of {holder.object} has encrypted values, so that it cannot be created again from it: take them"
            " from a Secret (secretKeyRef)"
        )
    result.recreations.append(Recreation(holder=holder, exists=live is not None))
    return True


def _refused(result: Judgement, cluster: Cluster) -> Iterator[str]:
    """Refusals of the API server in dry runs, and StatefulSets whose recreation would change them."""
    for growth in result.growths:
        if not growth.is_requested:
            try:
                cluster.request(growth.namespace, growth.claim, growth.size, dry=True)
            except ClusterError as error:
                yield f"the API server refuses to enlarge {growth.namespace}/{growth.claim}: {error}"
    for one in result.recreations:
        holder = one.holder
        if holder.has_secrets:
            continue
        try:
            # Under its own name it exists.
            made = cluster.made(_trial(holder))
        except ClusterError as error:
            yield f"the API server refuses {holder.object} with the new size: {error}"
            continue
        live = cluster.find("statefulset", holder.namespace, holder.name)
        if live is not None and (paths := list(_differences(_comparable(live), _comparable(made)))):
            more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
            yield (
                f"{holder.object} is not as the stack's state has it ({', '.join(paths[:MOST_NAMED])}{more}), so that"
                " creating it again would change it: run `make up REFRESH=yes` with the old size first; `make drift`"
                " says who has changed it"
            )


def _trial(holder: Holder) -> Json:
    manifest = holder.manifest(grown=True)
    return {**manifest, "metadata": {**part(manifest, "metadata"), "name": f"{holder.name}{TRIAL}"}}


def _comparable(found: Json) -> Json:
    """The specification of a StatefulSet without the sizes, and without what Kubernetes adds to claim templates."""
    spec = part(resized(found, dict.fromkeys(sizes_of(found), "")), "spec")
    templates = cast("list[Json]", spec["volumeClaimTemplates"])
    return {
        **spec,
        "volumeClaimTemplates": [{key: one[key] for key in ("metadata", "spec") if key in one} for one in templates],
    }


def _differences(before: object, after: object, path: str = "spec") -> Iterator[str]:
    """Paths at which two JSON values differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        one, other = cast("Mapping[str, object]", before), cast("Mapping[str, object]", after)
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        ones, others = cast("list[object]", before), cast("list[object]", after)
        if len(ones) != len(others):
            yield path
            return
        for number, (one, other) in enumerate(zip(ones, others, strict=True)):
            yield from _differences(one, other, f"{path}[{number}]")
    elif before != after:
        yield path
