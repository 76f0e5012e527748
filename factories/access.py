"""Computes the access matrix from a stack's settings, without a Pulumi engine and without a cluster."""

from collections.abc import Iterator

from components.serving.contract import ACCOUNTS as SERVING_ACCOUNTS
from components.team.access_matrix import LOGGER, PROGRAM, Grant, Matrix, Subject
from components.team.client_environment import NAME as ACCOUNT
from components.team.cluster_roles import AGGREGATED
from components.team.permissions import LOGGER_VERBS, PROGRAM_VERBS, VERBS
from settings import ExternalSettings, Settings
from settings.schema.login import OidcLogin


def access_matrix(settings: Settings | ExternalSettings) -> Matrix:
    """The access matrix of the stack with these settings; without grants if the server is not part of the stack."""
    if isinstance(settings, ExternalSettings):
        archived = {name: team.archived for name, team in sorted(settings.teams.items())}
        return Matrix(grants=(), archived=archived, sign_in="", people={}, decided_by=settings.url)
    login = settings.login
    company_login = isinstance(login, OidcLogin)
    return Matrix(
        grants=tuple(grant for team in sorted(settings.teams) for grant in _grants(settings, team)),
        archived={name: team.archived for name, team in sorted(settings.teams.items())},
        sign_in=login.issuer if company_login else "here",
        people={} if company_login else {person: user.groups for person, user in sorted(login.users.items())},
    )


def _grants(settings: Settings, team: str) -> Iterator[Grant]:
    merged = settings.team(team)
    for role in reversed(VERBS):
        for group in sorted(merged.groups.get(role, ())):
            yield Grant(team=team, subject=Subject(kind="group", name=group), role=role, verbs=VERBS[role])
    own = [] if merged.own.archived else [(team, ACCOUNT)]
    for namespace, account in (*own, *sorted(merged.service_accounts)):
        subject = Subject(kind="programs", name=f"{namespace}/{account}")
        yield Grant(team=team, subject=subject, role=PROGRAM, verbs=PROGRAM_VERBS)
    for namespace, account in sorted(merged.logging_accounts):
        subject = Subject(kind="programs", name=f"{namespace}/{account}")
        for verbs in dict.fromkeys(LOGGER_VERBS.values()):
            resources = tuple(resource for resource, held in LOGGER_VERBS.items() if held == verbs)
            yield Grant(team=team, subject=subject, role=LOGGER, verbs=verbs, resources=resources)
    for account in SERVING_ACCOUNTS if merged.own.serving and not merged.own.archived else ():
        subject = Subject(kind="programs", name=f"{team}/{account}")
        yield Grant(team=team, subject=subject, role="viewer", verbs=VERBS["viewer"])
    if settings.access.aggregate_roles:
        # In archived teams too: Kubernetes aggregates its own roles once for the whole cluster.
        for role in reversed(VERBS):
            subject = Subject(kind="kubernetes-role", name=AGGREGATED[role])
            yield Grant(team=team, subject=subject, role=role, verbs=VERBS[role])
