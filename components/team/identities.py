"""The groups, users and namespaces that have access to a team, as a list that the server reads.

Only these identities can match a RoleBinding in the server, whatever the identity provider asserts. Each team has a
ConfigMap of its own in the platform's namespace, so a new team changes no other resource and restarts no server.
"""

import json
from collections.abc import Iterable

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1

LABEL = "mlflow-platform/identities"
LABELS = {LABEL: "true"}
SELECTOR = f"{LABEL}=true"
# The server looks for this key.
FILE = "identities.json"


def document(*, groups: Iterable[str], users: Iterable[str], namespaces: Iterable[str], everybody: bool) -> str:
    """The list as JSON.

    Args:
        groups: groups of the identity provider.
        users: users who have access by their own names.
        namespaces: namespaces whose service accounts a RoleBinding may name.
        everybody: true if names that are not listed may match too, because Kubernetes' own roles give access too.
    """
    return json.dumps(
        {
            "groups": sorted(set(groups)),
            "users": sorted(set(users)),
            "namespaces": sorted(set(namespaces)),
            "everybody": everybody,
        }
    )


def config_map(name: str, content: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> core.ConfigMap:
    """The ConfigMap with a team's list; the server finds it by its labels.

    Pulumi generates its name: a changed list becomes a new ConfigMap before the old one is deleted. With a fixed name
    the old one would be deleted first, and the team would have no list for a moment.
    """
    return core.ConfigMap(
        f"{name}-identities",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, labels=LABELS),
        data={FILE: content},
        opts=opts,
    )
