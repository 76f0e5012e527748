"""Attacks on the login: forged identities, cookies, redirects, and requests that two hops parse differently."""

import json
import re
from http.cookiejar import Cookie
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from testbed.e2e.attack import raw, ways
from testbed.e2e.attack.callers import PEOPLE
from testbed.e2e.attack.oddities import BOB, EVIL, FORGED, POWER, TWO_LENGTHS
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.attack.ways import Intruder, Owner
from testbed.e2e.commands import run
from testbed.e2e.visitor import Visitor
from testbed.e2e.web import Answer, Site
from tools.stack import Platform

SEARCH = "/api/2.0/mlflow/experiments/search"
WORKSPACES = "/api/3.0/mlflow/workspaces"
COOKIE = "__Host-mlflow"
# Redirects after the login may lead to this host only.
TARGETS = (
    f"https://{EVIL}/",
    f"http://{EVIL}/",
    f"//{EVIL}/",
    f"///{EVIL}/",
    f"/\\{EVIL}/",
    f"\\\\{EVIL}/",
    f"/\t/{EVIL}/",
    f"/\n/{EVIL}/",
    f"/%2f{EVIL}/",
    f"/%5c{EVIL}/",
    f"/%09/{EVIL}/",
    f"https:{EVIL}/",
    f"https:/{EVIL}/",
    f"javascript:alert(1)//{EVIL}",
    f"data:text/html,{EVIL}",
    f"https://mlflow.localhost@{EVIL}/",
    f"https://mlflow.localhost.{EVIL}/",
    f"https://{EVIL}#mlflow.localhost",
    f"https://{EVIL}\\@mlflow.localhost",
    f"/..//{EVIL}/",
    f"/./{EVIL}/../..//{EVIL}",
    f"//{EVIL}%2f%2e%2e",
)


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)


@pytest.fixture(scope="module")
def session(platform: Platform, passwords: dict[str, str]) -> list[Cookie]:
    """Session cookies of team A's manager."""
    visitor = Visitor(platform.authority)
    visitor.sign_in(f"{platform.url}/oauth2/start?rd=/", PEOPLE["manager"], passwords[PEOPLE["manager"]])
    return [cookie for cookie in visitor.cookies if cookie.name.startswith(COOKIE)]


def _cookie(session: list[Cookie], change: tuple[str, str] | None = None) -> dict[str, str]:
    value = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session)
    return {"Cookie": value.replace(*change) if change else value}


def _names(answer: Answer) -> list[str]:
    return [workspace["name"] for workspace in answer.json().get("workspaces", ())]


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: next(iter(forged)))
@pytest.mark.parametrize("caller", ["manager", "program", "stranger", "nobody"])
def test_a_forged_identity_changes_nothing(
    site: Site, everybody: dict[str, Caller], caller: str, forged: dict[str, str]
) -> None:
    who = everybody[caller]
    listed = site.ask("GET", WORKSPACES, token=who.token, headers=forged)
    if not who.token:
        assert listed.status == 401
        return
    assert listed.status == 200
    assert _names(listed) == ([who.workspace] if who.rights else [])
    document = {"name": "forged"}
    create = site.ask(
        "POST", f"{SEARCH[:-6]}create", token=who.token, workspace="team-b", headers=forged, document=document
    )
    assert create.status == 403


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Groups", "x-forwarded-groups", "X_Forwarded_Groups", "X-Forwarded-Email"]
)
def test_an_identity_header_sent_twice_changes_nothing(site: Site, everybody: dict[str, Caller], name: str) -> None:
    request = (
        f"GET {WORKSPACES} HTTP/1.1\r\nHost: {site.host}\r\nConnection: close\r\n"
        f"Authorization: Bearer {everybody['manager'].token}\r\n{name}: a\r\n{name}: {POWER}\r\n\r\n"
    )
    received = raw.exchange(site, request.encode())
    assert raw.statuses(received) == [200]
    assert b"team-b" not in received


@pytest.mark.parametrize("caller", ["manager", "program"])
def test_two_tokens_in_one_request_are_one_caller_or_none(
    site: Site, everybody: dict[str, Caller], caller: str
) -> None:
    own, other = everybody[caller].token, everybody["other manager"].token
    request = (
        f"GET {WORKSPACES} HTTP/1.1\r\nHost: {site.host}\r\nConnection: close\r\n"
        f"Authorization: Bearer {own}\r\nAuthorization: Bearer {own[:-4]}AAAA\r\n"
        f"X-Forwarded-Access-Token: {other}\r\n\r\n"
    )
    received = raw.exchange(site, request.encode())
    assert raw.statuses(received)[0] in {200, 400, 401}
    assert b"team-b" not in received


def test_the_cookie_of_a_session_opens_its_teams_workspace_only(site: Site, session: list[Cookie]) -> None:
    """Control: otherwise the refusals below could have another reason."""
    assert _names(site.ask("GET", WORKSPACES, headers=_cookie(session))) == ["team-a"]


def test_the_cookie_stays_with_this_host_and_is_no_scripts_business(session: list[Cookie]) -> None:
    for cookie in session:
        assert cookie.secure
        assert cookie.path == "/"
        assert not cookie.domain_specified
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite", "") == "Lax"


@pytest.mark.parametrize("place", [0, 10, -10, -1])
def test_a_tampered_cookie_is_refused(site: Site, session: list[Cookie], place: int) -> None:
    value = session[0].value or ""
    changed = list(value)
    changed[place] = "A" if changed[place] != "A" else "B"
    answer = site.ask("GET", WORKSPACES, headers=_cookie(session, (value, "".join(changed))))
    assert answer.status == 401


@pytest.mark.parametrize("value", ["", "x", "x|1|x", "e30|1795260000|AAAA", "=", "%00", "{}"])
def test_a_cookie_made_without_the_secret_is_refused(site: Site, value: str) -> None:
    assert site.ask("GET", WORKSPACES, headers={"Cookie": f"{COOKIE}={value}"}).status == 401


@pytest.mark.parametrize("name", ["mlflow", "__Secure-mlflow", "_oauth2_proxy", "__host-mlflow", " __Host-mlflow "])
def test_the_cookie_under_another_name_is_refused(site: Site, session: list[Cookie], name: str) -> None:
    """Another host of the same domain could set such cookies."""
    value = session[0].value or ""
    answer = site.ask("GET", WORKSPACES, headers={"Cookie": f"{name.strip() if name[0] != ' ' else 'x'}={value}"})
    assert answer.status == 401


@pytest.mark.parametrize(
    "origin", [f"https://{EVIL}", "null", "http://mlflow.localhost", "https://mlflow.localhost.evil.example"]
)
@pytest.mark.parametrize("path", [SEARCH, f"/ajax-api{SEARCH[4:]}"])
def test_another_sites_page_makes_a_signed_in_browser_do_nothing(
    site: Site, session: list[Cookie], origin: str, path: str
) -> None:
    headers = {**_cookie(session), "Origin": origin, "X-MLFLOW-WORKSPACE": "team-a"}
    for kind in ("application/json", "text/plain"):
        answer = site.ask("POST", path, headers={**headers, "Content-Type": kind}, content=b'{"max_results": 1}')
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
    asked = {**headers, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-mlflow-workspace"}
    assert "access-control-allow-origin" not in site.ask("OPTIONS", path, headers=asked).headers


def test_the_platforms_own_page_may_post(site: Site, session: list[Cookie]) -> None:
    headers = {**_cookie(session), "Origin": f"https://{site.host}", "X-MLFLOW-WORKSPACE": "team-a"}
    assert site.ask("POST", SEARCH, headers=headers, document={"max_results": 1}).status == 200


@pytest.mark.parametrize("path", ["/graphql", "/v1/traces"])
def test_no_other_site_writes_where_mlflow_checks_no_origin(site: Site, session: list[Cookie], path: str) -> None:
    """A form of another site can neither name a workspace nor send JSON, and SameSite withholds the cookie."""
    headers = {**_cookie(session), "Origin": f"https://{EVIL}", "Content-Type": "text/plain"}
    assert site.ask("POST", path, headers=headers, content=b'{"query": "{ x }"}').status >= 400


@pytest.mark.parametrize("target", TARGETS)
def test_signing_in_and_out_leads_nowhere_else(platform: Platform, site: Site, target: str) -> None:
    for path in ("start", "sign_in", "sign_out"):
        answer = site.ask("GET", f"/oauth2/{path}?rd={quote(target, safe='')}")
        location = answer.headers.get("location", "/")
        assert urlsplit(location).netloc in {"", site.host, f"dex.{site.host}"}, location
        assert not location.replace("\\", "/").startswith("//"), location
        query = parse_qs(urlsplit(location).query)
        for state in query.get("state", ()):
            # Behind the nonce, where the visitor is led to in the end: a path of this host.
            # OAuth2-Proxy encodes it once more since 7.15.6.
            assert re.fullmatch(r"[^:]+:/(?:[^/\\\s].*)?", unquote(state)), location
        assert query.get("redirect_uri", [f"{platform.url}/oauth2/callback"]) == [f"{platform.url}/oauth2/callback"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_visitor_who_has_signed_in_is_still_here(platform: Platform, passwords: dict[str, str], target: str) -> None:
    """The whole sign-in is run: through the identity provider's form and back."""
    visitor = Visitor(platform.authority)
    user = PEOPLE["manager"]
    page = visitor.sign_in(f"{platform.url}/oauth2/start?rd={quote(target, safe='')}", user, passwords[user])
    assert page.url.startswith(f"{platform.url}/"), page.url


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": EVIL},
        {"X-Forwarded-Proto": "http"},
        {"X-Forwarded-Uri": f"//{EVIL}/"},
        {"X-Auth-Request-Redirect": f"https://{EVIL}/"},
        {"X-Original-Host": EVIL},
        {"Forwarded": f"host={EVIL}"},
        {"Referer": f"https://{EVIL}/"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_changes_where_the_login_leads_to(platform: Platform, site: Site, headers: dict[str, str]) -> None:
    for path in ("/oauth2/start?rd=/", "/oauth2/start", "/oauth2/sign_out"):
        answer = site.ask("GET", path, headers=headers)
        location = answer.headers.get("location", "")
        assert EVIL not in location
        assert "redirect_uri=http%3A" not in location
        assert EVIL not in json.dumps(answer.headers)
    assert platform.url.startswith("https://")


@pytest.mark.parametrize("host", [EVIL, "localhost", "127.0.0.1", "mlflow.mlflow.svc", "dex.mlflow.localhost:5556"])
def test_another_host_name_is_not_served(site: Site, everybody: dict[str, Caller], host: str) -> None:
    answer = site.ask("GET", WORKSPACES, token=everybody["manager"].token, headers={"Host": host})
    assert answer.status in {403, 404, 421}


def test_a_request_with_two_hosts_is_refused(site: Site) -> None:
    received = raw.exchange(
        site, f"GET /oauth2/start HTTP/1.1\r\nHost: {site.host}\r\nHost: {EVIL}\r\nConnection: close\r\n\r\n".encode()
    )
    assert raw.statuses(received)[:1] == [400]


SMUGGLED = f"POST {SEARCH} HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-Email: {BOB}\r\nContent-Length: 2\r\n\r\n{{}}"


@pytest.mark.parametrize("kind", TWO_LENGTHS)
def test_a_request_hidden_in_another_is_not_served(site: Site, everybody: dict[str, Caller], kind: str) -> None:
    """If two hops disagreed on where a request ends, the hidden request would pass as authenticated by the login."""
    head = (
        f"POST {SEARCH} HTTP/1.1\r\nHost: {site.host}\r\nContent-Type: application/json\r\n"
        f"X-MLFLOW-WORKSPACE: team-b\r\nAuthorization: Bearer {everybody['stranger'].token}\r\n"
    )
    hidden = SMUGGLED.replace("HOST", site.host)
    received = raw.exchange(site, (head + TWO_LENGTHS[kind].replace("SMUGGLED", hidden)).encode())
    served = [status for status in raw.statuses(received)[1:] if status == 200]
    assert served == []
    assert b'"experiments":' not in received


def test_http_1_0_is_judged_like_any_other(site: Site, everybody: dict[str, Caller]) -> None:
    assert raw.statuses(raw.exchange(site, f"GET {WORKSPACES} HTTP/1.0\r\n\r\n".encode()))[:1] in ([404], [400], [401])
    asked = f"GET {WORKSPACES} HTTP/1.0\r\nHost: {site.host}\r\nX-Forwarded-Email: {BOB}\r\n\r\n"
    assert raw.statuses(raw.exchange(site, asked.encode())) == [401]
    token = everybody["manager"].token
    asked = f"GET {WORKSPACES} HTTP/1.0\r\nHost: {site.host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    assert b"team-b" not in raw.exchange(site, asked.encode())


@pytest.mark.parametrize("kibibytes", [64, 512, 2048])
def test_very_large_headers_are_refused_and_the_next_request_is_served(
    site: Site, everybody: dict[str, Caller], kibibytes: int
) -> None:
    token = everybody["manager"].token
    large = f"X-Forwarded-Groups: {'g' * kibibytes * 1024}\r\nAuthorization: Bearer {token}"
    asked = f"GET {WORKSPACES} HTTP/1.1\r\nHost: {site.host}\r\nConnection: close\r\n{large}\r\n\r\n"
    received = raw.exchange(site, asked.encode())
    assert b"team-b" not in received
    assert set(raw.statuses(received)) <= {200, 400, 431, 502}
    assert _names(site.ask("GET", WORKSPACES, token=token)) == ["team-a"]


@pytest.mark.parametrize(
    "path",
    [
        "/health/..;/api/3.0/mlflow/workspaces",
        "/health%2f..%2fapi/3.0/mlflow/workspaces",
        "/health%3f/../api/3.0/mlflow/workspaces",
        "/health%23/../api/3.0/mlflow/workspaces",
        "/health%00/../api/3.0/mlflow/workspaces",
        "/api/3.0/mlflow/workspaces/../../../../health",
        "/api/3.0/mlflow/workspaces#/health",
        "/api/3.0/mlflow/workspaces?/health",
        "/api/3.0/mlflow/workspaces;/health",
        "//api/3.0/mlflow/workspaces",
        "/%61pi/3.0/mlflow/workspaces",
        "/API/3.0/mlflow/workspaces",
        "/./api/3.0/mlflow/workspaces",
        "/oauth2/../api/3.0/mlflow/workspaces",
        "/oauth2/auth/../../api/3.0/mlflow/workspaces",
        "/ping/../api/3.0/mlflow/workspaces",
        "/ready/../api/3.0/mlflow/workspaces",
        "/static-files/../api/3.0/mlflow/workspaces",
        "http://127.0.0.1:5000/api/3.0/mlflow/workspaces",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "get", "TRACE", "OPTIONS"])
def test_no_spelling_of_a_path_is_served_without_a_login(site: Site, path: str, method: str) -> None:
    headers = f"Host: {site.host}\r\nX-Forwarded-Email: {BOB}\r\nContent-Length: 0\r\nConnection: close"
    asked = f"{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n"
    received = raw.exchange(site, asked.encode())
    assert b'workspaces":' not in received
    # `OK` is all that the open path of the probes says.
    served = [status for status in raw.statuses(received) if status == 200]
    assert served == [] or re.search(rb"\r\n\r\n(OK)?$", received), received[-300:]


def test_no_odd_request_is_a_way_around_the_login(
    site: Site, everybody: dict[str, Caller], session: list[Cookie]
) -> None:
    owner = Owner(site=site, workspace="team-b", credentials=ways.bearer(everybody["other manager"].token))
    intruders = [
        Intruder(name="nobody"),
        Intruder(name="manager", workspace="team-a", credentials=_cookie(session)),
        *(
            Intruder(name=name, workspace=everybody[name].workspace, credentials=ways.bearer(everybody[name].token))
            for name in ("program", "stranger")
        ),
    ]
    assert ways.holes(owner, intruders) == []
