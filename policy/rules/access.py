"""Rules for RBAC: narrow roles, and bindings with specific subjects."""

from collections.abc import Iterator

from .node import Node
from .resource import Resource

ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
# Verbs that allow privilege escalation.
ESCALATION_VERBS = frozenset({"bind", "escalate", "impersonate"})
# Resources that allow acting as somebody else.
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
# Roles for the whole cluster, or for everything in a namespace including Secrets and roles.
POWERFUL_ROLES = frozenset({"cluster-admin", "admin"})
# Kubernetes' role that only shows the public keys of service-account tokens.
ISSUER_DISCOVERY = "system:service-account-issuer-discovery"
DISCOVERERS = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})


def narrow(resource: Resource) -> Iterator[str]:
    """Roles have no wildcards, allow no privilege escalation, and read only Secrets that they list by name."""
    if resource.kind not in ROLES:
        return
    for rule in resource.inputs["rules"].each():
        verbs, resources = set(rule["verbs"].texts()), set(rule["resources"].texts())
        for field in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
            if "*" in rule[field].texts():
                yield f"rules: {field} must not be `*`: list what is needed"
        for verb in sorted(verbs & ESCALATION_VERBS):
            yield f"rules: the verb {verb} allows privilege escalation: remove it"
        for name in sorted(resources & ESCALATION_RESOURCES):
            yield f"rules: {name} allows acting as another user or service account: remove it"
        if "secrets" in resources and verbs & READS and not rule["resourceNames"].present:
            yield "rules: all Secrets can be read: list the needed ones in resourceNames"
        if RBAC_GROUP in rule["apiGroups"].texts() and verbs - READS:
            yield f"rules: {', '.join(sorted(verbs - READS))} on {RBAC_GROUP} allows changing RBAC: remove it"


def personal(resource: Resource) -> Iterator[str]:
    """Bindings have specific subjects, and bind no role that allows everything."""
    if resource.kind not in BINDINGS:
        return
    role = resource.inputs["roleRef"]["name"]
    if role.text in POWERFUL_ROLES:
        yield f"roleRef: {role.text} allows everything: bind a role that allows only what is needed"
    for subject in resource.inputs["subjects"].each():
        name = subject["name"].text
        if _is_everybody(subject) and not (role.may_be(ISSUER_DISCOVERY) and name in DISCOVERERS):
            yield f"subjects: {name} is not a specific subject: list specific groups, users or service accounts"


def _is_everybody(subject: Node) -> bool:
    """True for a `system:` user or group, unless it is one service account or those of one namespace."""
    name = subject["name"].text
    match subject["kind"].text:
        case "Group":
            return name.startswith("system:") and not name.startswith("system:serviceaccounts:")
        case "User":
            return name.startswith("system:") and not name.startswith("system:serviceaccount:")
        case _:
            return False
