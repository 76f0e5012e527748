"""ClusterRoles: one for the teams' programs, and optional ones that aggregate to Kubernetes' view, edit and admin.

A ClusterRole grants nothing until it is bound. The platform binds the programs' ClusterRole, in the teams' namespaces
only.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.pods import PART_OF
from components.team.permissions import PROGRAM_VERBS, RESOURCES, VERBS
from components.team.role_bindings import rule

# Kubernetes' own role for each role of a team.
AGGREGATED = {"viewer": "view", "editor": "edit", "manager": "admin"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterRolesArgs:
    """Input of `ClusterRoles`."""

    aggregate: bool
    """True gives holders of Kubernetes' view, edit or admin in a team's namespace the same rights in MLflow."""


class ClusterRoles(pulumi.ComponentResource):
    """A ClusterRole for the teams' programs, and optional ones that aggregate to Kubernetes' view, edit and admin."""

    integration: pulumi.Output[str]
    """Name of the programs' ClusterRole, for RoleBindings."""

    def __init__(self, name: str, args: ClusterRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ClusterRoles", name, None, opts)
        labels = {"app.kubernetes.io/part-of": PART_OF}
        # Explicit names: people bind `mlflow-integration`, and look for the others.
        integration = k8s.rbac.v1.ClusterRole(
            f"{name}-integration",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="mlflow-integration", labels=labels),
            rules=[rule(RESOURCES, PROGRAM_VERBS)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        for role, target in AGGREGATED.items() if args.aggregate else ():
            k8s.rbac.v1.ClusterRole(
                f"{name}-{target}",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=f"mlflow-{target}",
                    labels={**labels, f"rbac.authorization.k8s.io/aggregate-to-{target}": "true"},
                ),
                rules=[rule(RESOURCES, VERBS[role])],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.integration = integration.metadata.name
        self.register_outputs({"integration": self.integration})
