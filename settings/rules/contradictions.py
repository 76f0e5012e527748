"""All checks for settings that contradict each other."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import urlsplit

from settings.draft import Draft, mapping, texts
from settings.faults import Fault, path_of, shown
from settings.partial import findings, partial
from settings.rules import artifacts, aws, database, exposure, posture, programs, rds, server, workspaces
from settings.schema.stack import Settings

MINUTES = 60


def contradictions(draft: Draft) -> Iterator[Fault]:
    """All contradictions in a stack file."""
    for rule in RULES:
        yield from rule(draft)
    typed = (*database.RULES, *rds.RULES, *artifacts.RULES, *server.RULES, *workspaces.RULES)
    yield from findings(typed, partial(Settings, draft.written))


def own_login(draft: Draft) -> Iterator[Fault]:
    """Check that every group in `login.users` is a group of a team."""
    if draft.text("login.kind") not in posture.OWN_LOGINS:
        return
    used = sorted({group for team in draft.section("teams") for _, group in _groups(draft, team)})
    if not used:
        return
    for email, user in draft.section("login.users").items():
        for index, group in enumerate(texts(mapping(user).get("groups"))):
            if group not in used:
                near = difflib.get_close_matches(group, used, n=1)
                yield Fault(
                    path_of(("login", "users", email, "groups", index)),
                    f"no team has the group {shown(group)}",
                    f"did you mean {shown(near[0])}?" if near else "use a group of a team, or add this group to a team",
                )


def self_subject(draft: Draft) -> Iterator[Fault]:
    """Check that `self-subject` is used only if the login has tokens, with an audience that the API server accepts."""
    if draft.value("access.review") != "self-subject":
        return
    audiences, issuer = (
        texts(draft.value("cluster.serviceAccountAudiences")),
        draft.text("cluster.serviceAccountIssuer"),
    )
    if audiences and issuer not in audiences:
        yield Fault(
            "cluster.serviceAccountAudiences",
            f"does not contain {shown(issuer or '')}, the audience that the API server accepts; access.review"
            " `self-subject` sends the callers' tokens to the API server",
            "add this audience, or remove cluster.serviceAccountAudiences",
        )
    if draft.text("login.kind") == "basic":
        yield Fault(
            "access.review",
            "`self-subject` needs tokens for Kubernetes, and login.kind `basic` has only passwords",
            "use `subject`, or login.kind `oidc` with an issuer that the API server trusts",
        )


def namespaces(draft: Draft) -> Iterator[Fault]:
    """Check that the platform, the ingress controller and each team have different namespaces."""
    platform, controller = draft.text("namespace"), draft.text("cluster.ingressNamespace")
    if platform is not None and platform == controller:
        yield Fault(
            "namespace",
            f'"{platform}" belongs to the ingress controller (cluster.ingressNamespace)',
            "choose another namespace",
        )
    owners = {
        controller: "the ingress controller (cluster.ingressNamespace)",
        platform: "the platform (`namespace`)",
    }
    for team in draft.section("teams"):
        if team in owners:
            yield Fault(
                path_of(("teams", team)),
                f"names a team, whose namespace would have the same name as that of {owners[team]}",
                "rename the team",
            )


def groups(draft: Draft) -> Iterator[Fault]:
    """Check that each team has at least one group, and lists no group twice."""
    for team, said in draft.section("teams").items():
        if mapping(said).get("groups") == {}:
            yield Fault(
                path_of(("teams", team, "groups")),
                "is empty; expected at least one group",
                f"add a group as viewer, editor or manager, or remove `groups`: then the group {team}-mlflow-users is"
                " manager",
            )
        for group, times in Counter(group for _, group in _groups(draft, team)).items():
            if times > 1:
                roles = sorted({role for role, member in _groups(draft, team) if member == group})
                yield Fault(
                    path_of(("teams", team, "groups")),
                    f"lists the group {shown(group)} {times} times ({', '.join(roles)})",
                    "list it once",
                )


def one_team(draft: Draft) -> Iterator[Fault]:
    """Check that there is only one team if MLflow runs without workspaces."""
    teams = draft.section("teams")
    if draft.value("workspaces.enabled") is False and len(teams) > 1:
        yield Fault(
            "workspaces.enabled",
            f"`false` is for a single team, but there are {len(teams)} teams ({', '.join(teams)})",
            "keep one team, or remove workspaces.enabled",
        )


def _groups(draft: Draft, team: str) -> list[tuple[str, str]]:
    """Role and name of each of a team's groups."""
    said = mapping(draft.section("teams").get(team)).get("groups")
    # A list without a role is reported elsewhere as a mistake; its groups still count.
    roles = {"manager": cast("object", said)} if isinstance(said, list) else mapping(said)
    named = [(role, group) for role, members in roles.items() for group in texts(members)]
    return named or [("manager", f"{team}-mlflow-users")]


def hosts(draft: Draft) -> Iterator[Fault]:
    """Check that database, artifact store and identity provider do not have the platform's own host name."""
    host = draft.text("host")
    used = {
        "database.host": (draft.text("database.host"), "host name of the PostgreSQL server"),
        "artifacts.endpointUrl": (_host_of(draft.text("artifacts.endpointUrl")), "URL of the S3 store"),
        "login.issuer": (_host_of(draft.text("login.issuer")), "URL of the identity provider"),
    }
    for path, (other, meaning) in used.items():
        if host is not None and other == host:
            yield Fault(path, f"contains {host}, the platform's own host name (`host`)", f"write the {meaning}")


def _host_of(url: str | None) -> str | None:
    return None if url is None else urlsplit(url).hostname


def sessions(draft: Draft) -> Iterator[Fault]:
    """Check that sessions are refreshed before they expire: otherwise OAuth2-Proxy does not start."""
    hours, refresh = draft.number("sessions.hours"), draft.number("sessions.refreshMinutes")
    if hours is not None and refresh is not None and refresh >= hours * MINUTES:
        yield Fault(
            "sessions.refreshMinutes",
            f"expected less than sessions.hours {hours} x {MINUTES} = {hours * MINUTES} minutes, found {refresh}",
            f"set at most {hours * MINUTES - 1}",
        )


RULES: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    posture.forbidden,
    own_login,
    exposure.forward_auth,
    self_subject,
    namespaces,
    groups,
    one_team,
    hosts,
    sessions,
    exposure.cert_manager,
    exposure.ingress,
    programs.audiences,
    programs.api_server,
    programs.service_accounts,
    *aws.RULES,
)
