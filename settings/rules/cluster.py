"""Rules of the section `cluster`, and of host names."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from settings.faults import Fault, shown
from settings.partial import Key, key
from settings.schema.artifacts import S3Artifacts
from settings.schema.database import ExternalDatabase
from settings.schema.login import OidcLogin
from settings.schema.stack import Settings
from settings.types.service_accounts import AUDIENCE


def host_of_database(settings: Settings) -> Iterator[Fault]:
    """Check that the database does not have the platform's own host name."""
    database = settings.database
    if isinstance(database, ExternalDatabase) and database.host == settings.host:
        yield _own(settings, key(database, lambda one: one.host), "host name of the PostgreSQL server")


def host_of_store(settings: Settings) -> Iterator[Fault]:
    """Check that the artifact store does not have the platform's own host name."""
    store = settings.artifacts
    if isinstance(store, S3Artifacts) and urlsplit(store.endpoint_url or "").hostname == settings.host:
        yield _own(settings, key(store, lambda one: one.endpoint_url), "URL of the S3 store")


def host_of_issuer(settings: Settings) -> Iterator[Fault]:
    """Check that the identity provider does not have the platform's own host name."""
    login = settings.login
    if isinstance(login, OidcLogin) and urlsplit(login.issuer).hostname == settings.host:
        yield _own(settings, key(login, lambda one: one.issuer), "URL of the identity provider")


def _own(settings: Settings, path: Key, meaning: str) -> Fault:
    own = key(settings, lambda one: one.host)
    return Fault(path, f"contains {settings.host}, the platform's own host name (`{own}`)", f"write the {meaning}")


def audiences(settings: Settings) -> Iterator[Fault]:
    """Check that the audience `mlflow` is accepted, and that each audience is listed once."""
    path = key(settings.cluster, lambda one: one.service_account_audiences)
    named = settings.cluster.service_account_audiences
    for audience, times in Counter(named).items():
        if times > 1:
            yield Fault(path, f"lists {shown(audience)} {times} times", "list it once")
    if named and AUDIENCE not in named:
        yield Fault(
            path,
            f"does not contain `{AUDIENCE}`, the audience of the smoke test and of programs outside the cluster",
            f"add {AUDIENCE}",
        )


def api_server(settings: Settings) -> Iterator[Fault]:
    """Check that `cluster.apiServer` lists the API server's addresses if `workspaces.apiServer` is set."""
    if settings.workspaces.api_server and not settings.cluster.api_server:
        path, addresses = (
            key(settings.workspaces, lambda one: one.api_server),
            key(settings.cluster, lambda one: one.api_server),
        )
        yield Fault(
            path,
            f"lets teams' pods connect to the addresses in {addresses}, which is empty",
            f"add the addresses (`kubectl get endpointslices kubernetes --namespace default`), or remove {path}",
        )


RULES = (host_of_database, host_of_store, host_of_issuer, audiences, api_server)
