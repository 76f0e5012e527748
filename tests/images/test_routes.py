"""Only the routes in routes.toml are served, in exactly the form that is listed."""

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from mlflow_platform_server import routes
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.routes import Matcher, Routes, RoutesError
from mlflow_platform_server.scope import KEY, RequestFacts

JUDGED = routes.read(routes.FILE.read_text(encoding="utf-8"))
OFFERED = sorted(JUDGED.offered(()))
OFF = sorted(set(JUDGED.all()) - set(OFFERED))
EVERYTHING = sorted(JUDGED.offered(JUDGED.features))
FILES = "static/js/main.1a2b3c.chunk.js"


def sample(route: str, parameter: str = "a-1", path: str = "b/c.txt") -> tuple[str, str]:
    """Method and path of a request to a route."""
    method, template = route.split(" ", 1)
    if template.startswith("/static-files/"):
        path = FILES
    return method, re.sub(r"<path:\w+>", path, re.sub(r"<\w+>", parameter, template))


def found(method: str, path: str, features: tuple[str, ...] = ()) -> str | None:
    """The route of a request."""
    return Matcher(JUDGED, features).route(method, path.encode())


ALL = Matcher(JUDGED, JUDGED.features)
CORE = Matcher(JUDGED)


@pytest.mark.parametrize("route", EVERYTHING)
def test_a_request_to_a_route_is_taken_for_that_route(route: str) -> None:
    method, path = sample(route)
    assert ALL.route(method, path.encode()) == route


@pytest.mark.parametrize("route", OFF)
def test_a_route_that_is_off_is_not_served_under_the_name_of_another(route: str) -> None:
    method, path = sample(route)
    assert CORE.route(method, path.encode()) is None


def altered(path: str) -> Iterator[str]:
    """Other spellings of a path that some software treats as the same path."""
    yield path + "/"
    yield "/" + path
    yield path + "//"
    yield path + "/."
    yield path + "/.."
    yield path + "/..;/x"
    yield path + "?"
    yield path + "#"
    yield path + "\\"
    yield path + "%00"
    yield path + "%0a"
    yield path + "%2f"
    yield path + "%5c"
    yield path + "%"
    yield path + " "
    yield path + "\u0131"
    yield path.replace("/", "//", 1)
    yield path.replace("/", "/./", 1)
    yield path.replace("/", "/x/../", 1)
    yield path.replace("/", "/..;x/", 1)
    yield path.replace("/", "\\", 1)
    yield path.replace("/", "%2F", 1)
    yield path.removeprefix("/")
    # The first letter of the path, so not part of a parameter.
    if len(path) > 1:
        yield "/" + path[1].upper() + path[2:]
        yield f"/%{ord(path[1]):02x}{path[2:]}"


@pytest.mark.parametrize("route", [route for route in OFFERED if "<" not in route])
def test_another_spelling_of_a_path_without_parameters_is_not_served(route: str) -> None:
    method, path = sample(route)
    served = [other for other in altered(path) if CORE.route(method, other.encode()) is not None]
    assert served == []


@pytest.mark.parametrize("route", [route for route in OFFERED if "<" in route and "/static-files/" not in route])
def test_a_parameter_that_could_change_the_path_is_not_served(route: str) -> None:
    values = ("", ".", "..", "..;", "..;x", "%2e%2E", "%2e.;", "a%2fb", "a%2Fb", "a%5cb", "a\\b", "a%00", "a%7f", "a%")
    requests = [(value, *sample(route, parameter=value, path=f"x/{value}/y")) for value in values]
    assert [value for value, method, path in requests if CORE.route(method, path.encode()) is not None] == []


def test_names_of_objects_and_files_may_have_any_other_character() -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/R%C3%A9sum%C3%A9%20(1);v=2/..a/.hidden/100%25@[x]~.txt"
    assert CORE.route("PUT", path.encode()) == "PUT /api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>"


@pytest.mark.parametrize(
    "name", ["../app.py", ".env", "static/.git/config", "a/b/c/d/e.js", "a%2f..%2fb", "index.html/"]
)
def test_only_names_like_those_of_the_pages_files_are_served_as_files(name: str) -> None:
    assert CORE.route("GET", f"/static-files/{name}".encode()) is None


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", ""])
def test_a_method_that_no_route_has_is_not_served(method: str) -> None:
    assert [route for route in OFFERED if CORE.route(method, sample(route)[1].encode()) is not None] == []


def test_head_is_served_where_get_is() -> None:
    assert found("HEAD", "/health") == "GET /health"
    assert found("HEAD", "/api/2.0/mlflow/runs/create") is None


def test_a_path_longer_than_any_name_is_not_served() -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/"
    assert found("GET", path.ljust(routes.PATH_BYTES, "a")) is not None
    assert found("GET", path.ljust(routes.PATH_BYTES + 1, "a")) is None


@pytest.mark.parametrize("feature", JUDGED.features)
def test_a_feature_switches_on_its_own_routes_only(feature: str) -> None:
    (group,) = (group for group in JUDGED.groups if group.kind == "features" and group.name == feature)
    assert set(JUDGED.offered([feature])) - set(OFFERED) == set(group.routes)


def test_an_unknown_feature_is_an_error() -> None:
    with pytest.raises(RoutesError, match=r"Unknown in server\.features: everything"):
        Matcher(JUDGED, ["everything"])


def test_what_reaches_out_or_runs_code_is_off_by_default() -> None:
    words = ("webhook", "demo", "invoke", "invocations", "assistant", "jobs", "/gateway/", "online-config ", "mpu/comp")
    assert [route for route in OFFERED if any(word in f"{route} " for word in words)] == []


def test_every_group_says_why() -> None:
    assert [group.name for group in JUDGED.groups if not group.reason.endswith(".")] == []


def test_a_route_that_is_listed_twice_is_an_error() -> None:
    text = 'mlflow = "1"\npatterns = {}\nfeatures = {}\n[core.a]\nreason = "a."\nroutes = ["GET /x"]\n'
    twice = text + '[never.b]\nreason = "b."\nroutes = ["GET /x"]\n'
    assert list(routes.read(text + "[never]\n").all()) == ["GET /x"]
    with pytest.raises(RoutesError, match="Listed twice: GET /x"):
        routes.read(twice)


def test_the_last_part_of_a_route_that_is_off_is_not_the_name_of_an_object() -> None:
    text = (
        'mlflow = "1"\npatterns = {}\n[never]\n[core.a]\nreason = "a."\nroutes = ["GET /x/<name>"]\n'
        '[features.b]\nreason = "b."\nroutes = ["GET /x/search"]\n'
    )
    off, on = Matcher(routes.read(text)), Matcher(routes.read(text), ["b"])
    assert [off.route("GET", b"/x/search"), off.route("GET", b"/x/other")] == [None, "GET /x/<name>"]
    assert on.route("GET", b"/x/search") == "GET /x/search"


def test_features_are_separated_by_commas() -> None:
    assert routes.chosen("") == frozenset()
    assert routes.chosen("webhooks, demo,") == {"webhooks", "demo"}


def test_new_and_vanished_routes_are_differences() -> None:
    served = {*JUDGED.all(), "POST /api/4.0/mlflow/surprise"} - {"GET /version"}
    assert routes.differences(JUDGED, served) == [
        "not on the list: POST /api/4.0/mlflow/surprise",
        "does not exist: GET /version",
    ]
    assert routes.differences(JUDGED, set(JUDGED.all())) == []


@pytest.mark.parametrize(
    ("version", "older"),
    [("3.16.1", True), ("3.9", True), ("3.17.0", False), ("3.17.2", False), ("3.18.0rc1", False), ("4.0.0", False)],
)
def test_releases_are_compared_by_number(version: str, *, older: bool) -> None:
    assert routes.older(version, "3.17") == older


class Exchange:
    """One request to the layer."""

    def __init__(self, method: str, raw_path: bytes, *, path: str | None = None, kind: str = "http") -> None:
        self.passed: list[Message] = []
        self.answer: list[Message] = []
        decoded = unquote(raw_path.decode("latin-1")) if path is None else path
        self.facts = RequestFacts(id="r-1")
        self.scope: Message = {"type": kind, "method": method, "path": decoded, "raw_path": raw_path, KEY: self.facts}

    def send(self, features: tuple[str, ...] = ()) -> "Exchange":
        """Send the request; the layer must not read its body."""

        async def app(scope: Message, *_: object) -> None:
            self.passed.append(scope)

        async def receive() -> Message:
            raise AssertionError("the layer reads nothing")

        async def send(message: Message) -> None:
            self.answer.append(message)

        asyncio.run(Routes(app, JUDGED, features)(self.scope, receive, send))
        return self


def test_the_route_is_written_into_the_facts_of_the_request() -> None:
    facts = Exchange("GET", b"/api/3.0/mlflow/traces/tr-1").send().facts
    assert (facts.route, facts.refused_by) == ("GET /api/3.0/mlflow/traces/<trace_id>", None)


def test_the_facts_say_that_the_list_of_routes_refused() -> None:
    facts = Exchange("GET", b"/nothing").send().facts
    assert (facts.route, facts.refused_by) == (None, "routes")


def test_a_request_that_no_layer_has_begun_to_record_is_not_served() -> None:
    exchange = Exchange("GET", b"/health")
    del exchange.scope[KEY]
    with pytest.raises(KeyError):
        exchange.send()
    assert not exchange.passed


def test_everything_that_is_not_served_gets_the_same_answer() -> None:
    paths = [b"/nothing", b"/api/2.0/mlflow/webhooks", b"/api/2.0/mlflow/runs/create/", b"/..;x/", b"/\xff"]
    exchanges = [Exchange(method, path).send() for path in paths for method in ("GET", "POST", "OPTIONS")]
    assert all(not exchange.passed for exchange in exchanges)
    assert exchanges[0].answer[0]["status"] == 404
    assert [exchange.answer for exchange in exchanges] == [exchanges[0].answer] * len(exchanges)


def test_a_request_whose_two_paths_disagree_is_not_served() -> None:
    assert not Exchange("GET", b"/health", path="/version").send().passed
    assert Exchange("GET", b"/health", path="/health").send().passed


def test_a_feature_that_is_on_is_served() -> None:
    assert not Exchange("GET", b"/api/2.0/mlflow/webhooks").send().passed
    assert Exchange("GET", b"/api/2.0/mlflow/webhooks").send(("webhooks",)).passed


def test_web_sockets_are_closed_and_the_servers_own_events_pass() -> None:
    socket = Exchange("GET", b"/health", kind="websocket").send()
    assert socket.passed == []
    assert [message["type"] for message in socket.answer] == ["websocket.close"]
    assert Exchange("", b"", kind="lifespan").send().passed
