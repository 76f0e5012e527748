"""Every object in the cluster, of every kind that can be listed."""

import json
from dataclasses import dataclass
from datetime import datetime

from testbed.e2e.kube import Object, kubectl

# Written by Kubernetes all the time, about whatever happens; `endpoints` repeat the endpoint slices.
NOISE = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses", "endpoints"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One object."""

    kind: str
    namespace: str
    name: str
    uid: str
    created: datetime
    owners: frozenset[str]
    """Identities of its owners, with which it is deleted."""

    phase: str

    def __str__(self) -> str:
        """As kubectl names it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def provider_id(self) -> tuple[str, str]:
        """Kind and id as Pulumi's state names it."""
        return self.kind, f"{self.namespace}/{self.name}" if self.namespace else self.name


def everything() -> dict[str, Item]:
    """All objects by their identity."""
    kinds = set(kubectl("api-resources", "--verbs=list", "--output=name").stdout.split()) - NOISE
    listing = kubectl("get", ",".join(sorted(kinds)), "--all-namespaces", "--output=json", seconds=120)
    return {found.uid: found for found in map(_item, json.loads(listing.stdout)["items"])}


def _item(thing: Object) -> Item:
    metadata = thing["metadata"]
    return Item(
        kind=thing["kind"],
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        owners=frozenset(owner["uid"] for owner in metadata.get("ownerReferences", ())),
        phase=thing.get("status", {}).get("phase", ""),
    )
