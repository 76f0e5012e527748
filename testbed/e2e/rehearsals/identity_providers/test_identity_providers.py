"""A Keycloak that differs from the login's defaults: scopes, claim, non-ASCII letters, an unverified address."""

import json
import secrets
import urllib.parse
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from testbed.e2e import browser as browsers
from testbed.e2e import keycloak as provider
from testbed.e2e import kube, variant
from testbed.e2e.browser import session
from testbed.e2e.commands import run
from testbed.e2e.keycloak import Keycloak
from tools.stack import Platform

SECRET = "identity-provider-client"  # noqa: S105 - a name
CONTACT = "ops@example.com"
GROUPS = {
    "alice": "team-a-mlflow-users",
    # With a character of two bytes in Latin-1's range, and some of three bytes.
    "carol": "équipe-données-研究",
    "dora": "Größe",
    # Nobody has verified his address.
    "bob": "team-a-mlflow-users",
}
UNVERIFIED = "bob"
# Keycloak knows neither of the last two.
USUAL_SCOPES = "openid profile email groups offline_access"
WORKSPACES = "/ajax-api/3.0/mlflow/workspaces"
# A page of the platform that asks for nothing by itself.
QUIET = "/health"
ASK = "async path => { const got = await fetch(path); return [got.status, await got.text()] }"
CREATE = """async ([workspace, name]) => {
  const headers = {"Content-Type": "application/json", "X-MLFLOW-WORKSPACE": workspace};
  const body = JSON.stringify({name});
  const got = await fetch("/ajax-api/2.0/mlflow/experiments/create", {method: "POST", headers, body});
  return got.status;
}"""


def realm() -> dict[str, Any]:
    """The realm of the rehearsal `keycloak`, with other people and groups."""
    document = json.loads((provider.FOLDER / "realm.json").read_text(encoding="utf-8"))
    like = document["users"][0]
    return {
        **document,
        "groups": [{"name": name} for name in sorted({*GROUPS.values()})],
        "users": [
            {
                **like,
                "username": name,
                "email": f"{name}@example.com",
                "emailVerified": name != UNVERIFIED,
                "firstName": name.title(),
                "groups": [f"/{group}"],
            }
            for name, group in GROUPS.items()
        ],
    }


def client(platform_host: str, secret: str) -> dict[str, Any]:
    """A client without the scopes `groups` and `offline_access`, whose tokens have the groups as `roles`."""
    document = json.loads((provider.FOLDER / "client.json").read_text(encoding="utf-8"))
    (mapper,) = json.loads((provider.FOLDER / "groups-scope.json").read_text(encoding="utf-8"))["protocolMappers"]
    return {
        **document,
        "secret": secret,
        "redirectUris": [f"https://{platform_host}/oauth2/callback"],
        "optionalClientScopes": [],
        "protocolMappers": [{**mapper, "config": {**mapper["config"], "claim.name": "roles"}}],
    }


def changes(**login: object) -> variant.Config:
    """The stack of this rehearsal: `dev` with the login at Keycloak."""
    return {
        "mlflow-platform:login": {
            "kind": "oidc",
            "provider": "keycloak",
            "issuer": provider.ISSUER,
            "clientId": "mlflow",
            "credentials": {"kind": "secret", "name": SECRET, "key": "client-secret"},
            "scopes": ["openid", "profile", "email"],
            "groupsClaim": "roles",
            **login,
        },
        "mlflow-platform:access": {"contact": CONTACT},
        "mlflow-platform:cluster": {"authorities": provider.AUTHORITY},
        "mlflow-platform:teams": {"team-a": {}, "team-b": {"groups": {"editor": [GROUPS["carol"]]}}},
    }


@pytest.fixture(scope="module")
def keycloak(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """Keycloak with the realm and the client; afterwards the committed stack is deployed again."""
    host = urllib.parse.urlsplit(platform.url).netloc
    secret = secrets.token_urlsafe()
    with provider.running() as running, ExitStack() as afterwards:
        _forget_secret()
        afterwards.callback(_forget_secret)
        _create_realm(running, tmp_path_factory.mktemp("keycloak") / "ca.crt")
        running.realm("POST", "/clients", client(host, secret))
        _create_secret(secret)
        afterwards.callback(variant.restore)
        yield running


def _create_realm(running: Keycloak, authority: Path) -> None:
    """Create the realm as docs/keycloak.md does; the token is not on the command line."""
    authority.write_text(provider.AUTHORITY, encoding="utf-8")
    options = f'oauth2-bearer = "{running.token}"\nurl = "https://{provider.HOST}/admin/realms"\n'
    script = 'curl --config <(printf %s "$OPTIONS") --fail-with-body --silent --show-error --json @-'
    env = {"OPTIONS": options, "CURL_CA_BUNDLE": str(authority)}
    run("bash", "-euo", "pipefail", "-c", script, env=env, stdin=json.dumps(realm()))


def _create_secret(secret: str) -> None:
    metadata = {"name": SECRET, "namespace": "mlflow"}
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"client-secret": secret}}
    kube.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(document))


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
class Visitors:
    """People who sign in to the deployed platform in a browser."""

    platform: Platform
    browser: Browser
    passwords: Mapping[str, str]

    @contextmanager
    def signed_in(self, name: str) -> Generator[Page]:
        """A browser page of a person who has signed in at Keycloak and is back at the platform."""
        with session(self.browser) as page:
            page.goto(f"{self.platform.url}/oauth2/start?rd={QUIET}")
            page.wait_for_url(lambda address: address.startswith(provider.ISSUER))
            page.fill("#username", f"{name}@example.com")
            page.fill("#password", self.passwords[name])
            page.click("#kc-login")
            page.wait_for_url(lambda address: address.startswith(self.platform.url), wait_until="domcontentloaded")
            yield page


def workspaces(page: Page) -> list[str]:
    """The workspaces that a person sees."""
    status, body = page.evaluate(ASK, WORKSPACES)
    assert status == 200, body
    return [one["name"] for one in json.loads(body).get("workspaces", [])]


def test_the_provider_refuses_the_usual_scopes(keycloak: Keycloak, platform: Platform, browser: Browser) -> None:
    """Control: if the provider knew these scopes, the tests below would show nothing."""
    assert keycloak.realm("GET", "/clients?clientId=mlflow")[0]["optionalClientScopes"] == []
    query = {
        "client_id": "mlflow",
        "redirect_uri": f"{platform.url}/oauth2/callback",
        "response_type": "code",
        "scope": USUAL_SCOPES,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    with session(browser) as page:
        page.goto(f"{provider.ISSUER}/protocol/openid-connect/auth?{urllib.parse.urlencode(query)}")
        assert "error=invalid_scope" in page.url


@pytest.fixture(scope="module")
def strict(
    keycloak: Keycloak,
    passwords: dict[str, str],
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Visitors:
    assert keycloak.password
    platform = variant.deploy(tmp_path_factory.mktemp("strict"), changes())
    return Visitors(platform=platform, browser=browser, passwords=passwords)


def test_people_sign_in_with_other_scopes_and_are_in_the_team_that_another_claim_names(strict: Visitors) -> None:
    with strict.signed_in("alice") as page:
        assert workspaces(page) == ["team-a"]


def test_a_group_with_letters_beyond_ascii_gives_its_rights(strict: Visitors) -> None:
    with strict.signed_in("carol") as page:
        assert workspaces(page) == ["team-b"]
        assert page.evaluate(CREATE, ["team-b", f"letters-{secrets.token_hex(4)}"]) == 200
        assert page.evaluate(CREATE, ["team-a", "letters"]) == 403


def test_people_in_no_team_see_the_name_of_their_group_as_it_is(strict: Visitors) -> None:
    with strict.signed_in("dora") as page:
        page.goto(strict.platform.url)
        expect(page.get_by_text("you are in no team yet")).to_be_visible()
        expect(page.get_by_text(GROUPS["dora"], exact=True)).to_be_visible()


def test_an_address_that_nobody_has_verified_is_refused_with_a_page_that_says_so(strict: Visitors) -> None:
    with strict.signed_in(UNVERIFIED) as page:
        expect(page.get_by_role("heading", name="You could not be signed in to MLflow")).to_be_visible()
        expect(page.get_by_text("Your e-mail address is not verified")).to_be_visible()
        expect(page.get_by_text(f"ask {CONTACT}")).to_be_visible()
        status, _ = page.evaluate(ASK, WORKSPACES)
        assert status == 401


def test_signing_out_ends_the_session_at_keycloak_without_a_setting_for_it(
    strict: Visitors, keycloak: Keycloak
) -> None:
    with strict.signed_in("alice") as page:
        before = len(keycloak.sessions("alice"))
        page.goto(f"{strict.platform.url}/oauth2/sign_out")
        expect(page.locator("#password")).to_be_visible()
    # Another test's browser has left one of hers.
    assert len(keycloak.sessions("alice")) == before - 1


def test_an_address_that_nobody_has_verified_is_admitted_where_the_stack_file_says_so(
    strict: Visitors, tmp_path: Path
) -> None:
    platform = variant.deploy(tmp_path, changes(requireVerifiedEmail=False))
    lenient = Visitors(platform=platform, browser=strict.browser, passwords=strict.passwords)
    with lenient.signed_in(UNVERIFIED) as page:
        assert workspaces(page) == ["team-a"]
