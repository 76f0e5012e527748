"""Checks of names and labels, each with a remedy for a wrong value."""

import re
from collections.abc import Callable

from settings.types import addresses

# Workspace names that MLflow reserves (its mlflow.store.workspace.abstract_store).
MLFLOW_NAMES = frozenset({"workspaces", "api", "ajax-api", "static-files"})
# Namespaces of Kubernetes distributions; MLflow never shows them as workspaces.
SYSTEM_PREFIXES = ("kube-", "openshift-")
# With the suffixes of its Deployments, the name of a Service, which has at most 63 characters.
SERVED = r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?"
# The part of a label's name behind the prefix; a value has the same form.
LABEL_PART = r"[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?"
# Prefixes, with their subdomains, of labels and annotations that somebody acts on: Kubernetes and its Pod Security
# admission, MLflow's workspaces, Pulumi, and the platform itself, whose selectors and NetworkPolicies use them;
# projects of OpenShift and Rancher, which give rights; networks of Multus; and roles at AWS.
RESERVED_PREFIXES = (
    "kubernetes.io", "k8s.io", "x-k8s.io", "kubeflow.org", "pulumi.com", "mlflow-platform", "openshift.io", "cattle.io",
    "cni.cncf.io", "iam.amazonaws.com",
)  # fmt: skip
# Beginning of names without a prefix that container runtimes and Kubernetes write.
RUNTIME = "io.kubernetes."
RESERVED = "names with that prefix are reserved: use another prefix, or none"
# Kubernetes' annotations that say where pods may run or whether they may be moved, and nothing about rights.
POD_ANNOTATIONS = "cluster-autoscaler.kubernetes.io"
NAMESPACE_ANNOTATIONS = "scheduler.alpha.kubernetes.io"
IDENTIFIER = r"[a-z_][a-z0-9_]{0,62}"


def _suggested(text: str, advise: Callable[[str], str | None], spare: str = "-") -> str:
    """Remedy with the nearest valid spelling of a name, if there is one."""
    near = re.sub(r"[^a-z0-9]+", spare, text.strip().lower()).strip(spare)
    # A name with other characters may be a connection string, which a suggestion must not repeat.
    is_plain = re.fullmatch(r"[\w .-]+", text)
    return f"write for example {near}" if is_plain and near != text and advise(near) is None else "choose another name"


def _label(text: str) -> str | None:
    return None if re.fullmatch(addresses.LABEL, text) else _suggested(text, _label)


def object_name(text: str) -> str | None:
    """Remedy for a wrong name of a Kubernetes object; None for a valid one."""
    return None if re.fullmatch(rf"{addresses.LABEL}(?:\.{addresses.LABEL})*", text) else _suggested(text, _label)


def identifier(text: str) -> str | None:
    """Remedy for a wrong name of a database or its role; None for a valid one."""
    return None if re.fullmatch(IDENTIFIER, text) else _suggested(text, identifier, "_")


def _belongs_to_kubernetes(namespace: str) -> bool:
    return namespace == "default" or namespace.startswith(SYSTEM_PREFIXES)


def namespace(text: str) -> str | None:
    """Remedy for a wrong name of a namespace; None for a valid one."""
    if _belongs_to_kubernetes(text):
        return "that namespace belongs to Kubernetes: choose another namespace, for example mlflow"
    return _label(text)


def team(text: str) -> str | None:
    """Remedy for a wrong name of a team; None for a valid one."""
    if text in MLFLOW_NAMES:
        return "MLflow reserves that name: choose another name"
    if _belongs_to_kubernetes(text):
        return "the namespace of that name belongs to Kubernetes: choose another name"
    if len(text) == 1:
        return "MLflow needs names of at least two characters"
    return None if re.fullmatch(addresses.LABEL, text) else _suggested(text, team)


def group(text: str) -> str | None:
    """Remedy for a wrong name of a group of users; None for a valid one."""
    if text.startswith("system:"):
        return "groups that begin with `system:` belong to Kubernetes: use another group"
    if "," in text:
        return "OAuth2-Proxy separates groups with commas: use a group without a comma"
    if text != text.strip() or not text.isprintable() or not text:
        return "write the name exactly as the identity provider sends it, without spaces around it"
    return None


def label_name(text: str) -> str | None:
    """Remedy for a wrong name of a label or annotation; None for a valid one."""
    prefix, slash, last = text.rpartition("/")
    if re.fullmatch(LABEL_PART, last) and (
        not slash or re.fullmatch(rf"{addresses.LABEL}(?:\.{addresses.LABEL})*", prefix)
    ):
        return None
    return "write a name like team or example.com/team, of at most 63 letters, digits, `-`, `_` and `.`"


def label_value(text: str) -> str | None:
    """Remedy for a wrong value of a label; None for a valid one, which may be empty."""
    if re.fullmatch(f"(?:{LABEL_PART})?", text):
        return None
    return "write at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"


def own_label(text: str) -> str | None:
    """Remedy for a wrong name of a label that the stack file adds to objects of the platform; None for a valid one."""
    return label_name(text) or (RESERVED if _is_reserved(text) else None)


def pod_annotation(text: str) -> str | None:
    """Remedy for a wrong name of an annotation that the stack file adds to pods; None for a valid one."""
    return _annotation(text, POD_ANNOTATIONS)


def namespace_annotation(text: str) -> str | None:
    """Remedy for a wrong name of an annotation that the stack file adds to a namespace; None for a valid one."""
    return _annotation(text, NAMESPACE_ANNOTATIONS)


def _annotation(text: str, allowed: str) -> str | None:
    wrong = label_name(text)
    if wrong is not None or text.startswith(f"{allowed}/") or not _is_reserved(text):
        return wrong
    return f"{RESERVED}; of Kubernetes' annotations, only those with the prefix {allowed}/ are allowed"


def _is_reserved(name: str) -> bool:
    prefix, _, _ = name.rpartition("/")
    return name.startswith(RUNTIME) or any(prefix == one or prefix.endswith(f".{one}") for one in RESERVED_PREFIXES)


def priority_class(text: str) -> str | None:
    """Remedy for a wrong name of a PriorityClass; None for a valid one."""
    if text.startswith("system-"):
        return (
            "classes that begin with `system-` are for Kubernetes' own pods in kube-system: create a class of your own"
        )
    return object_name(text)


def key_value(text: str) -> str | None:
    """Remedy for a wrong label as `key=value`; None for a valid one."""
    name, equals, value = text.partition("=")
    prefix, slash, last = name.rpartition("/")
    right = re.fullmatch(LABEL_PART, last) and re.fullmatch(LABEL_PART, value)
    if not equals or not right or (slash and not re.fullmatch(rf"{addresses.LABEL}(?:\.{addresses.LABEL})*", prefix)):
        return "write name and value of one label, like mlflow-enabled=true or example.com/mlflow=yes"
    if prefix.endswith(("kubernetes.io", "k8s.io")) or prefix == "mlflow-platform":
        return "labels with that prefix are reserved: use another prefix, or none"
    return None


def account(text: str) -> str | None:
    """Remedy for a wrong service account, `name` or `namespace/name`; None for a valid one."""
    namespace, slash, name = text.rpartition("/")
    if slash and namespace.startswith(SYSTEM_PREFIXES):
        return "that namespace belongs to Kubernetes: use a service account in another namespace"
    if slash and not re.fullmatch(addresses.LABEL, namespace):
        return "write namespace/name, or only the name of a service account in the team's namespace"
    return object_name(name)


def served(text: str) -> str | None:
    """Remedy for a wrong name of a served model, which is the name of its Service; None for a valid one."""
    if re.fullmatch(SERVED, text):
        return None
    if re.fullmatch(addresses.LABEL, text) and text[0].isdigit():
        return "names of Services begin with a letter"
    return "shorten it to 40 characters" if re.fullmatch(addresses.LABEL, text) else _suggested(text, served)


def alias(text: str) -> str | None:
    """Remedy for a wrong alias of a registered model; None for a valid one."""
    # MLflow's own rules (its mlflow.utils.validation).
    if text.lower() == "latest" or re.fullmatch(r"[vV][0-9]+", text):
        return "MLflow reserves that name: choose another alias"
    return None if re.fullmatch(r"[\w-]{1,255}", text, re.ASCII) else "write letters, digits, hyphens and underscores"
