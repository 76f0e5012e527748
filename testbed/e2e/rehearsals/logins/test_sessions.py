"""Browser sessions: return to the requested page, expiry, sign-out everywhere, people in many groups."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from testbed.e2e import browser as browsers
from testbed.e2e import kube, tokens, variant
from testbed.e2e.browser import CLOSED_ASSISTANT, session, sign_in
from testbed.e2e.commands import run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.visitor import Visitor
from tools.stack import Platform

ALICE, GWEN = "alice@example.com", "gwen@example.com"
COOKIE = "__Host-mlflow"
HOUR = 3600
# `sessions.hours` of the dev stack.
SESSION_HOURS = 12
WORKSPACES = "/ajax-api/3.0/mlflow/workspaces"
# As directories have them, which number their groups: nothing that compression could shorten.
MANY = tuple(f"{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}-machine-learning-{number:03}" for number in range(200))
ROLLOUT_SECONDS = 240
STATUS = "path => fetch(path).then(answer => answer.status)"
# Writes what it is asked for into its log, which is where the test reads it.
LISTENER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("", 8443), Handler).serve_forever()
"""
# The ingress controller's: an identity provider behind it is what the dev stack's login may get to.
LISTENER_NAMESPACE = "traefik"
SERVER = "--selector=app.kubernetes.io/name=mlflow"


@pytest.fixture(scope="module")
def browser(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    expect.set_options(timeout=browsers.PAGE_MILLISECONDS)
    home = tmp_path_factory.mktemp("home")
    with sync_playwright() as playwright, browsers.chromium(playwright, home, platform.authority) as started:
        yield started


@pytest.fixture(scope="module")
def password(platform: Platform) -> str:
    assert ALICE in platform.users
    return _password(ALICE)


def _password(user: str) -> str:
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)[user]


@pytest.fixture(scope="module")
def runs(client: Client, platform: Platform) -> str:
    """Address of the page with an experiment's runs."""
    made = client.script("training_curves", "churn-model", team="team-a")
    return f"{platform.url}/#/experiments/{made['experiment_id']}/runs?workspace=team-a"


def test_a_link_to_a_page_leads_there_by_way_of_the_login(browser: Browser, runs: str, password: str) -> None:
    """MLflow puts the page after the `#`, which browsers send neither to the login nor to the identity provider."""
    with session(browser) as page:
        sign_in(page, runs, ALICE, password)
        # The page adds to its address what it shows.
        assert page.url.startswith(runs)
        expect(page.get_by_text("churn-model", exact=True).first).to_be_visible()


def test_after_expiry_somebody_signs_in_and_is_back_on_their_page(
    browser: Browser, platform: Platform, runs: str, password: str
) -> None:
    with session(browser) as page:
        sign_in(page, runs, ALICE, password)
        _grow_older(page, platform, seconds=(SESSION_HOURS - 1) * HOUR)
        assert page.evaluate(STATUS, WORKSPACES) == 200
        _grow_older(page, platform, seconds=2 * HOUR)
        assert page.evaluate(STATUS, WORKSPACES) == 401
        page.reload()
        page.fill("input[name=login]", ALICE)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_url(lambda address: address.startswith(runs))
        expect(page.get_by_text("churn-model", exact=True).first).to_be_visible()


def _grow_older(page: Page, platform: Platform, *, seconds: int) -> None:
    """Set the session's start into the past, because waiting would take hours."""
    (cookie,) = [one for one in page.context.cookies(platform.url) if one.get("name") == COOKIE]
    secret = kube.login_secret(platform.namespace, "cookie-secret")
    aged = tokens.aged(str(cookie.get("value")), name=COOKIE, secret=secret, seconds=seconds)
    page.context.add_cookies(
        [{"name": COOKIE, "value": aged, "url": platform.url, "secure": True, "httpOnly": True, "sameSite": "Lax"}]
    )


@pytest.fixture
def told(platform: Platform) -> Iterator[str]:
    """Name of a pod that the login calls when somebody signs out, in place of an identity provider."""
    space = f"--namespace={platform.namespace}"
    image = kube.pod_of("mlflow", platform.namespace)["spec"]["containers"][0]["image"]
    pod = kube.team_pod("end-session", LISTENER_NAMESPACE, image=image, script=LISTENER)
    kube.remove_pod(pod)
    try:
        kube.kubectl("create", "--filename=-", stdin=json.dumps(pod))
        kube.kubectl(
            "wait", "--for=condition=Ready", "pod/end-session", f"--namespace={LISTENER_NAMESPACE}", seconds=90
        )
        address = kube.one("pod", "end-session", LISTENER_NAMESPACE)["status"]["podIP"]
        option = f"--backend-logout-url=http://{address}:8443/logout?id_token_hint={{id_token}}"
        sidecars = kube.one("deployment", "mlflow", platform.namespace)["spec"]["template"]["spec"]["initContainers"]
        (index,) = (number for number, one in enumerate(sidecars) if one["name"] == "oauth2-proxy")
        change = [{"op": "add", "path": f"/spec/template/spec/initContainers/{index}/args/-", "value": option}]
        kube.kubectl("patch", "deployment/mlflow", space, "--type=json", f"--patch={json.dumps(change)}")
        kube.kubectl("rollout", "status", "deployment/mlflow", space, seconds=ROLLOUT_SECONDS)
        # The one before knows of no such address, and is asked until the ingress controller has heard that it ends.
        wait_for("the pod before to be gone", lambda: len(kube.objects("pods", space, SERVER)) == 1, seconds=90)
        yield "end-session"
    finally:
        kube.kubectl("rollout", "undo", "deployment/mlflow", space)
        kube.kubectl("rollout", "status", "deployment/mlflow", space, seconds=ROLLOUT_SECONDS)
        kube.remove_pod(pod)


def test_the_identity_provider_is_told_who_signs_out(platform: Platform, password: str, told: str) -> None:
    """Dex has no such URL, so a pod receives the call; OAuth2-Proxy's option is that of `login.logoutUrl`."""
    visitor = Visitor(platform.authority)
    visitor.sign_in(f"{platform.url}/", ALICE, password)
    visitor.open(f"{platform.url}/oauth2/sign_out")
    assert visitor.open(platform.url + WORKSPACES).status == 401
    space = f"--namespace={LISTENER_NAMESPACE}"
    wait_for("the call", lambda: "/logout?" in kube.kubectl("logs", told, space).stdout, seconds=30)
    (line,) = [one for one in kube.kubectl("logs", told, space).stdout.splitlines() if one.startswith("/logout?")]
    (hint,) = parse_qs(urlsplit(line).query)["id_token_hint"]
    assert tokens.claims(hint)["email"] == ALICE


@pytest.fixture
def many_groups(tmp_path: Path) -> Iterator[Platform]:
    """A stack with somebody in two hundred groups, each of which manages team A."""
    login = {"kind": "development", "users": {ALICE: {"groups": [MANY[0]]}, GWEN: {"groups": list(MANY)}}}
    teams = {"team-a": {"groups": {"manager": list(MANY)}}, "team-b": {}}
    yield variant.deploy(tmp_path, {"mlflow-platform:login": login, "mlflow-platform:teams": teams})
    variant.restore()


def test_somebody_in_two_hundred_groups_signs_in_and_works(
    many_groups: Platform, browser: Browser, client: Client, figures: Figures
) -> None:
    """The groups' names are in the cookies, in a header to the server, and in each access review in Kubernetes."""
    assert client.platform.url == many_groups.url
    made = client.script("training_curves", "churn-model", team="team-a")
    runs = f"{many_groups.url}/#/experiments/{made['experiment_id']}/runs?workspace=team-a"
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, runs, GWEN, _password(GWEN))
        expect(page.get_by_text("churn-model", exact=True).first).to_be_visible()
        cookies = _session_cookies(page, many_groups.url)
        page.goto(f"{many_groups.url}/oauth2/sign_out")
        left = _session_cookies(page, many_groups.url)
    size = sum(len(name) + len(value) + 3 for name, value in cookies.items())
    figures.add(f"cookies of somebody in {len(MANY)} groups", f"{len(cookies)} cookies, {size} bytes")
    figures.add(f"header with {len(MANY)} groups", f"{len(','.join(MANY))} bytes")
    assert len(cookies) > 1, "or this tests nothing: the session fits into one"
    assert left == {}


def _session_cookies(page: Page, url: str) -> dict[str, str]:
    """Cookies of the session: one, or several numbered ones."""
    found = {str(one.get("name")): str(one.get("value")) for one in page.context.cookies(url)}
    return {name: value for name, value in found.items() if re.fullmatch(rf"{COOKIE}(_\d+)?", name)}
