"""The access matrix: who may do what in which team, as Kubernetes RBAC will decide once a stack is deployed.

Who is in a group is the identity provider's business, except for logins whose people stand in the stack file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.team.permissions import API_GROUP, RESOURCES

PROGRAM = "program"
"""What a program's role is called in the matrix; in Kubernetes it is `mlflow-integration`."""

ADMINISTRATORS = (
    "Kubernetes' cluster administrators (the group system:masters) can do everything in every team, and can lend others"
    " rights that this table does not know of."
)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Subject:
    """Somebody who may be given access."""

    kind: Literal["group", "programs", "kubernetes-role"]
    """Members of a group of the identity provider, programs, or holders of a role of Kubernetes' own."""

    name: str
    """The group, namespace and name of the programs' service account with a slash, or Kubernetes' role."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What somebody may do in one team, with all of `components.team.permissions.RESOURCES`."""

    team: str
    subject: Subject
    role: str
    """The role that the access comes from."""

    verbs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Everybody's access in all teams of a stack."""

    grants: tuple[Grant, ...]
    """By team; within one the groups that may do most come first, then programs and Kubernetes' own roles."""

    archived: Mapping[str, bool]
    """All teams, and whether each is archived."""

    sign_in: str
    """Where people sign in: a URL, or `here` for people who stand in the stack file."""

    people: Mapping[str, tuple[str, ...]]
    """Groups of each person who stands in the stack file; empty where a company's provider knows them."""


NOTHING = Matrix(grants=(), archived={}, sign_in="", people={})
"""The access of a stack that is not there yet."""


def as_data(found: Matrix) -> dict[str, Any]:
    """The matrix as plain data, for JSON and the stack's output."""
    return {
        "grants": [
            {
                "team": grant.team,
                "kind": grant.subject.kind,
                "name": grant.subject.name,
                "role": grant.role,
                "apiGroup": API_GROUP,
                "resources": list(RESOURCES),
                "verbs": list(grant.verbs),
            }
            for grant in found.grants
        ],
        "archivedTeams": [team for team, archived in found.archived.items() if archived],
        "signIn": found.sign_in,
        "people": {person: list(groups) for person, groups in found.people.items()},
        "always": ADMINISTRATORS,
    }
