"""Names and passwords instead of an identity provider: people by a form, programs by HTTP basic authentication."""

import base64
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from testbed.e2e import browser as browsers
from testbed.e2e import kube, variant
from testbed.e2e.attack import ways
from testbed.e2e.attack.ways import Intruder, Owner
from testbed.e2e.browser import session
from testbed.e2e.commands import run
from testbed.e2e.mlflow_client import Client
from testbed.e2e.web import Site
from tools.stack import Platform

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
CREATE = "/api/2.0/mlflow/experiments/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
WORKSPACES = "/api/3.0/mlflow/workspaces"
ONE = {"max_results": 1}


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield variant.deploy(tmp_path_factory.mktemp("basic"), variant.changes_of("basic"))
    variant.restore()


@pytest.fixture(scope="module")
def place(basic: Platform) -> Site:
    return Site.of(basic)


@pytest.fixture(scope="module")
def passwords(basic: Platform) -> dict[str, str]:
    assert basic.users == (ALICE, BOB, CAROL)
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)


@pytest.fixture(scope="module")
def browser(basic: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    expect.set_options(timeout=browsers.PAGE_MILLISECONDS)
    home = tmp_path_factory.mktemp("home")
    with sync_playwright() as playwright, browsers.chromium(playwright, home, basic.authority) as started:
        yield started


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _fill_in(page: Page, user: str, password: str) -> None:
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def test_a_name_with_its_password_opens_its_own_team(place: Site, passwords: dict[str, str]) -> None:
    for user, teams in ((ALICE, ["team-a"]), (BOB, ["team-b"]), (CAROL, [])):
        listed = place.ask("GET", WORKSPACES, headers=_basic(user, passwords[user])).json().get("workspaces", [])
        assert [workspace["name"] for workspace in listed] == teams


def test_a_name_with_its_password_is_refused_in_another_team(place: Site, passwords: dict[str, str]) -> None:
    sent = _basic(ALICE, passwords[ALICE]) | {"X-Forwarded-User": BOB, "X-Forwarded-Groups": "team-b-mlflow-users"}
    refused = place.ask("POST", CREATE, workspace="team-b", headers=sent, document={"name": "intruder"})
    assert refused.status == 403


def test_no_odd_request_is_a_way_around_the_login(place: Site, passwords: dict[str, str]) -> None:
    owner = Owner(site=place, workspace="team-b", credentials=_basic(BOB, passwords[BOB]))
    intruders = [
        Intruder(name="nobody"),
        Intruder(name="alice", credentials=_basic(ALICE, passwords[ALICE])),
        Intruder(name="carol", credentials=_basic(CAROL, passwords[CAROL])),
    ]
    assert ways.holes(owner, intruders) == []


@pytest.mark.parametrize("password", ["", "a guess"])
def test_a_wrong_password_is_refused(place: Site, password: str) -> None:
    refused = place.ask("POST", SEARCH, workspace="team-a", headers=_basic(ALICE, password), document=ONE)
    assert refused.status == 401


def test_a_name_that_nobody_has_is_refused(place: Site, passwords: dict[str, str]) -> None:
    sent = _basic("system:admin", passwords[ALICE])
    assert place.ask("POST", SEARCH, workspace="team-a", headers=sent, document=ONE).status == 401


def test_the_published_client_logs_with_a_name_and_a_password(
    basic: Platform, passwords: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    client = Client.of(basic, tmp_path_factory.mktemp("client"))
    found = client.script(
        "small_project",
        team="team-a",
        replaced={
            "MLFLOW_TRACKING_TOKEN": None,
            "MLFLOW_TRACKING_USERNAME": ALICE,
            "MLFLOW_TRACKING_PASSWORD": passwords[ALICE],
        },
    )
    assert found["came_back"] == found["sent"]
    assert found["champion"] == found["version"]


def test_service_account_tokens_still_count(basic: Platform, place: Site) -> None:
    account = basic.teams["team-a"]
    token = kube.token(account.namespace, account.service_account, "--audience=mlflow")
    assert place.ask("POST", SEARCH, token=token, workspace="team-a", document=ONE).status == 200
    assert place.ask("POST", CREATE, token=token, workspace="team-b", document={"name": "intruder"}).status == 403
    other = kube.token(account.namespace, account.service_account, "--audience=another-service")
    assert place.ask("POST", SEARCH, token=other, workspace="team-a", document=ONE).status == 401


def test_somebody_signs_in_by_the_form_and_comes_to_the_page_asked_for(
    browser: Browser, basic: Platform, passwords: dict[str, str]
) -> None:
    asked = f"{basic.url}/#/models/small-model?workspace=team-a"
    with session(browser) as page:
        page.goto(asked)
        expect(page.get_by_role("heading", name="Sign in to MLflow")).to_be_visible()
        _fill_in(page, ALICE, "a guess")
        expect(page.get_by_role("alert")).to_have_text("That name or password is wrong.")
        _fill_in(page, ALICE, passwords[ALICE])
        page.wait_for_url(lambda address: address.startswith(asked))
        expect(page.get_by_text("small-model").first).to_be_visible()
        page.get_by_role("link", name="Sign out").click()
        expect(page.locator("input[name=password]")).to_be_visible()
        expect(page.locator("input[name=rd]")).to_have_value("/")


def test_somebody_without_a_group_is_told_what_to_do(
    browser: Browser, basic: Platform, passwords: dict[str, str]
) -> None:
    with session(browser) as page:
        page.goto(basic.url)
        _fill_in(page, CAROL, passwords[CAROL])
        expect(page.get_by_text("You are signed in, but you are in no team yet")).to_be_visible()
        expect(page.get_by_text(CAROL, exact=True)).to_be_visible()


def test_no_password_lies_in_the_cluster(passwords: dict[str, str], basic: Platform) -> None:
    """The cluster has hashes only; the passwords are in the stack's state, encrypted."""
    stored = kube.kubectl("get", "secrets,configmaps", f"--namespace={basic.namespace}", "--output=json").stdout
    for password in passwords.values():
        assert password not in stored
        assert base64.b64encode(password.encode()).decode().rstrip("=") not in stored
