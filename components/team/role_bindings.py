"""Rights in a team's namespace: its roles, and who has them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pulumi
import pulumi_kubernetes as k8s

from components.team.permissions import API_GROUP, RESOURCES, VERBS

rbac = k8s.rbac.v1

RBAC_GROUP = "rbac.authorization.k8s.io"


def rule(resources: Sequence[str], verbs: Sequence[str]) -> rbac.PolicyRuleArgs:
    """What MLflow asks Kubernetes about."""
    return rbac.PolicyRuleArgs(api_groups=[API_GROUP], resources=list(resources), verbs=list(verbs))


def people(
    name: str,
    namespace: pulumi.Input[str],
    groups: Mapping[str, Sequence[str]],
    opts: pulumi.ResourceOptions,
    *,
    users: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """A Role for each role of a team, and a binding for each that has groups or users.

    The Roles are there without members too: whoever gives somebody a right for a day needs no more than a binding of
    his own, and a change of the groups touches bindings only.
    """

    def subjects(role: str) -> list[rbac.SubjectArgs]:
        named = [("Group", group) for group in groups.get(role, ())] + [("User", user) for user in users.get(role, ())]
        return [rbac.SubjectArgs(api_group=RBAC_GROUP, kind=kind, name=who) for kind, who in named]

    def grant(role: str, allowed: rbac.PolicyRuleArgs, members: Sequence[rbac.SubjectArgs]) -> None:
        # Explicit names: auditors and other tools look for them.
        metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=f"mlflow-{role}")
        created = rbac.Role(f"{name}-{role}-role", metadata=metadata, rules=[allowed], opts=opts)
        if members:
            rbac.RoleBinding(
                f"{name}-{role}-binding",
                metadata=metadata,
                role_ref=rbac.RoleRefArgs(api_group=RBAC_GROUP, kind="Role", name=created.metadata.name),
                subjects=list(members),
                opts=opts,
            )

    for role, verbs in VERBS.items():
        grant(role, rule(RESOURCES, verbs), subjects(role))
    # The UI asks for the AI gateway's endpoints on every page of runs, although the gateway is off, and shows a
    # refusal in red; the answer is an empty list.
    everybody = [subject for role in VERBS for subject in subjects(role)]
    grant("gateway", rule(["gatewayendpoints/use"], ["create"]), everybody)


def programs(
    name: str,
    namespace: pulumi.Input[str],
    accounts: Sequence[tuple[pulumi.Input[str], pulumi.Input[str]]],
    cluster_role: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """What the platform lets programs do, for service accounts by their namespace and name."""
    rbac.RoleBinding(
        f"{name}-program-binding",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name="mlflow-integration"),
        role_ref=rbac.RoleRefArgs(api_group=RBAC_GROUP, kind="ClusterRole", name=cluster_role),
        subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=account, namespace=home) for home, account in accounts],
        opts=opts,
    )
