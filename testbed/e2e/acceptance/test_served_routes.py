"""Routes that are not on the list do not exist, and collections are refused instead of emptied."""

import json

import pytest

from testbed.e2e.attack.line import Line
from testbed.e2e.attack.table import JSON_HEADERS, Request
from testbed.e2e.attack.verdict import Answer, Caller
from testbed.e2e.attack.world import World
from testbed.e2e.web import Site

SEARCH = "/api/2.0/mlflow/experiments/search"
GET = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=x"
NOWHERE = "/no/such/route"
# One route of each group that is off, and other spellings of served paths, as far as the proxies in front of the server
# neither correct nor refuse them.
NOT_SERVED = (
    ("POST", "/ajax-api/3.0/mlflow/demo/generate"),
    ("GET", "/api/2.0/mlflow/webhooks"),
    ("POST", "/api/2.0/mlflow/webhooks"),
    ("POST", "/gateway/mlflow/v1/chat/completions"),
    ("POST", "/ajax-api/3.0/mlflow/scorer/invoke"),
    ("GET", "/ajax-api/3.0/mlflow/assistant/config"),
    ("POST", "/ajax-api/3.0/jobs/search"),
    ("GET", "/api/3.0/mlflow/mcp-servers"),
    ("POST", "/api/3.0/mlflow/workspaces"),
    ("GET", "/graphql"),
    ("GET", "/metrics"),
    ("GET", "/build/index.html"),
    ("OPTIONS", SEARCH),
    ("PUT", SEARCH),
    ("POST", f"{SEARCH}/"),
    ("POST", SEARCH.replace("search", "Search")),
    ("POST", SEARCH.replace("/search", "/x/..;/search")),
)
CALLERS = ("manager", "stranger")


def _send(site: Site, caller: Caller, method: str, path: str, document: object = None) -> Answer:
    body = b"" if document is None else json.dumps(document).encode()
    request = Request(method=method, path=path, headers=JSON_HEADERS if body else {}, body=body)
    return Line(site).send(request, token=caller.token, workspace="team-b")


@pytest.mark.parametrize("name", CALLERS)
@pytest.mark.parametrize(("method", "path"), NOT_SERVED, ids=lambda value: value)
def test_what_is_not_served_looks_like_what_does_not_exist(
    site: Site, everybody: dict[str, Caller], name: str, method: str, path: str
) -> None:
    answer = _send(site, everybody[name], method, path)
    nowhere = _send(site, everybody[name], method, NOWHERE)
    assert (answer.status, answer.body) == (404, nowhere.body)


def test_the_same_paths_are_served_in_their_own_spelling(site: Site, everybody: dict[str, Caller]) -> None:
    """Control: otherwise the refusals above could have another reason."""
    assert _send(site, everybody["other manager"], "POST", SEARCH, {"max_results": 1}).status == 200
    assert _send(site, everybody["other manager"], "GET", GET).status == 404


@pytest.mark.parametrize("key", ["filter", "page_token", "order_by", "max_results"])
def test_a_stranger_learns_nothing_from_the_answer_to_a_search(
    site: Site, everybody: dict[str, Caller], victim: World, key: str
) -> None:
    """As published, the plugin answers `{"experiments": []}` if a filter matches, and else `{}`."""
    secret = victim.values["secret"]
    values: dict[str, list[object]] = {
        "filter": [f"tags.secret LIKE '{secret[:-1]}%'", "tags.secret LIKE 'nothing%'", "nonsense"],
        "page_token": ["eyJvZmZzZXQiOiAxfQ==", "nonsense"],
        "order_by": [["name ASC"], ["nonsense"]],
        "max_results": [1, 1000, -1],
    }
    answers = [
        _send(site, everybody["stranger"], "POST", SEARCH, {"max_results": 1, key: value}) for value in values[key]
    ]
    assert [answer.status for answer in answers] == [403] * len(answers)
    assert len({answer.body for answer in answers}) == 1
