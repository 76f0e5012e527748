"""Users of a Keycloak sign in, through OAuth2-Proxy as sidecar and as Traefik's ForwardAuth, with two replicas.

The commands and settings of docs/keycloak.md are used as they are written there, except for host names.
"""

import json
import re
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from testbed.e2e import browser as browsers
from testbed.e2e import keycloak as provider
from testbed.e2e import kube, stored_sessions, variant
from testbed.e2e.browser import session
from testbed.e2e.commands import CHECKOUT, run
from testbed.e2e.figures import Figures
from testbed.e2e.keycloak import Keycloak
from testbed.e2e.web import Site
from tools.stack import Platform

PAGE = CHECKOUT / "docs" / "keycloak.md"
EXAMPLES = {"https://login.example.com": f"https://{provider.HOST}", "mlflow.example.com": "mlflow.localhost"}
SECRET = "keycloak-client"  # noqa: S105 - a name
TEAM_A, TEAM_B = "team-a-mlflow-users", "team-b-mlflow-users"
GROUPS = {"alice": TEAM_A, "bob": TEAM_B, "carol": TEAM_A}
COOKIE = "__Host-mlflow"
WORKSPACES = "/ajax-api/3.0/mlflow/workspaces"
# More than `sessions.refreshMinutes`, and less than `sessions.hours`.
HOUR = 3600
AT_ONCE = 8
REPLICAS = 2
REFRESHES = ("REFRESH_TOKEN", "REFRESH_TOKEN_ERROR")
# A page of the platform that asks for nothing by itself.
QUIET = "/health"
ASK = "async path => { const got = await fetch(path); return [got.status, await got.text()] }"
ASK_AT_ONCE = "([path, times]) => Promise.all(Array.from({length: times}, () => fetch(path).then(got => got.status)))"


def blocks(language: str) -> list[str]:
    """Code blocks of docs/keycloak.md in a language, with the host names of the embedded cluster."""
    text = PAGE.read_text(encoding="utf-8")
    for example, here in EXAMPLES.items():
        text = text.replace(example, here)
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def changes(login: str) -> variant.Config:
    """Lines of docs/keycloak.md for a stack file, with two replicas and one of the two values of `gateway.login`."""
    (block,) = blocks("yaml")
    documented: dict[str, Any] = yaml.safe_load(block)["config"]
    return {
        **documented,
        "mlflow-platform:cluster": {"authorities": provider.AUTHORITY},
        "mlflow-platform:gateway": {"kind": "ingress", "login": login},
        "mlflow-platform:server": {**variant.committed("server"), "replicas": REPLICAS},
        # What the connections of two replicas need.
        "mlflow-platform:database": {**variant.committed("database"), "memoryLimit": "2064Mi"},
    }


@pytest.fixture(scope="module")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """Keycloak with the realm and the client of docs/keycloak.md; afterwards the committed stack is deployed again."""
    authority = tmp_path_factory.mktemp("keycloak") / "ca.crt"
    authority.write_text(provider.AUTHORITY, encoding="utf-8")
    with provider.running() as running, ExitStack() as afterwards:
        _forget_secret()
        afterwards.callback(_forget_secret)
        variables = {
            "KEYCLOAK": f"https://{provider.HOST}",
            "REALM": provider.REALM,
            "PASSWORD": running.password,
            "CURL_CA_BUNDLE": str(authority),
        }
        run("bash", "-euo", "pipefail", "-c", "\n".join(blocks("sh")), env=variables, seconds=120)
        afterwards.callback(variant.restore)
        yield running


def _forget_secret() -> None:
    kube.kubectl("delete", "secret", SECRET, "--namespace=mlflow", "--ignore-not-found")


@pytest.fixture(scope="module")
def passwords(keycloak: Keycloak) -> dict[str, str]:
    return {name: keycloak.set_password(name) for name in GROUPS}


@pytest.fixture(scope="module")
def browser(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with _browser(tmp_path_factory.mktemp("browser"), platform) as started:
        yield started


@contextmanager
def _browser(home: Path, platform: Platform) -> Generator[Browser]:
    """A browser that trusts the authorities of the platform and of Keycloak."""
    expect.set_options(timeout=browsers.PAGE_MILLISECONDS)
    with sync_playwright() as playwright, browsers.chromium(playwright, home, platform.authority) as started:
        database = f"sql:{home / '.pki' / 'nssdb'}"
        run("certutil", "-A", "-d", database, "-n", "keycloak", "-t", "C,,", "-a", stdin=provider.AUTHORITY)
        yield started


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """The platform with one of the two values of `gateway.login`, and people who are signed in."""

    platform: Platform
    pages: dict[str, Page]

    def ask(self, name: str) -> tuple[int, str]:
        """Status and body of the answer to a request for the workspaces, sent by a person's page."""
        status, body = self.pages[name].evaluate(ASK, WORKSPACES)
        return status, body

    def ask_at_once(self, name: str) -> list[int]:
        """Status of each of several requests at the same time."""
        return self.pages[name].evaluate(ASK_AT_ONCE, [WORKSPACES, AT_ONCE])

    def workspaces(self, name: str) -> list[str]:
        """The workspaces that somebody sees."""
        status, body = self.ask(name)
        assert status == 200, body
        return [one["name"] for one in json.loads(body).get("workspaces", [])]

    def cookie(self, name: str) -> str:
        """Value of somebody's session cookie."""
        cookies = self.pages[name].context.cookies(self.platform.url)
        (value,) = [str(one.get("value")) for one in cookies if one.get("name") == COOKIE]
        return value

    def make_due(self, name: str) -> None:
        """Make a person's session due, so that their next request refreshes it."""
        stored_sessions.make_older(self.cookie(name), namespace=self.platform.namespace, seconds=HOUR)


def test_keycloak_refuses_a_refresh_token_that_was_used(keycloak: Keycloak, passwords: dict[str, str]) -> None:
    """Control for the tests below. A Keycloak client of this test gets tokens without a browser."""
    client = {"clientId": "test", "publicClient": True, "directAccessGrantsEnabled": True}
    keycloak.realm("POST", "/clients", client)
    form = {"client_id": "test", "grant_type": "password", "username": "bob", "password": passwords["bob"]}
    first = provider.tokens(provider.REALM, **form)["refresh_token"]
    renewal = {"client_id": "test", "grant_type": "refresh_token", "refresh_token": first}
    provider.tokens(provider.REALM, **renewal)
    with pytest.raises(provider.RefusedError, match="invalid_grant"):
        provider.tokens(provider.REALM, **renewal)


@pytest.fixture(scope="module", params=["reverse-proxy", "forward-auth"])
def deployed(
    request: pytest.FixtureRequest,
    keycloak: Keycloak,
    passwords: dict[str, str],
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployed]:
    login: str = request.param
    for name, group in GROUPS.items():
        keycloak.set_enabled(name, enabled=True)
        keycloak.set_groups(name, group, "everybody")
    platform = variant.deploy(tmp_path_factory.mktemp(login), changes(login))
    with ExitStack() as sessions:
        pages = {name: sessions.enter_context(session(browser)) for name in GROUPS}
        # One of them by the page that a person opens; the others by the place to which it leads.
        pages["alice"].goto(platform.url)
        pages["bob"].goto(_login(platform))
        pages["carol"].goto(_login(platform))
        for name, page in pages.items():
            _fill_in(page, name, passwords[name])
            page.wait_for_url(lambda address: address.startswith(platform.url), wait_until="commit")
            page.goto(platform.url + QUIET)
        yield Deployed(platform=platform, pages=pages)


def _login(platform: Platform) -> str:
    return f"{platform.url}/oauth2/start?rd={QUIET}"


def _fill_in(page: Page, name: str, password: str) -> None:
    """Fill in and submit Keycloak's form."""
    page.wait_for_url(lambda address: address.startswith(provider.ISSUER))
    page.fill("#username", f"{name}@example.com")
    page.fill("#password", password)
    page.click("#kc-login")


def test_people_see_the_workspaces_of_their_groups(deployed: Deployed) -> None:
    assert {name: deployed.workspaces(name) for name in GROUPS} == {
        "alice": ["team-a"],
        "bob": ["team-b"],
        "carol": ["team-a"],
    }


def test_requests_at_the_moment_of_the_refresh_all_succeed_and_each_token_is_used_once(
    deployed: Deployed, keycloak: Keycloak, figures: Figures
) -> None:
    keycloak.forget_events()
    for refreshes in (1, 2):
        deployed.make_due("alice")
        start = time.monotonic()
        assert deployed.ask_at_once("alice") == [200] * AT_ONCE
        figures.add(f"{AT_ONCE} requests at the moment of a refresh", f"{time.monotonic() - start:.1f} s")
        assert keycloak.events(*REFRESHES) == ["REFRESH_TOKEN"] * refreshes


def test_a_change_of_groups_counts_after_the_refresh(deployed: Deployed, keycloak: Keycloak) -> None:
    keycloak.set_groups("bob", TEAM_A, "everybody")
    deployed.make_due("bob")
    assert deployed.workspaces("bob") == ["team-a"]


def test_a_disabled_user_has_no_access_after_the_refresh_and_cannot_sign_in(
    deployed: Deployed, keycloak: Keycloak, passwords: dict[str, str]
) -> None:
    keycloak.set_enabled("carol", enabled=False)
    deployed.make_due("carol")
    status, _ = deployed.ask("carol")
    assert status == 401
    page = deployed.pages["carol"]
    page.goto(_login(deployed.platform))
    _fill_in(page, "carol", passwords["carol"])
    expect(page.get_by_text("Account is disabled")).to_be_visible()


def test_signing_out_ends_the_session_here_and_at_keycloak(deployed: Deployed, keycloak: Keycloak) -> None:
    site, copy = Site.of(deployed.platform), {"Cookie": f"{COOKIE}={deployed.cookie('alice')}"}
    assert site.ask("GET", WORKSPACES, headers=copy).status == 200
    assert keycloak.sessions("alice")
    page = deployed.pages["alice"]
    page.goto(f"{deployed.platform.url}/oauth2/sign_out")
    # The way back to the platform leads to Keycloak, which asks for the password again.
    expect(page.locator("#password")).to_be_visible()
    assert keycloak.sessions("alice") == []
    # A copy of the cookie is worthless too: the session is no longer in the store.
    assert site.ask("GET", WORKSPACES, headers=copy).status == 401
