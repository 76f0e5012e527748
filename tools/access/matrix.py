"""The access matrix: who may do what in which team, as Kubernetes RBAC will decide once the settings are deployed.

A pure function of the settings. Who is in a group is the identity provider's business, except for logins whose people
stand in the stack file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.clients import NAME as ACCOUNT
from components.cluster_roles import AGGREGATED
from components.roles import API_GROUP, PROGRAM_VERBS, RESOURCES, VERBS
from settings import OidcLogin, Settings

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
    """What somebody may do in one team, with all of `components.roles.RESOURCES`."""

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


def matrix(settings: Settings) -> Matrix:
    """The access that these settings give."""
    login = settings.login
    company = isinstance(login, OidcLogin)
    return Matrix(
        grants=tuple(grant for team in sorted(settings.teams) for grant in _grants(settings, team)),
        archived={name: team.archived for name, team in sorted(settings.teams.items())},
        sign_in=login.issuer if company else "here",
        people={} if company else {person: user.groups for person, user in sorted(login.users.items())},
    )


def _grants(settings: Settings, team: str) -> Iterator[Grant]:
    groups = settings.groups(team)
    for role in reversed(VERBS):
        for group in sorted(groups.get(role, ())):
            yield Grant(team=team, subject=Subject(kind="group", name=group), role=role, verbs=VERBS[role])
    own = [] if settings.teams[team].archived else [(team, ACCOUNT)]
    for namespace, account in (*own, *sorted(settings.service_accounts(team))):
        subject = Subject(kind="programs", name=f"{namespace}/{account}")
        yield Grant(team=team, subject=subject, role=PROGRAM, verbs=PROGRAM_VERBS)
    if settings.access.aggregate_roles:
        # These hold in archived teams too: Kubernetes puts its own roles together once for the whole cluster.
        for role in reversed(VERBS):
            subject = Subject(kind="kubernetes-role", name=AGGREGATED[role])
            yield Grant(team=team, subject=subject, role=role, verbs=VERBS[role])


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
