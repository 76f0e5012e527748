"""The strict mode: Kubernetes checks access with each caller's own token; the server's own account may not check it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.e2e import kube, tokens, variant
from testbed.e2e.attack import ways
from testbed.e2e.attack.ways import Intruder, Owner
from testbed.e2e.commands import CHECKOUT, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.visitor import Visitor
from testbed.e2e.web import Site
from tools.stack import Platform

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
CREATE = "/api/2.0/mlflow/experiments/create"
GET = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=nothing-of-that-name"
WORKSPACES = "/api/3.0/mlflow/workspaces"
FORGED = {"X-Forwarded-Email": BOB, "X-Forwarded-Groups": "team-b-mlflow-users", "X-Forwarded-Access-Token": "forged"}
# `server.accessCacheSeconds` of the dev stack, and what the API server keeps of a token by itself.
CACHE_SECONDS = 30
API_SERVER_SECONDS = 10
SLACK_SECONDS = 10
# The API server's first start with the file, on a busy machine.
TRUST_SECONDS = 300
IN_A_ROW = 5


@pytest.fixture(scope="module")
def strict(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("strict")
    assert platform.authority is not None
    authority = folder / "ca.crt"
    authority.write_text(platform.authority, encoding="utf-8")
    issuer = platform.url.replace("https://", "https://dex.")
    _trust(issuer, "--audience=mlflow", f"--ca={authority}")
    deployed = variant.deploy(folder, variant.changes_of("strict"))
    _settle(deployed)
    yield deployed
    variant.restore()
    _trust()


def _trust(*arguments: str) -> None:
    python = CHECKOUT / ".venv" / "bin" / "python"
    run(python, "-m", "testbed", "trust-issuer", *arguments, seconds=TRUST_SECONDS)


def _settle(strict: Platform) -> None:
    """Wait until only the new server answers.

    The API server was restarted, so the ingress controller has lost its connection to it. It learns of the new pod only
    after it has connected again.
    """
    site, account = Site.of(strict), strict.teams["team-a"]
    token = kube.token(account.namespace, account.service_account)

    def strictly() -> bool:
        return all(site.ask("GET", GET, token=token, workspace="team-a").status == 404 for _ in range(IN_A_ROW))

    wait_for("the strict server", strictly, seconds=TRUST_SECONDS)


@pytest.fixture(scope="module")
def place(strict: Platform) -> Site:
    return Site.of(strict)


@pytest.fixture(scope="module")
def passwords(strict: Platform) -> dict[str, str]:
    assert strict.users
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)


def _visitor(strict: Platform, passwords: dict[str, str], user: str) -> Visitor:
    visitor = Visitor(strict.authority)
    visitor.sign_in(f"{strict.url}/", user, passwords[user])
    return visitor


def _create(strict: Platform, visitor: Visitor, team: str) -> int:
    sent = {**FORGED, "X-MLFLOW-WORKSPACE": team, "Content-Type": "application/json"}
    return visitor.open(strict.url + CREATE, content=b'{"name": "strict"}', headers=sent).status


def test_a_person_who_signed_in_sees_their_own_team(strict: Platform, passwords: dict[str, str]) -> None:
    for user, teams in ((ALICE, ["team-a"]), (BOB, ["team-b"]), (CAROL, [])):
        seen = json.loads(_visitor(strict, passwords, user).open(strict.url + WORKSPACES).body)
        assert [one["name"] for one in seen.get("workspaces", [])] == teams


def test_a_person_is_refused_in_another_team(strict: Platform, passwords: dict[str, str]) -> None:
    alice = _visitor(strict, passwords, ALICE)
    assert _create(strict, alice, "team-a") in {200, 400}, "400: it is there already"
    assert _create(strict, alice, "team-b") == 403


def test_no_odd_request_is_a_way_around_the_login(strict: Platform, place: Site, passwords: dict[str, str]) -> None:
    def token(team: str) -> dict[str, str]:
        return ways.bearer(kube.token(strict.teams[team].namespace, strict.teams[team].service_account))

    owner = Owner(site=place, workspace="team-b", credentials=token("team-b"))
    intruders = [
        Intruder(name="nobody"),
        Intruder(name="alice", credentials=ways.cookies(_visitor(strict, passwords, ALICE))),
        Intruder(name="program", credentials=token("team-a")),
    ]
    assert ways.holes(owner, intruders) == []


def test_somebody_without_a_group_is_told_what_to_do(strict: Platform, passwords: dict[str, str]) -> None:
    page = _visitor(strict, passwords, CAROL).open(f"{strict.url}/", headers={"Accept": "text/html"})
    assert page.status == 403
    assert "you are in no team yet" in page.text


def test_the_server_may_not_ask_for_others(strict: Platform) -> None:
    account = f"--as=system:serviceaccount:{strict.namespace}:mlflow"
    asked = kube.kubectl("auth", "can-i", "create", "subjectaccessreviews.authorization.k8s.io", account, expected=None)
    assert asked.stdout.strip() == "no"


def test_a_program_logs_with_the_token_that_kubernetes_gives_every_pod(strict: Platform, tmp_path: Path) -> None:
    assert strict.audience == "https://kubernetes.default.svc.cluster.local"
    found = Client.of(strict, tmp_path).script("small_project", team="team-a")
    assert found["came_back"] == found["sent"]


def test_a_program_is_refused_in_another_team_and_without_the_api_servers_audience(
    strict: Platform, place: Site
) -> None:
    account = strict.teams["team-a"]
    own = kube.token(account.namespace, account.service_account)
    assert place.ask("POST", CREATE, token=own, workspace="team-b", document={"name": "intruder"}).status == 403
    other = kube.token(account.namespace, account.service_account, "--audience=mlflow")
    assert place.ask("GET", GET, token=other, workspace="team-a").status == 401


def test_an_id_token_opens_its_groups_workspaces_only(strict: Platform, place: Site, passwords: dict[str, str]) -> None:
    secret = kube.login_secret(strict.namespace, "client-secret")
    token = place.id_token(client_secret=secret, user=ALICE, password=passwords[ALICE])
    assert place.ask("GET", GET, token=token, workspace="team-a").status == 404
    assert place.ask("GET", GET, token=token, workspace="team-b").status == 403


def test_a_stranger_with_a_token_of_the_same_form_is_refused(strict: Platform, place: Site) -> None:
    account = strict.teams["team-a"]
    good = kube.token(account.namespace, account.service_account)
    forged = tokens.resigned(good, expires_in=600, key=tokens.strange_key())
    assert place.ask("GET", GET, token=forged, workspace="team-a").status == 401


def test_what_is_taken_away_is_gone_within_the_cache_time(place: Site, figures: Figures, strict: Platform) -> None:
    """Deleting the RoleBinding ends access; so does deleting the service account: the API server rejects its token."""
    space, bound = "--namespace=team-a", CACHE_SECONDS + API_SERVER_SECONDS + SLACK_SECONDS
    assert strict.teams["team-a"].namespace == "team-a"
    for kind, status in (("rolebinding", 403), ("serviceaccount", 401)):
        kube.kubectl("create", "serviceaccount", "leaver", space)
        kube.kubectl(
            "create", "rolebinding", "leaver", "--role=mlflow-manager", "--serviceaccount=team-a:leaver", space
        )
        try:
            token = kube.token("team-a", "leaver")

            def status_now(token: str = token) -> int:
                return place.ask("GET", GET, token=token, workspace="team-a").status

            wait_for("the binding counts", lambda ask=status_now: ask() == 404, seconds=bound)
            kube.kubectl("delete", kind, "leaver", space)
            took = wait_for(f"its end counts ({kind})", lambda ask=status_now, end=status: ask() == end, seconds=bound)
            figures.add(f"strict: {kind} removed -> {status}", took)
        finally:
            kube.kubectl("delete", "rolebinding,serviceaccount", "leaver", space, "--ignore-not-found")
