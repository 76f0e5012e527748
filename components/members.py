"""What a team's users may do where no identity provider says who is in which group.

A group's role is bound to each of its members, beside the binding of the group that `Workspace` makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

rbac = k8s.rbac.v1
API_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True, slots=True)
class MembersArgs:
    """Input of `Members`."""

    namespace: pulumi.Input[str]
    users: Mapping[str, Sequence[str]]
    """E-mail addresses by the name of the Role in the namespace that they are bound to."""


class Members(pulumi.ComponentResource):
    """One RoleBinding for each role that has members."""

    def __init__(self, name: str, args: MembersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Members", name, None, opts)
        for role, users in sorted(args.users.items()):
            if not users:
                continue
            rbac.RoleBinding(
                f"{name}-{role}",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=f"{role}-members"),
                role_ref=rbac.RoleRefArgs(api_group=API_GROUP, kind="Role", name=role),
                subjects=[rbac.SubjectArgs(api_group=API_GROUP, kind="User", name=user) for user in sorted(users)],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
