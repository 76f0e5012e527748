"""Effects of changes that no other section explains: what each means for people, even if that is nothing."""

from collections.abc import Collection, Iterator, Sequence

from tools.access.words import Style
from tools.plan.networks import of_new_namespaces, without_effect
from tools.plan.people import People
from tools.plan.preview import Json, Step, part, parts

# What a Job does when it runs again, by its resource's name.
JOBS = {"object-store-bucket": "it makes the bucket if that is missing, and changes nothing that exists"}
MIGRATION = "SchemaMigration "
TLS = "kubernetes.io/tls"
CERTIFICATE = "ca.crt"
REMARKS = {"mlflow-gateway": " (an empty list of endpoints, no right)"}


def effects(steps: Sequence[Step], people: People | None, style: Style) -> list[str]:
    """Sentences about effects that no other section explains."""
    return [
        *(people.bound_by_name(steps, style) if people else ()),
        *_of_roles(steps, style),
        *(style.name(each) for each in of_new_namespaces(steps)),
        *(style.name(each) for each in without_effect(steps)),
        *_of_jobs(steps, style),
        *_given_back(steps, style),
    ]


def _given_back(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """A sentence for each namespace of a removed team that the stack has not created."""
    for step in steps:
        if step.kind == "NamespacePatch" and step.op == "delete":
            metadata = part(step.old, "metadata")
            labels = ", ".join(map(style.name, part(metadata, "labels")))
            yield (
                f"Namespace {style.name(str(metadata.get('name')))} stays with its content: it loses the labels"
                f" {labels}, which the platform has set, and what the platform has created in it"
            )


def _of_jobs(steps: Sequence[Step], style: Style) -> Iterator[str]:
    for step in steps:
        if step.kind == "Job" and step.op in {"replace", "update"} and not step.component.startswith(MIGRATION):
            effect = JOBS.get(step.name, "it has the same result as before, and removes nothing")
            yield f"{style.name(step.shown)} runs again: {effect}"


def certificates(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """Sentences about renewed certificates, and about the CA certificate that clients trust."""
    renewed = [
        step.name
        for step in steps
        if step.kind == "Secret" and step.op in {"update", "replace"} and step.new.get("type") == TLS
    ]
    authorities = [step for step in steps if step.kind == "ConfigMap" and CERTIFICATE in part(step.new, "data")]
    if not renewed or any(step.op in {"update", "replace"} for step in authorities):
        return
    trusted = (
        "the CA certificate stays, so that nobody has to trust anything new"
        if authorities
        else "whether clients have to trust another CA certificate is not known to this plan"
    )
    yield (
        f"New certificates ({', '.join(map(style.name, renewed))}): {trusted}. No pod is restarted for them; whether"
        " the ingress controller takes them over without a pause is not checked"
    )


def _of_roles(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """A sentence for each new namespace of a team: who holds which of its Roles, and which nobody holds."""
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
            words = [f"{style.name(who)} holds {_roles(names, style)}" for who, names in held.items()]
            words += [f"nobody holds {_roles(free, style)}"] if free else []
            if words:
                new = "new" if step.kind == "Namespace" else "existing"
                yield f"Roles in the {new} namespace {style.name(str(space))}: {'; '.join(words)}"


def _roles(names: Collection[str], style: Style) -> str:
    return ", ".join(f"{style.name(name)}{REMARKS.get(name, '')}" for name in sorted(names))


def _bound(binding: Json) -> str:
    return str(part(binding, "roleRef").get("name"))


def _subjects(binding: Json) -> str:
    found = parts(binding, "subjects")
    return ", ".join(f"{one.get('kind')} {one.get('name')}" for one in found)
