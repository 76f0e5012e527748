"""Kubernetes RBAC: roles and bindings of the teams and of the server."""

from tools.doctor.chapters.objects import gone_or_changed
from tools.doctor.facts import Expected, Facts
from tools.doctor.fault import Fault

KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def roles(facts: Facts) -> Fault | None:
    """Roles, bindings and service accounts that were deleted or changed."""
    for one in facts.deployed(*KINDS):
        if fault := gone_or_changed(facts, one, _consequence(facts, one)):
            return fault
    return None


def _consequence(facts: Facts, one: Expected) -> str:
    teams = [name for name, team in facts.platform.teams.items() if team.namespace == one.namespace]
    if not teams:
        return "the server or the login lacks a right, and refuses requests or tokens"
    if one.kind == "ServiceAccount":
        return f"programs of team {teams[0]} get no token"
    return f"people or programs of team {teams[0]} are refused (403, PERMISSION_DENIED)"
