"""Rules of the section `teams`: namespaces, groups and service accounts."""

import itertools
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator

from settings.faults import Fault, shown
from settings.partial import key, known, numbered
from settings.schema.artifacts import VolumeArtifacts
from settings.schema.bucket import BucketArtifacts
from settings.schema.stack import Settings
from settings.schema.teams import Team
from settings.types.service_accounts import CLIENT_ACCOUNT, qualified

Accounts = Callable[[Team], tuple[str, ...]]


def _writing(team: Team) -> tuple[str, ...]:
    return team.service_accounts


def _logging(team: Team) -> tuple[str, ...]:
    return team.logging_accounts


def namespace_of_platform(settings: Settings) -> Iterator[Fault]:
    """Check that platform and ingress controller have different namespaces."""
    if settings.namespace == settings.cluster.ingress_namespace:
        yield Fault(
            key(settings, lambda one: one.namespace),
            f'"{settings.namespace}" belongs to the ingress controller'
            f" ({key(settings.cluster, lambda one: one.ingress_namespace)})",
            "choose another namespace",
        )


def beside_platform(settings: Settings) -> Iterator[Fault]:
    """Check that no team has the namespace of the platform."""
    yield from _taken(settings, settings.namespace, f"the platform (`{key(settings, lambda one: one.namespace)}`)")


def beside_controller(settings: Settings) -> Iterator[Fault]:
    """Check that no team has the namespace of the ingress controller."""
    path = key(settings.cluster, lambda one: one.ingress_namespace)
    yield from _taken(settings, settings.cluster.ingress_namespace, f"the ingress controller ({path})")


def beside_others(settings: Settings) -> Iterator[Fault]:
    """Check that no team has the namespace of the DNS pods or of Prometheus, which NetworkPolicies trust."""
    dns, monitoring = settings.cluster.dns, settings.monitoring
    if dns.pods:
        path = key(dns, lambda one: one.namespace)
        yield from _taken(settings, dns.namespace, f"the cluster's DNS ({path})")
    if monitoring.served:
        path = key(monitoring, lambda one: one.namespace)
        yield from _taken(settings, monitoring.namespace, f"Prometheus ({path})")


def _taken(settings: Settings, namespace: str, owner: str) -> Iterator[Fault]:
    if namespace in settings.teams:
        yield Fault(
            key(settings, lambda one: one.teams[namespace]),
            f"names a team, but a namespace of that name belongs to {owner}",
            "rename the team",
        )


def groups(settings: Settings) -> Iterator[Fault]:
    """Check that each team has at least one group, and lists no group twice."""
    for team in settings.teams:
        yield from known(_groups(settings, team))


def _groups(settings: Settings, team: str) -> Iterator[Fault]:
    path, listed = key(settings, lambda one: one.teams[team].groups), settings.teams[team].groups
    if listed is None:
        return
    if not listed.model_fields_set:
        yield Fault(
            path,
            "is empty; expected at least one group",
            f"add a group as viewer, editor or manager, or remove `groups`: then the group {team}-mlflow-users is"
            " manager",
        )
    for group, times in Counter(group for role in listed.by_role.values() for group in role).items():
        if times > 1:
            roles = sorted(role for role, members in listed.by_role.items() if group in {*members})
            yield Fault(path, f"lists the group {shown(group)} {times} times ({', '.join(roles)})", "list it once")


def composed_letters(settings: Settings) -> Iterator[Fault]:
    """Warn about decomposed Unicode letters (NFD): names are compared byte by byte."""
    for team in settings.teams:
        yield from known(_composed(settings, team))


def _composed(settings: Settings, team: str) -> Iterator[Fault]:
    listed = settings.teams[team].groups
    for role, groups in () if listed is None else listed.by_role.items():
        for index, group in numbered(groups):
            if not unicodedata.is_normalized("NFC", group):
                yield Fault(
                    f"{key(settings, lambda one: one.teams[team].groups)}.{role}[{index}]",
                    f"{shown(group)} has accents as separate characters (Unicode NFD), as some editors and file"
                    " systems write them; names are compared byte by byte",
                    f"type the name again: {shown(unicodedata.normalize('NFC', group))}",
                )


def one_team(settings: Settings) -> Iterator[Fault]:
    """Check that there is only one team if MLflow runs without workspaces."""
    if not settings.workspaces.enabled and len(settings.teams) > 1:
        path = key(settings.workspaces, lambda one: one.enabled)
        yield Fault(
            path,
            f"`false` is for a single team, but there are {len(settings.teams)} teams ({', '.join(settings.teams)})",
            f"keep one team, or remove {path}",
        )


def service_accounts(settings: Settings) -> Iterator[Fault]:
    """Check that teams list no service account twice, no `mlflow-client`, and none in the platform's namespace."""
    for team, field in itertools.product(settings.teams, (_writing, _logging)):
        yield from known(_listed_accounts(settings, team, field))
        yield from known(_accounts_of_platform(settings, team, field))
    for team in settings.teams:
        yield from known(_twofold_accounts(settings, team))


def _listed_accounts(settings: Settings, team: str, field: Accounts) -> Iterator[Fault]:
    path = key(settings, lambda one: field(one.teams[team]))
    accounts = Counter(qualified(team, account) for account in field(settings.teams[team]))
    for (namespace, name), times in accounts.items():
        account = shown(f"{namespace}/{name}")
        if times > 1:
            yield Fault(path, f"lists the service account {account} {times} times", "list it once")
        elif (namespace, name) == (team, CLIENT_ACCOUNT):
            yield Fault(path, f"lists {account}, which the platform creates and which already has access", "remove it")


def _twofold_accounts(settings: Settings, team: str) -> Iterator[Fault]:
    path, other = (key(settings, lambda one, field=field: field(one.teams[team])) for field in (_logging, _writing))
    logging, writing = (
        {qualified(team, account) for account in field(settings.teams[team])} for field in (_logging, _writing)
    )
    for account in sorted(logging & writing):
        yield Fault(path, f"lists {shown('/'.join(account))}, which {other} lists too", "list it in one of them")


def _accounts_of_platform(settings: Settings, team: str, field: Accounts) -> Iterator[Fault]:
    path = key(settings, lambda one: field(one.teams[team]))
    for namespace, name in sorted({qualified(team, account) for account in field(settings.teams[team])}):
        if namespace == settings.namespace:
            yield Fault(
                path,
                f"lists {shown(f'{namespace}/{name}')} in the platform's namespace"
                f" (`{key(settings, lambda one: one.namespace)}`), where teams cannot run programs",
                "use a service account in the team's namespace, or in the namespace of your notebooks or pipelines",
            )


def direct_access(settings: Settings) -> Iterator[Fault]:
    """Check that teams have access keys only for a store whose keys can be confined to a workspace."""
    for team in settings.teams:
        yield from known(_direct_access(settings, team))


def _direct_access(settings: Settings, team: str) -> Iterator[Fault]:
    path = key(settings, lambda one: one.teams[team].direct_access)
    if not settings.teams[team].direct_access:
        return
    enabled = key(settings.workspaces, lambda one: one.enabled)
    kind = key(settings.artifacts, lambda one: one.kind)
    if not settings.workspaces.enabled:
        yield Fault(path, f"needs workspaces to separate teams, but {enabled} is false", f"remove {path}")
    if isinstance(settings.artifacts, VolumeArtifacts):
        yield Fault(path, f"needs an S3 store, but {kind} is `volume`", f"remove {path}")
    if isinstance(settings.artifacts, BucketArtifacts):
        all_teams = key(settings.artifacts, lambda one: one.direct_access)
        yield Fault(path, f"is not used with {kind} `bucket`", f"remove {path}; {all_teams} gives every team access")


RULES = (
    namespace_of_platform,
    beside_platform,
    beside_controller,
    beside_others,
    groups,
    one_team,
    service_accounts,
    direct_access,
)
WARNINGS = (composed_letters,)
