"""Who of the programs gets in: audiences of tokens, and service accounts of teams."""

from collections import Counter
from collections.abc import Iterator

from stackfile.draft import Draft, mapping, texts
from stackfile.faults import Fault, path_of, shown

# What programs ask for that want a token for MLflow and nothing else: the smoke test, clients outside the cluster.
AUDIENCE = "mlflow"
# The service account that the platform makes in every team's namespace.
CLIENT_ACCOUNT = "mlflow-client"


def qualified(team: str, account: str) -> tuple[str, str]:
    """Namespace and name of a service account that a team lists."""
    namespace, _, name = account.rpartition("/")
    return namespace or team, name


def audiences(draft: Draft) -> Iterator[Fault]:
    """The platform's own audience is among those admitted, and each is named once."""
    path = "cluster.serviceAccountAudiences"
    named = texts(draft.value(path))
    if named and AUDIENCE not in named:
        yield Fault(
            path,
            f"lacks `{AUDIENCE}`, the audience of the tokens that the smoke test and programs outside the cluster show",
            f"add {AUDIENCE}",
        )
    for audience, times in Counter(named).items():
        if times > 1:
            yield Fault(path, f"names {shown(audience)} {times} times", "name it once")


def service_accounts(draft: Draft) -> Iterator[Fault]:
    """A team's further service accounts are others' than the platform's, and each is named once."""
    platform = draft.text("namespace")
    for team, said in draft.section("teams").items():
        path = path_of(("teams", team, "serviceAccounts"))
        listed = [qualified(team, account) for account in texts(mapping(said).get("serviceAccounts"))]
        for (namespace, name), times in Counter(listed).items():
            account = shown(f"{namespace}/{name}")
            if times > 1:
                yield Fault(path, f"names the service account {account} {times} times", "name it once")
            elif (namespace, name) == (team, CLIENT_ACCOUNT):
                yield Fault(path, f"names {account}, which the platform makes and admits by itself", "remove it")
            elif namespace == platform:
                yield Fault(
                    path,
                    f"names {account} in the platform's own namespace (`namespace`), where teams have no programs",
                    "name one in the team's namespace or in that of your notebooks or pipelines",
                )


def api_server(draft: Draft) -> Iterator[Fault]:
    """What teams may reach is written down."""
    if draft.value("workspaces.apiServer") is True and not texts(draft.value("cluster.apiServer")):
        yield Fault(
            "workspaces.apiServer",
            "opens the addresses in cluster.apiServer to teams' pods, and there are none",
            "write its addresses there (`kubectl get endpointslices kubernetes`), or remove this",
        )
