"""Who may do what in the cluster: narrow roles, and bindings that name their subjects."""

from collections.abc import Iterator

from .node import Node
from .resource import Resource

ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
# Whoever has one of these verbs can give himself anything.
ESCALATION_VERBS = frozenset({"bind", "escalate", "impersonate"})
# Resources that let their holder act as somebody else.
ESCALATION_RESOURCES = frozenset(
    {
        "nodes/proxy",
        "pods/attach",
        "pods/ephemeralcontainers",
        "pods/exec",
        "pods/portforward",
        "serviceaccounts/token",
    }
)
READS = frozenset({"get", "list", "watch"})
RBAC_GROUP = "rbac.authorization.k8s.io"
# The whole cluster, or everything in a namespace including its secrets and roles.
POWERFUL_ROLES = frozenset({"cluster-admin", "admin"})
# Kubernetes' own role that shows the public keys of service-account tokens, nothing else.
ISSUER_DISCOVERY = "system:service-account-issuer-discovery"
DISCOVERERS = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})


def narrow(resource: Resource) -> Iterator[str]:
    """Roles list what they allow, and nothing that leads to more."""
    if resource.kind not in ROLES:
        return
    for rule in resource.inputs["rules"].each():
        verbs, resources = set(rule["verbs"].texts()), set(rule["resources"].texts())
        for field in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
            if "*" in rule[field].texts():
                yield f"rules: {field} must not be `*`: list what is needed"
        for verb in sorted(verbs & ESCALATION_VERBS):
            yield f"rules: the verb {verb} leads to any other right: remove it"
        for name in sorted(resources & ESCALATION_RESOURCES):
            yield f"rules: {name} lets its holder act as somebody else: remove it"
        if "secrets" in resources and verbs & READS and not rule["resourceNames"].present:
            yield "rules: reading secrets needs resourceNames: name those that are needed"
        if RBAC_GROUP in rule["apiGroups"].texts() and verbs - READS:
            yield f"rules: {', '.join(sorted(verbs - READS))} on {RBAC_GROUP} changes who may do what: remove it"


def personal(resource: Resource) -> Iterator[str]:
    """Bindings name their subjects and no role that allows everything."""
    if resource.kind not in BINDINGS:
        return
    role = resource.inputs["roleRef"]["name"].text
    if role in POWERFUL_ROLES:
        yield f"roleRef: {role} allows everything: bind a role that lists what is needed"
    for subject in resource.inputs["subjects"].each():
        name = subject["name"].text
        if _is_everybody(subject) and not (role == ISSUER_DISCOVERY and name in DISCOVERERS):
            yield f"subjects: {name} is not somebody in particular: name groups, users or service accounts"


def _is_everybody(subject: Node) -> bool:
    """Whether a subject is one of Kubernetes' own, save for the service accounts of one namespace."""
    name = subject["name"].text
    match subject["kind"].text:
        case "Group":
            return name.startswith("system:") and not name.startswith("system:serviceaccounts:")
        case "User":
            return name.startswith("system:") and not name.startswith("system:serviceaccount:")
        case _:
            return False
