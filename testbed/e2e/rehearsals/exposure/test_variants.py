"""Every documented way to expose the platform is deployed; all accept and refuse the same requests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.e2e import issuer, kube, variant
from testbed.e2e.attack import ways
from testbed.e2e.attack.ways import Intruder, Owner
from testbed.e2e.commands import run
from testbed.e2e.mlflow_client import Client
from testbed.e2e.visitor import Visitor, files_of
from testbed.e2e.web import Site
from tools.stack import Platform

# The one with another authority comes last. Between an Ingress and a Gateway both exist for a moment, and of two
# certificates for one name Traefik presents whichever it finds first: with another authority behind each, the new login
# may be shown the one that it does not trust, and then never starts.
VARIANTS = ("ingress", "path", "http-route", "forward-auth", "certificate")

ALICE = "alice@example.com"
CREATE = "/api/2.0/mlflow/experiments/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
WORKSPACES = "/ajax-api/3.0/mlflow/workspaces"
# What a server behind a login may take for the login's word.
FORGED = {
    "X-Forwarded-User": ALICE,
    "X-Forwarded-Email": ALICE,
    "X-Forwarded-Groups": "team-b-mlflow-users,system:masters",
    "X-Auth-Request-Email": ALICE,
    "X-Auth-Request-Groups": "team-b-mlflow-users,system:masters",
    "X-Remote-User": ALICE,
    "Impersonate-User": ALICE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """A variant that runs."""

    name: str
    changes: variant.Config
    platform: Platform
    site: Site

    def visitor(self) -> Visitor:
        """A visitor without cookies."""
        return Visitor(self.platform.authority)


@pytest.fixture(scope="module", autouse=True)
def dev_afterwards() -> Iterator[None]:
    """Restore the committed stack afterwards."""
    yield
    variant.restore()


@pytest.fixture(scope="module")
def authority() -> Iterator[str]:
    """Certificates that exist before the platform refers to them."""
    with issuer.certificates() as pem:
        yield pem


@pytest.fixture(scope="module", params=VARIANTS)
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    name: str = request.param
    changes = variant.changes_of(name)
    if name == "certificate":
        changes["mlflow-platform:certificate"]["authority"] = request.getfixturevalue("authority")
    platform = variant.deploy(tmp_path_factory.mktemp(name), changes)
    return Deployed(name=name, changes=changes, platform=platform, site=Site.of(platform))


@pytest.fixture(scope="module")
def password() -> str:
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)[ALICE]


@pytest.fixture(scope="module")
def alice(deployed: Deployed, password: str) -> Visitor:
    """Alice of team A, signed in."""
    visitor = deployed.visitor()
    page = visitor.sign_in(f"{deployed.platform.url}/", ALICE, password)
    assert (page.status, page.url) == (200, f"{deployed.platform.url}/")
    return visitor


@pytest.fixture(scope="module")
def token(deployed: Deployed) -> str:
    """Token of team A's programs."""
    account = deployed.platform.teams["team-a"]
    return kube.token(account.namespace, account.service_account, "--audience=mlflow")


def test_the_page_loads_with_its_files(deployed: Deployed, alice: Visitor) -> None:
    # Without the slash at the end, as people type it.
    page = alice.open(deployed.platform.url)
    assert page.status == 200
    files = files_of(page)
    assert any(file.endswith(".js") for file in files), page.text
    for file in files:
        found = alice.open(file)
        assert (found.status, found.url) == (200, file)
        assert "text/html" not in found.headers["content-type"], file


def test_a_person_sees_their_own_team(deployed: Deployed, alice: Visitor) -> None:
    seen = json.loads(alice.open(deployed.platform.url + WORKSPACES).body)
    assert [one["name"] for one in seen["workspaces"]] == ["team-a"]


def test_a_person_is_refused_in_another_team(deployed: Deployed, alice: Visitor) -> None:
    assert _create(deployed, alice, "team-b") == 403
    assert _create(deployed, alice, "team-b", FORGED) == 403
    assert _create(deployed, alice, "team-a", FORGED) in {200, 400}, "400: it is there already"


def _create(deployed: Deployed, visitor: Visitor, team: str, headers: dict[str, str] | None = None) -> int:
    sent = {**(headers or {}), "X-MLFLOW-WORKSPACE": team, "Content-Type": "application/json"}
    document = json.dumps({"name": "variants"}).encode()
    return visitor.open(deployed.platform.url + CREATE, content=document, headers=sent).status


def test_a_program_logs_a_run_and_gets_its_artifact_back(deployed: Deployed, tmp_path: Path) -> None:
    found = Client.of(deployed.platform, tmp_path).script("small_project", team="team-a")
    assert found["params"] == {"depth": "6"}
    assert found["steps"] == [0, 1, 2]
    assert found["came_back"] == found["sent"]
    assert found["spans"] == ["predict"]
    assert found["champion"] == found["version"]


def test_a_program_is_refused_in_another_team(deployed: Deployed, token: str) -> None:
    document = {"name": "variants"}
    for headers in ({}, FORGED):
        refused = deployed.site.ask("POST", CREATE, token=token, workspace="team-b", headers=headers, document=document)
        assert refused.status == 403


def test_no_odd_request_is_a_way_around_the_login(deployed: Deployed, alice: Visitor, token: str) -> None:
    other = deployed.platform.teams["team-b"]
    owners_token = kube.token(other.namespace, other.service_account, "--audience=mlflow")
    owner = Owner(site=deployed.site, workspace=other.namespace, credentials=ways.bearer(owners_token))
    intruders = [
        Intruder(name="nobody"),
        Intruder(name="alice", credentials=ways.cookies(alice)),
        Intruder(name="program", credentials=ways.bearer(token)),
    ]
    assert ways.holes(owner, intruders) == []


def test_without_a_login_the_api_is_closed(deployed: Deployed) -> None:
    for headers in ({}, FORGED, {"Authorization": "Bearer forged"}, {"Cookie": "__Host-mlflow=forged"}):
        for path in (SEARCH, "/ajax-api/2.0/mlflow/experiments/search", "/graphql", "/v1/traces"):
            answer = deployed.site.ask("POST", path, workspace="team-a", headers=headers, document={})
            assert answer.status == 401, f"{path} {headers}"


def test_without_a_login_a_page_leads_to_it(deployed: Deployed) -> None:
    for headers in ({}, FORGED):
        assert deployed.site.ask("GET", "/", headers=headers).status == 403
        answer = deployed.site.ask("GET", "/oauth2/start?rd=/", headers=headers)
        assert answer.status == 302
        assert answer.headers["location"].startswith(f"https://dex.{deployed.site.host}/auth?")


def test_the_session_is_for_the_platforms_address_only(deployed: Deployed, alice: Visitor) -> None:
    """Browsers send the cookie neither to another platform on this host nor to pages above the platform's path."""
    path = deployed.site.path or "/"
    sessions = [cookie for cookie in alice.cookies if "mlflow" in cookie.name]
    assert sessions
    for cookie in sessions:
        assert (cookie.domain, cookie.path, cookie.secure) == (deployed.site.host, path, True)
        assert cookie.name.startswith("__Host-" if path == "/" else "__Secure-")


def test_scripts_in_the_browser_are_not_shown_the_token(deployed: Deployed, alice: Visitor) -> None:
    for page in ("/", "/oauth2/auth", "/oauth2/anything", WORKSPACES):
        shown = alice.open(deployed.platform.url + page)
        assert shown.headers.keys().isdisjoint({"authorization", "x-auth-request-access-token"}), page


def test_after_signing_out_the_api_is_closed_and_the_login_page_is_back(deployed: Deployed, password: str) -> None:
    url = deployed.platform.url
    visitor = deployed.visitor()
    visitor.sign_in(f"{url}/", ALICE, password)
    assert visitor.open(url + WORKSPACES).status == 200
    visitor.open(f"{url}/oauth2/sign_out")
    assert visitor.open(url + WORKSPACES).status == 401
    assert visitor.open(f"{url}/").status == 403


def test_a_second_up_changes_nothing(deployed: Deployed, tmp_path: Path) -> None:
    variant.expect_no_changes(tmp_path, deployed.changes)
