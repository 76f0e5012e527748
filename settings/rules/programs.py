"""Checks of the settings for teams' programs: token audiences, service accounts, access to the API server."""

from collections import Counter
from collections.abc import Iterator

from settings.draft import Draft, mapping, texts
from settings.faults import Fault, path_of, shown
from settings.types.service_accounts import AUDIENCE, CLIENT_ACCOUNT, qualified


def audiences(draft: Draft) -> Iterator[Fault]:
    """Check that the audience `mlflow` is accepted, and that each audience is listed once."""
    path = "cluster.serviceAccountAudiences"
    named = texts(draft.value(path))
    if named and AUDIENCE not in named:
        yield Fault(
            path,
            f"does not contain `{AUDIENCE}`, the audience of the smoke test and of programs outside the cluster",
            f"add {AUDIENCE}",
        )
    for audience, times in Counter(named).items():
        if times > 1:
            yield Fault(path, f"lists {shown(audience)} {times} times", "list it once")


def service_accounts(draft: Draft) -> Iterator[Fault]:
    """Check that teams list no service account twice, no `mlflow-client`, and none in the platform's namespace."""
    platform = draft.text("namespace")
    for team, said in draft.section("teams").items():
        path = path_of(("teams", team, "serviceAccounts"))
        listed = [qualified(team, account) for account in texts(mapping(said).get("serviceAccounts"))]
        for (namespace, name), times in Counter(listed).items():
            account = shown(f"{namespace}/{name}")
            if times > 1:
                yield Fault(path, f"lists the service account {account} {times} times", "list it once")
            elif (namespace, name) == (team, CLIENT_ACCOUNT):
                yield Fault(
                    path, f"lists {account}, which the platform creates and which already has access", "remove it"
                )
            elif namespace == platform:
                yield Fault(
                    path,
                    f"lists {account} in the platform's namespace (`namespace`), where teams cannot run programs",
                    "use a service account in the team's namespace, or in the namespace of your notebooks or pipelines",
                )


def api_server(draft: Draft) -> Iterator[Fault]:
    """Check that `cluster.apiServer` lists the API server's addresses if `workspaces.apiServer` is set."""
    if draft.value("workspaces.apiServer") is True and not texts(draft.value("cluster.apiServer")):
        yield Fault(
            "workspaces.apiServer",
            "lets teams' pods connect to the addresses in cluster.apiServer, which is empty",
            "add the addresses (`kubectl get endpointslices kubernetes`), or remove workspaces.apiServer",
        )
