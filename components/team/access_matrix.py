"""The access matrix: rights by subject and team, as Kubernetes RBAC grants them once a stack is deployed.

The matrix contains groups. Only the identity provider knows the members of a group, unless the login's users are in the
stack file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.team.permissions import API_GROUP, RESOURCES

PROGRAM = "program"
"""Name of the programs' role in the matrix; the ClusterRole is `mlflow-integration`."""

LOGGER = "logger"
"""Name of the log-only programs' role in the matrix; the Role is `mlflow-logger`."""

ADMINISTRATORS = (
    "Kubernetes' cluster administrators (the group system:masters) can do everything in every team, and can grant"
    " others rights that this table does not show."
)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Subject:
    """A subject that RBAC grants access to."""

    kind: Literal["group", "programs", "kubernetes-role"]
    """Type of the subject: a group of the identity provider, the programs with a service account, or the holders of one
    of Kubernetes' own roles."""

    name: str
    """Name of the group, `<namespace>/<name>` of the programs' service account, or name of Kubernetes' role."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A subject's rights in one team, for some resources."""

    team: str
    subject: Subject
    role: str
    """Name of the role that grants the access: `viewer`, `editor`, `manager`, `PROGRAM` or `LOGGER`."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...] = RESOURCES


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """The access of all subjects in all teams of a stack."""

    grants: tuple[Grant, ...]
    """Ordered by team; within a team groups with the most rights first, then programs, then Kubernetes' own roles."""

    archived: Mapping[str, bool]
    """All teams by name; the value is true for an archived team."""

    sign_in: str
    """URL of the identity provider, or `here` if the users are in the stack file."""

    people: Mapping[str, tuple[str, ...]]
    """Groups of each user in the stack file; empty with a company's identity provider."""

    decided_by: str = ""
    """URL of the tracking server that decides about access, if it is not part of the stack."""


NOTHING = Matrix(grants=(), archived={}, sign_in="", people={})
"""The matrix of a stack that is not deployed yet."""


def as_data(matrix: Matrix) -> dict[str, Any]:
    """The matrix as dictionaries and lists, for JSON and the stack's output."""
    decided_by = {"decidedBy": matrix.decided_by} if matrix.decided_by else {}
    return {
        **decided_by,
        "grants": [
            {
                "team": grant.team,
                "kind": grant.subject.kind,
                "name": grant.subject.name,
                "role": grant.role,
                "apiGroup": API_GROUP,
                "resources": list(grant.resources),
                "verbs": list(grant.verbs),
            }
            for grant in matrix.grants
        ],
        "archivedTeams": [team for team, archived in matrix.archived.items() if archived],
        "signIn": matrix.sign_in,
        "people": {person: list(groups) for person, groups in matrix.people.items()},
        "always": ADMINISTRATORS,
    }
