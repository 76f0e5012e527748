"""Access at the public address: only with a token that is valid, unexpired and issued for MLflow."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from testbed.e2e import kube, tokens
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.stack import Platform

SEARCH = "/api/2.0/mlflow/experiments/search"
CREATE = "/api/2.0/mlflow/experiments/create"
WORKSPACES = "/api/3.0/mlflow/workspaces"
ONE = {"max_results": 1}
# Each way into the server that is not a page: REST of both ages, the pages' own, GraphQL, traces, artifacts.
API = (
    SEARCH,
    "/ajax-api/2.0/mlflow/experiments/search",
    "/ajax-api/3.0/mlflow/traces/search",
    "/api/2.0/mlflow-artifacts/artifacts",
    "/graphql",
    "/v1/traces",
)
PAGES = ("/", "/index.html", "/static-files/index.html", "/version", "/metrics", "/docs", "/openapi.json", "/signup")


@pytest.fixture(scope="module")
def good(platform: Platform) -> str:
    return _token(platform, "--audience=mlflow")


def _token(platform: Platform, *options: str) -> str:
    account = platform.teams["team-a"]
    return kube.token(account.namespace, account.service_account, *options)


def _search(site: Site, token: str) -> int:
    return site.ask("POST", SEARCH, token=token, workspace="team-a", document=ONE).status


@pytest.mark.parametrize("path", PAGES)
def test_a_page_without_a_session_leads_to_the_identity_provider(site: Site, path: str) -> None:
    """The login's page in between keeps the part of the address after `#`, which browsers do not send."""
    page = site.ask("GET", path)
    assert page.status == 403
    assert b"/oauth2/start?rd=" in page.body
    assert b"mlflow.server" not in page.body
    answer = site.ask("GET", f"/oauth2/start?rd={path}")
    assert answer.status == 302
    target = urlsplit(answer.headers["location"])
    assert (target.scheme, target.netloc) == ("https", f"dex.{site.host}")
    assert parse_qs(target.query)["redirect_uri"] == [f"https://{site.host}/oauth2/callback"]


@pytest.mark.parametrize("path", API)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_program_without_a_token_is_refused(site: Site, path: str, method: str) -> None:
    answer = site.ask(method, path, workspace="team-a", document={} if method == "POST" else None)
    assert answer.status == 401
    assert b"mlflow" not in answer.body.lower()


@pytest.mark.parametrize(
    "path",
    [
        "/health/../api/2.0/mlflow/experiments/search",
        "/health/..%2fapi/2.0/mlflow/experiments/search",
        "/health;/api/2.0/mlflow/experiments/search",
        "/health?/api/2.0/mlflow/experiments/search",
        "//health",
        "/health/",
        "/healthz",
    ],
)
def test_the_open_path_of_the_probes_opens_nothing_else(site: Site, path: str) -> None:
    health = site.ask("GET", "/health")
    assert (health.status, health.body) == (200, b"OK")
    answer = site.ask("GET", path)
    assert answer.status in {401, 403} or (answer.status, answer.body) == (200, b"OK"), answer
    assert site.ask("POST", "/health", document={}).status in {401, 403}


def test_a_token_for_mlflow_is_admitted(site: Site, good: str) -> None:
    assert _search(site, good) == 200


def test_a_token_for_another_audience_is_refused(site: Site, platform: Platform) -> None:
    assert _search(site, _token(platform, "--audience=another-service")) == 401


def test_the_token_that_every_pod_has_is_admitted(site: Site, platform: Platform) -> None:
    """Its audience is the API server; by default the login accepts it, so programs need no other token."""
    assert _search(site, _token(platform)) == 200


def test_a_token_is_refused_after_its_expiry(site: Site, good: str) -> None:
    key = tokens.cluster_key()
    assert _search(site, tokens.resigned(good, expires_in=600, key=key)) == 200
    assert _search(site, tokens.resigned(good, expires_in=-600, key=key)) == 401


@pytest.mark.parametrize(
    "forged", ["signed by a stranger", "without a signature", "with another signature", "junk", "junk in three parts"]
)
def test_a_forged_token_is_refused(site: Site, good: str, forged: str) -> None:
    sent = {
        "signed by a stranger": tokens.resigned(good, expires_in=600, key=tokens.strange_key()),
        "without a signature": tokens.without_signature(good),
        "with another signature": f"{good[:-8]}AAAAAAAA",
        "junk": "junk",
        "junk in three parts": "a.b.c",
    }
    assert _search(site, sent[forged]) == 401


def test_a_user_name_and_password_are_no_token(site: Site) -> None:
    basic = base64.b64encode(b"alice@example.com:password").decode()
    answer = site.ask("POST", SEARCH, workspace="team-a", headers={"Authorization": f"Basic {basic}"}, document=ONE)
    assert answer.status == 401


def test_forged_identity_headers_beside_a_token_change_nothing(site: Site, good: str) -> None:
    headers = {
        "X-Forwarded-User": "bob@example.com",
        "X-Forwarded-Email": "bob@example.com",
        "X-Forwarded-Groups": "team-b-mlflow-users,system:masters",
        "X_Forwarded_Groups": "team-b-mlflow-users,system:masters",
        "X-Remote-User": "bob@example.com",
        "X-Remote-Groups": "system:masters",
    }
    create = site.ask("POST", CREATE, token=good, workspace="team-b", headers=headers, document={"name": "forged"})
    assert create.status == 403
    listed = site.ask("GET", WORKSPACES, token=good, headers=headers).json()["workspaces"]
    assert [workspace["name"] for workspace in listed] == ["team-a"]


def test_an_id_token_of_the_identity_provider_opens_its_groups_workspaces_only(site: Site, platform: Platform) -> None:
    assert _workspaces(site, platform, "alice@example.com") == ["team-a"]
    assert _workspaces(site, platform, "bob@example.com") == ["team-b"]
    assert _workspaces(site, platform, "carol@example.com") == []


def test_an_id_token_of_one_team_creates_nothing_in_another(site: Site, platform: Platform) -> None:
    token = id_token(site, platform, "alice@example.com")
    refused = site.ask("POST", CREATE, token=token, workspace="team-b", document={"name": "intruder"})
    assert refused.status == 403
    found = site.ask("POST", SEARCH, token=token, workspace="team-a", document=ONE)
    assert found.status == 200


def _workspaces(site: Site, platform: Platform, user: str) -> list[str]:
    listed = site.ask("GET", WORKSPACES, token=id_token(site, platform, user)).json()
    return [workspace["name"] for workspace in listed.get("workspaces", ())]
