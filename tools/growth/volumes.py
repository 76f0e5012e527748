"""Volumes of a stack: the sizes that its program registers, beside the sizes in its Pulumi state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from settings.types.quantities import size_in_bytes
from tools.plan.preview import SECRET_KEY, Json, part, parts
from tools.preflight.wanted import Wanted

STATEFUL_SET, CLAIM = "StatefulSet", "PersistentVolumeClaim"
# Field manager with which Pulumi's provider creates objects.
MANAGER = "pulumi-kubernetes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """The size of a volume."""

    template: str
    """Name of the StatefulSet's claim template; empty for a PersistentVolumeClaim of its own."""

    wanted: str
    """Size that the program registers, as a Kubernetes quantity."""

    recorded: str
    """Size in the state."""

    keys: tuple[str, ...] = ()
    """Keys of the stack file with this size."""

    @property
    def setting(self) -> str:
        """The key and its value, for messages."""
        return f"{' or '.join(self.keys) or 'the size that the program registers'}: {self.wanted}"

    @property
    def differs(self) -> bool:
        """True if the state has another size."""
        return in_bytes(self.wanted) != in_bytes(self.recorded)

    @property
    def shrinks(self) -> bool:
        """True if the state has a larger size."""
        return in_bytes(self.wanted) < in_bytes(self.recorded)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A StatefulSet or PersistentVolumeClaim of the stack, with the sizes of its volumes."""

    kind: str
    namespace: str
    name: str
    urn: str
    sizes: tuple[Size, ...]
    inputs: Json = field(repr=False)
    """Inputs in the state."""

    outputs: Json = field(repr=False)
    """Outputs in the state."""

    witness: tuple[str, str, str]
    """Kind, name and uid of an object that `make grow` never recreates; its uid identifies the cluster."""

    @property
    def object(self) -> str:
        """Kind, namespace and name."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def resource(self) -> str:
        """Name of the Pulumi resource."""
        return _name(self.urn)

    @property
    def manager(self) -> str:
        """Field manager with which Pulumi's provider applies the object."""
        return str(self.outputs.get("__fieldManager") or MANAGER)

    @property
    def has_secrets(self) -> bool:
        """True if an input is encrypted in the state, so that the object cannot be applied from it."""
        return _is_encrypted(self.inputs)

    def manifest(self, *, grown: bool) -> Json:
        """The object as the state has it, or the same with the wanted sizes."""
        found = {key: value for key, value in self.inputs.items() if not key.startswith("__")}
        found["metadata"] = {**part(found, "metadata"), "namespace": self.namespace}
        return resized(found, {one.template: one.wanted for one in self.sizes}) if grown else found


def holders(wanted: Wanted, resources: Sequence[Json]) -> list[Holder]:
    """The volumes that the program registers and the state has, from the resources of an exported state.

    A resource that the state does not have is not deployed yet, so that `up` creates it with its size.
    """
    live = [one for one in resources if not one.get("delete") and part(one, "inputs", "metadata")]
    found: list[Holder] = []
    for registration in wanted.registrations:
        if registration.kind not in {STATEFUL_SET, CLAIM}:
            continue
        # The engine's URN has the types of all parents, and the one of a run without engine has not.
        same = [one for one in live if one["type"] == registration.type and _name(one["urn"]) == registration.name]
        for one in same:
            recorded, sizes = sizes_of(part(one, "inputs")), sizes_of(registration.inputs)
            known = tuple(
                Size(template=name, wanted=size, recorded=recorded[name], keys=_keys(wanted, size))
                for name, size in sizes.items()
                if name in recorded
            )
            if known:
                found.append(_holder(one, known, live))
    return found


def _holder(resource: Json, sizes: tuple[Size, ...], resources: Sequence[Json]) -> Holder:
    inputs, outputs = part(resource, "inputs"), part(resource, "outputs")
    namespace, _, name = str(resource["id"]).rpartition("/")
    own = (str(inputs["kind"]), name, _uid(resource))
    service = f"{namespace}/{part(inputs, 'spec').get('serviceName')}"
    services = [one for one in resources if part(one, "inputs").get("kind") == "Service" and one.get("id") == service]
    witness = next((("Service", _name_of(one), _uid(one)) for one in services), own)
    return Holder(
        kind=str(inputs["kind"]),
        namespace=namespace,
        name=name,
        urn=resource["urn"],
        sizes=sizes,
        inputs=inputs,
        outputs=outputs,
        witness=witness,
    )


def sizes_of(inputs: Json) -> dict[str, str]:
    """Requested sizes of a StatefulSet by the name of the claim template; of a claim, one with an empty name."""
    if inputs.get("kind") == CLAIM:
        claims = {"": inputs}
    else:
        claims = {_name_of({"inputs": one}): one for one in parts(inputs, "spec", "volumeClaimTemplates")}
    requests = {name: part(one, "spec", "resources", "requests").get("storage") for name, one in claims.items()}
    return {name: size for name, size in requests.items() if isinstance(size, str)}


def claims_of(holder: Holder, claims: Sequence[Json]) -> Iterator[tuple[Size, Json]]:
    """The claims of a holder among those of its namespace, each with the size that it shall have."""
    for claim in claims:
        name = str(part(claim, "metadata").get("name", ""))
        for size in holder.sizes:
            start, _, ordinal = name.rpartition("-")
            if (holder.kind == CLAIM and name == holder.name) or (
                holder.kind == STATEFUL_SET and start == f"{size.template}-{holder.name}" and ordinal.isdigit()
            ):
                yield size, claim


def resized(value: Json, sizes: Mapping[str, str]) -> Json:
    """A StatefulSet with other sizes of volumes; `sizes` has them by the names of claim templates."""
    templates = parts(value, "spec", "volumeClaimTemplates")
    changed = [
        _with_size(one, sizes[name]) if (name := _name_of({"inputs": one})) in sizes else one for one in templates
    ]
    return {**value, "spec": {**part(value, "spec"), "volumeClaimTemplates": changed}}


def _with_size(template: Json, size: str) -> Json:
    spec, resources = part(template, "spec"), part(template, "spec", "resources")
    requests = {**part(resources, "requests"), "storage": size}
    return {**template, "spec": {**spec, "resources": {**resources, "requests": requests}}}


def in_bytes(quantity: str) -> float:
    """Number of bytes in a Kubernetes quantity; the API server may write a number without unit."""
    try:
        return float(quantity)
    except ValueError:
        return size_in_bytes(quantity)


def _keys(wanted: Wanted, size: str) -> tuple[str, ...]:
    """Keys of the stack file whose value is a size, if they are about storage."""
    return tuple(key for key in wanted.keys_of(size) if "storage" in key.lower())


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _name_of(resource: Json) -> str:
    return str(part(resource, "inputs", "metadata").get("name", ""))


def _uid(resource: Json) -> str:
    return str(part(resource, "outputs", "metadata").get("uid", ""))


def _is_encrypted(value: object) -> bool:
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, object]", value)
        return SECRET_KEY in inner or any(map(_is_encrypted, inner.values()))
    return isinstance(value, list) and any(map(_is_encrypted, cast("list[object]", value)))
