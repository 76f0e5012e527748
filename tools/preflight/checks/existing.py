"""Objects that have to exist before `up`, and those that must not."""

from collections.abc import Iterator
from itertools import chain

from components.kubernetes.namespace import POD_SECURITY_LABELS
from settings import Settings
from tools.doctor.facts import Object, Unseen, part
from tools.preflight.api import Api, Found, Kind, Missing, UnseenError, each
from tools.preflight.checks.cluster import annotations
from tools.preflight.ownership import NAMESPACE, existing, fault, known_of, other_owner, user
from tools.preflight.state import TAKEN_OVER, qualified
from tools.preflight.wanted import Wanted, is_generated
from tools.render.values import Json

SECRET = Kind(base="/api/v1", group="", plural="secrets", namespaced=True)


def names(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Objects that `up` would create or patch, but that exist already and belong to something else.

    They are cluster-scoped, or in namespaces of teams that the stack does not create.
    """
    taken: dict[tuple[str, str], Object] = {}

    def judge(one: Json) -> Iterator[Found]:
        name = one["metadata"]["name"]
        kind = api.kind(one["apiVersion"], one["kind"])
        space = one["metadata"].get("namespace", "") if kind is not None and kind.namespaced else ""
        if kind is None or is_generated(name) or (kind.namespaced and space not in wanted.existing_namespaces):
            return
        if (found := api.exists(kind, name, space)) is not None:
            taken[one["kind"], qualified(space, name)] = found
        yield from ()

    yield from each(wanted.objects, judge)
    if not taken:
        return
    state = known_of(wanted.stack)
    try:
        known = state()
    except UnseenError as error:
        found = ", ".join(f"{kind} {name}" for kind, name in taken)
        raise UnseenError(Unseen(what=f"who has created {found}", needs=error.unseen.needs)) from None

    def accuse(one: tuple[tuple[str, str], Object]) -> Iterator[Found]:
        (kind, name), found = one
        if kind == "Namespace" and (TAKEN_OVER, name) in known:
            yield Missing(
                subject=f"{kind} {name}",
                what="it exists already, and this stack has only taken it over: `up` would stop in the middle",
                remedy=f"set teams.{name}.createNamespace: false again",
            )
        elif kind == "Namespace" and (whose := other_owner(found, "") or user(found, api)):
            yield Missing(
                subject=f"{kind} {name}",
                what=f"it exists already and belongs to {whose}: `up` would stop in the middle",
                remedy=_another(wanted, name),
            )
        else:
            yield Missing(
                subject=f"{kind} {name}",
                what="it exists already and does not belong to this stack: `up` would stop in the middle",
                remedy=_other_name(wanted, kind, name),
            )

    spaces = {name.rpartition("/")[0] for _, name in taken}
    # Of a namespace that the stack must not take over another check tells: its objects are not to be deleted.
    others = {
        one.name
        for one in existing(wanted)
        if one.name in spaces
        and (found := api.exists(NAMESPACE, one.name)) is not None
        and fault(one, found, api, state) is not None
    }
    left = [one for one in taken.items() if one[0] not in known and one[0][1].rpartition("/")[0] not in others]
    yield from each(left, accuse)


def _another(wanted: Wanted, name: str) -> str:
    """What to do about a namespace of another platform, which must not be taken over."""
    return "set namespace to another name" if name == wanted.namespace else f"give team {name} another name"


def _other_name(wanted: Wanted, kind: str, name: str) -> str:
    space, _, last = name.rpartition("/")
    if space:
        return f"delete it if nobody uses it: kubectl delete {kind} {last} --namespace {space}"
    if kind != "Namespace":
        return "delete it if nobody uses it; another stack of the platform in the cluster has the same objects"
    if name == wanted.namespace:
        return "set namespace to another name, or createNamespace: false if it holds nothing else"
    return (
        f"set teams.{name}.createNamespace: false to use it with its content (docs/teams.md), or give the team another"
        " name"
    )


def team_namespaces(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Namespaces of teams that the stack does not create: whose they are, their labels and annotations."""
    ours, known = {one.name: one for one in existing(wanted)}, known_of(wanted.stack)

    def judge(one: Json) -> Iterator[Found]:
        name = one["metadata"]["name"]
        found = api.exists(NAMESPACE, name)
        if found is None:
            yield Missing(
                subject=f"Namespace {name}",
                what=f"it does not exist, and teams.{name}.createNamespace: false says that it does",
                remedy=f"kubectl create namespace {name}, or remove createNamespace: false",
            )
        elif (wrong := fault(ours[name], found, api, known)) is not None:
            yield wrong
        # What the stack itself has set, it may change.
        elif (TAKEN_OVER, name) not in known():
            for place, key, value in _other_values(one, found):
                yield Missing(
                    subject=f"{place} {key} of namespace {name}",
                    what=f'it is "{value}", set by somebody else: `up` would stop, and not overwrite it',
                    remedy=f"kubectl {'label' if place == 'label' else 'annotate'} namespace {name} {key}-",
                )

    yield from each(wanted.patches, judge)


def _other_values(wanted: Json, found: Object) -> Iterator[tuple[str, str, str]]:
    """Kind, key and value of each label and annotation that has another value than the stack sets."""
    for place in ("label", "annotation"):
        has = part(found, "metadata", f"{place}s")
        for key, value in sorted(part(wanted, "metadata", f"{place}s").items()):
            if has.get(key, value) != value:
                yield place, key, has[key]


def namespace(wanted: Wanted, api: Api) -> Iterator[Found]:
    """The platform's namespace, if the stack does not create it."""
    settings = wanted.settings
    if not isinstance(settings, Settings) or settings.create_namespace:
        return
    found = api.exists(NAMESPACE, settings.namespace)
    if found is None:
        yield Missing(
            subject=f"Namespace {settings.namespace}",
            what="it does not exist, and the stack file says that `up` does not create it",
            remedy=f"kubectl create namespace {settings.namespace}, or remove createNamespace: false",
        )
        return
    own = next(one for one in existing(wanted) if one.name == settings.namespace)
    if (wrong := fault(own, found, api, known_of(wanted.stack))) is not None:
        yield wrong
    else:
        yield from _unrestricted(settings.namespace, found)


def _unrestricted(name: str, found: Object) -> Iterator[Found]:
    label, level = next(iter(POD_SECURITY_LABELS.items()))
    if part(found, "metadata", "labels").get(label) != level:
        yield Missing(
            subject=f"label {label} of namespace {name}",
            what=f"it is not {level}: Kubernetes would admit privileged pods beside the platform",
            remedy=f"kubectl label namespace {name} {label}={level} --overwrite",
        )


def secrets(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Secrets that the stack file names, and that have to exist before `up`."""
    issued = set(chain.from_iterable(map(_issued, wanted.objects)))

    def judge(secret: tuple[str, str]) -> Iterator[Found]:
        space, name = secret
        keys = wanted.keys_of(name)
        created = space in wanted.created_namespaces and api.exists(NAMESPACE, space) is None
        # A team's Secret comes after the team's namespace.
        if created and space != wanted.namespace:
            return
        if created or api.exists(SECRET, name, space) is None:
            first = "set createNamespace: false, create the namespace, then the Secret" if created else "create it"
            named = f", named by {' and '.join(keys)}," if keys else ""
            yield Missing(
                subject=f"Secret {space}/{name}",
                what=f"the Secret{named} does not exist: pods that need it would not start",
                remedy=f"{first} (docs/own-services.md), or change {keys[0] if keys else 'the setting that names it'}",
            )

    yield from each([one for one in wanted.secrets if one not in issued], judge)


def _issued(one: Json) -> Iterator[tuple[str, str]]:
    """Secrets that cert-manager creates for an Ingress or a Gateway."""
    if any(key.startswith("cert-manager.io/") for key in annotations(one)):
        space, spec = one["metadata"].get("namespace", ""), part(one, "spec")
        for tls in spec.get("tls") or ():
            yield space, tls["secretName"]
        for listener in spec.get("listeners") or ():
            for reference in part(listener, "tls").get("certificateRefs") or ():
                yield space, reference["name"]


def stores(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Stores of the External Secrets operator."""
    named = {
        (str(one["apiVersion"]), str(store["kind"]), str(store["name"]), str(one["metadata"]["namespace"]))
        for one in wanted.every("ExternalSecret")
        if (store := part(one, "spec", "secretStoreRef"))
    }

    def judge(store: tuple[str, str, str, str]) -> Iterator[Found]:
        api_version, kind, name, space = store
        known = api.kind(api_version, kind)
        # Without the kind, another check says so.
        if known is not None and api.exists(known, name, space if known.namespaced else "") is None:
            yield Missing(
                subject=f"{kind} {name}",
                what="it does not exist: the operator could not read the credentials, and `up` would stop",
                remedy=f"create it, or name another one in {' and '.join(wanted.keys_of(name))}",
            )

    yield from each(sorted(named), judge)
