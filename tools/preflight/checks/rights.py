"""Rights of the caller: every kind that the program registers, with the verbs that Pulumi's provider uses."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.doctor.facts import parts
from tools.growth.judgement import CLASS_RIGHT, CLASSES, READS, SET_WRITES, WRITES
from tools.preflight.api import Api, Found, Kind, Missing, Note
from tools.preflight.wanted import Wanted
from tools.render.values import Json

PARALLEL = 4
VERBS = ("create", "delete", "get", "patch")
# For an object that exists already.
PATCHING = ("get", "patch")
# The provider waits until objects of these kinds are ready, and watches them and what they consist of.
WATCHED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Deployment": (("apps/v1", "ReplicaSet"), ("v1", "Pod"), ("v1", "Event")),
    "Ingress": (("v1", "Service"),),
    "Job": (("v1", "Pod"), ("v1", "Event")),
    "PersistentVolumeClaim": (),
    "Service": (("discovery.k8s.io/v1", "EndpointSlice"),),
    "StatefulSet": (("v1", "Pod"), ("v1", "Event")),
}
WATCHING = ("list", "watch")
ROLES = frozenset({"Role", "ClusterRole"})
MOST_NAMED = 4


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Right:
    """A verb on a kind, in a namespace or in the whole cluster."""

    group: str
    resource: str
    verb: str
    namespace: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attributes of a SelfSubjectAccessReview."""
        values = {"group": self.group, "resource": self.resource, "verb": self.verb, "namespace": self.namespace}
        return {key: value for key, value in values.items() if value}


def rights(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Rights that the caller lacks; the same rights on several kinds are one finding."""
    needed = sorted(
        {one for each in wanted.objects for one in needed_for(each, api)}
        | {one for each in wanted.patches for one in needed_for(each, api, PATCHING)}
    )
    lacking = set(denied(needed, api))
    # Who may grant more than they have needs none of what they grant.
    granted = sorted({one for each in wanted.objects for one in granted_by(each)})
    if granted and any(True for _ in denied([_escalation(kind) for kind in ("roles", "clusterroles")], api)):
        lacking |= set(denied(granted, api))
    for verbs, spaces, resources in _together(lacking):
        where = "in the whole cluster" if "" in spaces else f"in {', '.join(spaces)}"
        yield Missing(
            subject=f"right to {', '.join(verbs)} {_some(resources)} {where}",
            what="you do not have it: `up` would stop in the middle",
            remedy="use a context of the kubeconfig with cluster-admin permissions, or have them granted",
        )
    growing = {one for each in wanted.every("StatefulSet") for one in growing_needs(each)}
    for verbs, spaces, resources in _together(denied(sorted(growing - set(needed)), api)):
        where = "in the whole cluster" if "" in spaces else f"in {', '.join(spaces)}"
        yield Note(
            what=f"you lack the right to {', '.join(verbs)} {_some(resources)} {where}: `up` works without it, and"
            " `make grow`, which enlarges volumes, does not"
        )


def growing_needs(stateful_set: Json) -> Iterator[Right]:
    """Rights that enlarging the volumes of a StatefulSet needs."""
    if not parts(stateful_set, "spec", "volumeClaimTemplates"):
        return
    space = stateful_set["metadata"].get("namespace", "")
    for verb, kind in (*READS, *WRITES, *SET_WRITES, CLASS_RIGHT):
        resource, _, group = kind.partition(".")
        yield Right(group=group, resource=resource, verb=verb, namespace="" if kind == CLASSES else space)


def needed_for(one: Json, api: Api, verbs: Iterable[str] = VERBS) -> Iterator[Right]:
    """Rights that are needed to create, change and delete an object, or only for `verbs`."""
    space = one["metadata"].get("namespace", "")
    kind = api.kind(one["apiVersion"], one["kind"])
    # Without the kind, another check says so.
    if kind is not None:
        yield from (_right(kind, verb, space) for verb in verbs)
    if kind is not None and one["kind"] in WATCHED:
        others = (api.kind(*other) for other in WATCHED[one["kind"]])
        for watched in (kind, *filter(None, others)):
            yield from (_right(watched, verb, space) for verb in WATCHING)


def _right(kind: Kind, verb: str, namespace: str) -> Right:
    return Right(group=kind.group, resource=kind.plural, verb=verb, namespace=namespace if kind.namespaced else "")


def granted_by(one: Json) -> Iterator[Right]:
    """Rights that a registered role grants. Kubernetes lets nobody grant rights that they do not have."""
    if one["kind"] not in ROLES:
        return
    space = one["metadata"].get("namespace", "")
    for rule in parts(one, "rules"):
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for verb in rule["verbs"]:
                    yield Right(group=group, resource=resource, verb=verb, namespace=space)


def _escalation(resource: str) -> Right:
    return Right(group="rbac.authorization.k8s.io", resource=resource, verb="escalate")


def denied(needed: Iterable[Right], api: Api) -> Iterator[Right]:
    """The rights that the caller does not have; what is allowed in the whole cluster is not asked again."""
    by_cluster: dict[tuple[str, str, str], list[Right]] = {}
    for one in needed:
        by_cluster.setdefault((one.group, one.resource, one.verb), []).append(one)

    def ask(several: list[Right]) -> list[Right]:
        first = several[0]
        everywhere = Right(group=first.group, resource=first.resource, verb=first.verb)
        if api.allows(everywhere.attributes):
            return []
        return [one for one in several if not one.namespace or not api.allows(one.attributes)]

    with ThreadPoolExecutor(PARALLEL) as pool:
        for lacking in pool.map(ask, by_cluster.values()):
            yield from lacking


def _together(lacking: Iterable[Right]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], list[str]]]:
    """Group the kinds that have the same verbs in the same namespaces."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for one in lacking:
        name = f"{one.resource}.{one.group}" if one.group else one.resource
        verbs.setdefault((name, one.namespace), set()).add(one.verb)
    spaces: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (name, space), words in sorted(verbs.items()):
        spaces.setdefault((name, tuple(sorted(words))), []).append(space)
    names: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (name, words), where in spaces.items():
        names.setdefault((words, tuple(where)), []).append(name)
    yield from ((words, where, resources) for (words, where), resources in names.items())


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
