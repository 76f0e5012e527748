"""Rules of the sections `login`, `sessions` and `access`."""

import difflib
from collections.abc import Collection, Iterator

from settings.faults import Fault, shown
from settings.partial import key, known, numbered, texts
from settings.schema.base import UnknownValueError
from settings.schema.login import BasicLogin, DevelopmentLogin
from settings.schema.stack import Settings

MINUTES = 60


def groups_of_users(settings: Settings) -> Iterator[Fault]:
    """Check that every group in `login.users` is a group of a team."""
    login = settings.login
    if isinstance(login, DevelopmentLogin | BasicLogin):
        used = {group for team in settings.teams for group in _named(settings, team)}
        for email in login.users:
            yield from known(_groups(login, email, used))


def _named(settings: Settings, team: str) -> Iterator[str]:
    """The groups of a team; if it has wrong settings, all texts in them, each of which may be meant as a group."""
    try:
        for role in settings.team(team).groups.values():
            yield from role
        yield from texts(settings, lambda one: one.teams[team].groups)
    except UnknownValueError:
        yield f"{team}-mlflow-users"
        yield from texts(settings, lambda one: one.teams[team])


def _groups(login: DevelopmentLogin | BasicLogin, email: str, used: Collection[str]) -> Iterator[Fault]:
    path = key(login, lambda one: one.users[email].groups)
    for index, group in numbered(login.users[email].groups):
        if group not in used:
            near = difflib.get_close_matches(group, sorted(used), n=1)
            yield Fault(
                path.entry(index),
                f"no team has the group {shown(group)}",
                f"did you mean {shown(near[0])}?" if near else "use a group of a team, or add this group to a team",
            )


def sessions(settings: Settings) -> Iterator[Fault]:
    """Check that sessions are refreshed before they expire: otherwise OAuth2-Proxy does not start."""
    hours, refresh = settings.sessions.hours, settings.sessions.refresh_minutes
    if refresh >= hours * MINUTES:
        yield Fault(
            key(settings.sessions, lambda one: one.refresh_minutes),
            f"expected less than {hours * MINUTES} minutes ({key(settings.sessions, lambda one: one.hours)} is"
            f" {hours}), found {refresh}",
            f"set at most {hours * MINUTES - 1}",
        )


def audience_of_reviews(settings: Settings) -> Iterator[Fault]:
    """Check, with `access.review` `self-subject`, that tokens have an audience that the API server accepts."""
    cluster = settings.cluster
    audiences, issuer = cluster.service_account_audiences, cluster.service_account_issuer
    if settings.access.review == "self-subject" and audiences and issuer not in audiences:
        path, review = (
            key(cluster, lambda one: one.service_account_audiences),
            key(settings.access, lambda one: one.review),
        )
        yield Fault(
            path,
            f"does not contain {shown(issuer)}, the audience that the API server accepts; {review} `self-subject` sends"
            " the callers' tokens to the API server",
            f"add this audience, or remove {path}",
        )


def tokens_of_reviews(settings: Settings) -> Iterator[Fault]:
    """Check that the login has tokens, with `access.review` `self-subject`."""
    if settings.access.review == "self-subject" and not settings.login.has_tokens:
        yield Fault(
            key(settings.access, lambda one: one.review),
            f"`self-subject` needs tokens for Kubernetes, and login.kind `{settings.login.kind}` has only passwords",
            "use `subject`, or login.kind `oidc` with an issuer that the API server trusts",
        )


RULES = (groups_of_users, audience_of_reviews, tokens_of_reviews, sessions)
