"""Rules of the sections `login`, `sessions` and `access`."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from settings.faults import Fault, shown
from settings.partial import key, known, numbered, texts
from settings.providers import ProviderName, at
from settings.schema.base import UnknownValueError
from settings.schema.login import BasicLogin, DevelopmentLogin, OidcLogin
from settings.schema.stack import Settings

MINUTES = 60
ENTRA_ISSUER = r"https://[^/]+/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/v2\.0"
# Providers without a claim of groups, and where groups can come from.
GROUPS_ELSEWHERE: Mapping[ProviderName | None, tuple[str, str]] = {
    "google": (
        "Google's tokens have no groups",
        (
            "write `hd` (all users of your Google Workspace are then in one group, named like its domain), or put"
            " Dex with its Google connector in front of Google, and write login.provider `dex` (docs/login.md)"
        ),
    ),
    "auth0": (
        "Auth0's tokens have no groups until an Action adds them, under a claim with a namespace",
        "write the claim of your Action, such as https://company.example.com/groups (docs/login.md)",
    ),
}


def groups_of_users(settings: Settings) -> Iterator[Fault]:
    """Check that every group in `login.users` is a group of a team."""
    login = settings.login
    if isinstance(login, DevelopmentLogin | BasicLogin):
        used = {group for team in settings.teams for group in _named(settings, team)}
        for email in login.users:
            yield from known(_groups(login, email, used))


def _named(settings: Settings, team: str) -> Iterator[str]:
    """The groups of a team; for a team with wrong settings, all strings in them, as each may be meant as a group."""
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
    audiences, issuer = cluster.service_account_audiences, cluster.issuer
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
    """Check, with `access.review` `self-subject`, that the login has ID tokens."""
    if settings.access.review == "self-subject" and not settings.login.has_tokens:
        yield Fault(
            key(settings.access, lambda one: one.review),
            f"`self-subject` needs tokens for Kubernetes, and login.kind `{settings.login.kind}` has only passwords",
            "use `subject`, or login.kind `oidc` with an issuer that the API server trusts",
        )


def scopes(settings: Settings) -> Iterator[Fault]:
    """Check that the scope `openid` is requested, and that `offline_access` is not listed among the scopes."""
    login = settings.login
    if not isinstance(login, OidcLogin):
        return
    path = key(login, lambda one: one.scopes)
    if "openid" not in login.scopes:
        yield Fault(path, "does not contain `openid`, without which there is no ID token", "add it")
    if "offline_access" in login.scopes:
        offline = key(login, lambda one: one.offline_access)
        yield Fault(path, f"contains `offline_access`, which only {offline} may add", f"remove it, and set {offline}")


def groups_claim(settings: Settings) -> Iterator[Fault]:
    """Check that the stack file names the claim with groups, where the provider has none of its own."""
    login = settings.login
    if not isinstance(login, OidcLogin) or login.provider not in GROUPS_ELSEWHERE:
        return
    path = key(login, lambda one: one.groups_claim)
    if path.origin == "default":
        problem, remedy = GROUPS_ELSEWHERE[login.provider]
        yield Fault(path, f"is missing: {problem}, and access depends on groups", remedy)


def issuer_of_provider(settings: Settings) -> Iterator[Fault]:
    """Check that the issuer has the form that Entra and Auth0 write into their tokens."""
    login = settings.login
    if not isinstance(login, OidcLogin):
        return
    path, issuer = key(login, lambda one: one.issuer), login.issuer
    if login.provider == "entra" and not re.fullmatch(ENTRA_ISSUER, issuer):
        yield Fault(
            path,
            f"expected https://login.microsoftonline.com/<tenant ID>/v2.0, as in Entra's tokens, found {shown(issuer)}",
            "write the ID of your tenant, a UUID, instead of its name or `common`, and /v2.0 at the end",
        )
    if login.provider == "auth0" and not issuer.endswith("/"):
        yield Fault(
            path, f"expected a slash at the end, as in Auth0's tokens, found {shown(issuer)}", f"write {issuer}/"
        )


def unverified_names(settings: Settings) -> Iterator[Fault]:
    """Check that users cannot choose a name to which some RoleBinding in the cluster gives access."""
    login = settings.login
    if isinstance(login, OidcLogin) and settings.access.aggregate_roles and not login.require_verified_email:
        aggregate = key(settings.access, lambda one: one.aggregate_roles)
        yield Fault(
            key(login, lambda one: one.require_verified_email),
            f"`false` lets users sign in with somebody else's e-mail address, and with {aggregate} every RoleBinding"
            " to that address gives access",
            f"remove this setting or {aggregate}",
        )


def user_claim(settings: Settings) -> Iterator[Fault]:
    """Check that user names are not account IDs, and that no RoleBinding is for a name that users can choose."""
    login = settings.login
    if not isinstance(login, OidcLogin) or login.user_claim == "email":
        return
    path, aggregate = key(login, lambda one: one.user_claim), key(settings.access, lambda one: one.aggregate_roles)
    if login.user_claim == "sub":
        yield Fault(
            path,
            "`sub` is an account ID: where users can choose their ID, one could take the ID of a service account",
            "use `email` or `preferred_username`",
        )
    elif settings.access.aggregate_roles:
        yield Fault(
            path,
            f"{path.shown} may be a name that users can choose, and with {aggregate} every RoleBinding to that name"
            " gives access",
            f"remove this setting or {aggregate}",
        )


def unchecked_email(settings: Settings) -> Iterator[Fault]:
    """Warn that e-mail addresses are not checked if the user's name comes from another claim."""
    login = settings.login
    if isinstance(login, OidcLogin) and login.user_claim != "email":
        path = key(login, lambda one: one.require_verified_email)
        if path.written and login.require_verified_email:
            claim = key(login, lambda one: one.user_claim)
            yield Fault(path, f"has no effect: {claim} is {claim.shown}, not the e-mail address", "remove it")


def unnamed_provider(settings: Settings) -> Iterator[Fault]:
    """Warn if `login.provider` is not set for a known provider's issuer: its default scopes and claims do not apply."""
    login = settings.login
    if isinstance(login, OidcLogin) and login.provider is None:
        provider, path = at(login.issuer), key(login, lambda one: one.scopes)
        if provider is not None and not path.written:
            name = key(login, lambda one: one.provider)
            yield Fault(
                key(login, lambda one: one.issuer),
                f"belongs to `{provider}`, but {name} is not set, so this provider's scopes and claims are not used",
                f"add {name} `{provider}`, or {path} (docs/login.md)",
            )


RULES = (
    groups_of_users,
    audience_of_reviews,
    tokens_of_reviews,
    sessions,
    scopes,
    groups_claim,
    issuer_of_provider,
    unverified_names,
    user_claim,
)
WARNINGS = (unchecked_email, unnamed_provider)
