"""RBAC in a team's namespace: Roles and RoleBindings for people, and RoleBindings for programs."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pulumi
import pulumi_kubernetes as k8s

from components.team.permissions import API_GROUP, LOGGER_VERBS, RESOURCES, VERBS

rbac = k8s.rbac.v1

RBAC_GROUP = "rbac.authorization.k8s.io"


def role_name(role: str) -> str:
    """Name of the Kubernetes Role of a role in each team's namespace; explicit, for auditors and other tools."""
    return f"mlflow-{role}"


def rule(resources: Sequence[str], verbs: Sequence[str]) -> rbac.PolicyRuleArgs:
    """An RBAC rule for MLflow's API group."""
    return rbac.PolicyRuleArgs(api_groups=[API_GROUP], resources=list(resources), verbs=list(verbs))


def people(
    name: str,
    namespace: pulumi.Input[str],
    groups: Mapping[str, Sequence[str]],
    opts: pulumi.ResourceOptions,
    *,
    users: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Create the Kubernetes Roles for viewer, editor and manager, and a RoleBinding for each that has groups or users.

    Roles without groups and users are created too: so temporary access needs no more than a RoleBinding, and a change
    of the groups changes RoleBindings only.
    """

    def subjects(role: str) -> list[rbac.SubjectArgs]:
        members = [("Group", group) for group in groups.get(role, ())] + [
            ("User", user) for user in users.get(role, ())
        ]
        return [rbac.SubjectArgs(api_group=RBAC_GROUP, kind=kind, name=name) for kind, name in members]

    for role, verbs in VERBS.items():
        _grant(name, namespace, role, [rule(RESOURCES, verbs)], subjects(role), opts=opts)
    # MLflow's UI requests the AI gateway's endpoints on every page of runs, although the gateway is off, and shows a
    # refusal as an error; with this right the response is an empty list.
    everybody = [subject for role in VERBS for subject in subjects(role)]
    _grant(name, namespace, "gateway", [rule(["gatewayendpoints/use"], ["create"])], everybody, opts=opts)


def programs(
    name: str,
    namespace: pulumi.Input[str],
    accounts: Sequence[tuple[pulumi.Input[str], pulumi.Input[str]]],
    cluster_role: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Bind the programs' ClusterRole to `accounts`: namespace and name of each service account."""
    rbac.RoleBinding(
        f"{name}-program-binding",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name="mlflow-integration"),
        role_ref=rbac.RoleRefArgs(api_group=RBAC_GROUP, kind="ClusterRole", name=cluster_role),
        subjects=_service_accounts(accounts),
        opts=opts,
    )


def loggers(
    name: str,
    namespace: pulumi.Input[str],
    accounts: Sequence[tuple[pulumi.Input[str], pulumi.Input[str]]],
    opts: pulumi.ResourceOptions,
) -> None:
    """Create the Role of log-only programs, and bind it to `accounts`: namespace and name of each service account."""
    rules = [rule([resource], verbs) for resource, verbs in LOGGER_VERBS.items()]
    _grant(name, namespace, "logger", rules, _service_accounts(accounts), opts=opts)


def _grant(
    name: str,
    namespace: pulumi.Input[str],
    role: str,
    rules: list[rbac.PolicyRuleArgs],
    subjects: list[rbac.SubjectArgs],
    *,
    opts: pulumi.ResourceOptions,
) -> None:
    """Create the Kubernetes Role of one of the team's roles, and its RoleBinding if there are subjects."""
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=role_name(role))
    rbac_role = rbac.Role(f"{name}-{role}-role", metadata=metadata, rules=rules, opts=opts)
    if subjects:
        rbac.RoleBinding(
            f"{name}-{role}-binding",
            metadata=metadata,
            role_ref=rbac.RoleRefArgs(api_group=RBAC_GROUP, kind="Role", name=rbac_role.metadata.name),
            subjects=subjects,
            opts=opts,
        )


def _service_accounts(
    accounts: Sequence[tuple[pulumi.Input[str], pulumi.Input[str]]],
) -> list[rbac.SubjectArgs]:
    return [rbac.SubjectArgs(kind="ServiceAccount", name=account, namespace=home) for home, account in accounts]
