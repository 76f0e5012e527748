"""Effects of changes that no other section explains: what each means for people, even if that is nothing."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from components.exposure.certificate import VALIDITY
from settings.schema.certificate import SelfSigned
from settings.schema.login import BasicLogin
from tools.access.words import Style, prose
from tools.plan import taken_over
from tools.plan.networks import of_new_namespaces, without_effect
from tools.plan.people import People
from tools.plan.plan import Plan
from tools.plan.preview import Json, Step, part, parts
from tools.plan.reasons import to_look_at

# What a Job does when it runs again, by its resource's name.
JOBS = {"object-store-bucket": "it makes the bucket if that is missing, and changes nothing that exists"}
MIGRATION = "SchemaMigration "
GATEWAY = "mlflow-gateway"
# The feature of the server that offers the gateway.
FEATURE = "gateway"
TLS = "kubernetes.io/tls"
CERTIFICATE = "ca.crt"
# What the Roles of a team allow.
REMARKS = {
    "mlflow-manager": "read, create and change, delete",
    "mlflow-editor": "read, create and change",
    "mlflow-viewer": "read",
    "mlflow-integration": "read, create and change",
}


def effects(one: Plan, style: Style) -> list[str]:
    """Sentences about the effects."""
    steps, people = one.preview.ordered, one.people
    return [
        *(people.bound_by_name(steps, style) if people else ()),
        *_of_issuer(people),
        *_of_roles(steps, {**REMARKS, GATEWAY: _use(people)}, style),
        *_of_gateway(steps, _use(people), style),
        *(f"Networks of a new team: {prose(each, style)}" for each in of_new_namespaces(steps, one.known)),
        *(f"Networks: {prose(each, style)}" for each in without_effect(steps, one.known)),
        *_of_jobs(steps, style),
        *(each.sentence(style) for each in to_look_at(one)),
        *taken_over.effects(steps, style),
    ]


def _of_issuer(people: People | None) -> Iterator[str]:
    if people is not None and people.signs_in_differently and isinstance(people.after.login, BasicLogin):
        yield (
            "`--oidc-issuer-url` in the changes becomes the cluster's own: with this login only tokens of programs have"
            " an issuer"
        )


def _use(people: People | None) -> str:
    """What the Role of MLflow's AI gateway allows."""
    is_off = people is not None and FEATURE not in people.after.server.features
    return (
        "no right, as MLflow's AI gateway is off" if is_off else "use of endpoints of MLflow's AI gateway, if it is on"
    )


def _of_gateway(steps: Sequence[Step], use: str, style: Style) -> Iterator[str]:
    """Sentences about additional subjects of the Role for MLflow's AI gateway."""
    for step in steps:
        if step.kind == "RoleBinding" and step.op == "update" and _bound(step.new) == GATEWAY:
            more = [one for one in parts(step.new, "subjects") if one not in parts(step.old, "subjects")]
            if more and (space := part(step.new, "metadata").get("namespace")):
                names = ", ".join(style.name(f"{one.get('kind')} {one.get('name')}") for one in more)
                yield f"Role {GATEWAY} of {style.name(str(space))} is bound to {names} too: {use}"


def _of_jobs(steps: Sequence[Step], style: Style) -> Iterator[str]:
    for step in steps:
        if step.kind == "Job" and step.op in {"replace", "update"} and not step.component.startswith(MIGRATION):
            effect = JOBS.get(step.name, "it brings about what it did before, and nothing is removed")
            why = ", because it uses the same image" if any("image" in path for path in step.changed) else ""
            yield f"{style.name(step.shown)} runs again{why}: {effect}"


def certificates(one: Plan, style: Style) -> Iterator[str]:
    """Sentences about renewed certificates, and about the CA certificate that clients trust."""
    steps = one.preview.ordered
    renewed = [
        step
        for step in steps
        if step.kind == "Secret" and step.op in {"update", "replace"} and step.new.get("type") == TLS
    ]
    authorities = [step for step in steps if step.kind == "ConfigMap" and CERTIFICATE in part(step.new, "data")]
    if not renewed or any(step.op in {"update", "replace"} for step in authorities):
        return
    trusted = (
        "the CA certificate stays, so nobody has to trust anything new"
        if authorities
        else "whether clients have to trust another CA certificate is not known to this plan"
    )
    found = " and ".join(style.name(host) for step in renewed for host in _hosts(step, steps))
    yield (
        f"New certificates of {found}{_validity(one)}: {trusted}. No pod is restarted: the ingress controller loads"
        " them while it runs. Whether a connection fails in that moment was not measured"
    )


def _hosts(secret: Step, steps: Sequence[Step]) -> list[str]:
    """Hosts whose certificate a Secret has, by the Ingresses that use it; its own name if none does."""
    name = part(secret.new, "metadata").get("name")
    found = [
        host
        for step in steps
        if step.kind == "Ingress"
        for tls in parts(step.new, "spec", "tls")
        if tls.get("secretName") == name
        for host in tls.get("hosts") or ()
    ]
    return found or [secret.name]


def _validity(one: Plan) -> str:
    certificate = None if one.people is None else one.people.after.certificate
    if not isinstance(certificate, SelfSigned):
        return ""
    last = certificate.issued + VALIDITY
    return f", valid from {certificate.issued} to {last}"


def _of_roles(steps: Sequence[Step], remarks: Mapping[str, str], style: Style) -> Iterator[str]:
    """A sentence for each new namespace: who holds which Role in it, and which Roles nobody holds."""
    for step in steps:
        if step.kind in {"Namespace", "NamespacePatch"} and step.op == "create":
            space = part(step.new, "metadata").get("name")
            inside = [
                one for one in steps if one.op == "create" and part(one.new, "metadata").get("namespace") == space
            ]
            held: dict[str, list[str]] = {}
            for binding in (one.new for one in inside if one.kind == "RoleBinding"):
                held.setdefault(_subjects(binding), []).append(_bound(binding))
            roles = {str(part(one.new, "metadata").get("name")) for one in inside if one.kind == "Role"}
            free = roles - {role for names in held.values() for role in names}
            words = [f"{style.name(who)} holds {_roles(names, remarks, style)}" for who, names in held.items()]
            words += [f"nobody holds {' and '.join(map(style.name, sorted(free)))}"] if free else []
            if words:
                yield f"Kubernetes roles behind these rights in {style.name(str(space))}: {'; '.join(words)}"


def _roles(names: Collection[str], remarks: Mapping[str, str], style: Style) -> str:
    return " and ".join(
        f"{style.name(name)}{f' ({remarks[name]})' if name in remarks else ''}" for name in sorted(names)
    )


def _bound(binding: Json) -> str:
    return str(part(binding, "roleRef").get("name"))


def _subjects(binding: Json) -> str:
    found = parts(binding, "subjects")
    return ", ".join(f"{one.get('kind')} {one.get('name')}" for one in found)
