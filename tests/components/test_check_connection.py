"""The connectivity check, against small test servers."""

import contextlib
import datetime as dt
import http.server
import importlib.util
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from components import scripts
from components.exposure.certificate import authority_certificate, self_signed
from components.scripts.client_version import misfit

FOLDER = Path(scripts.__file__).parent
SEARCH = "/api/2.0/mlflow/experiments/search"
SEED = b"a test"
Routes = dict[str, tuple[int, str]]
MLFLOW: Routes = {"/health": (200, "OK"), "/version": (200, "3.15.1"), SEARCH: (200, "{}")}


@pytest.fixture(name="script")
def _script(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module that runs in pods
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    spec = importlib.util.spec_from_file_location("check_connection", FOLDER / "check_connection.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "check_connection", module)
    spec.loader.exec_module(module)
    return module


def handler(routes: Routes, seen: list[str]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(str(self.headers.get("Authorization")))
            status, text = routes.get(self.path, (404, "<html>nothing</html>"))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", text)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - says nothing
            pass

    return Handler


@contextlib.contextmanager
def serving(routes: Routes, *, tls: ssl.SSLContext | None = None) -> Generator[tuple[str, list[str]]]:
    """Run a server with these answers; yields its URL and the credentials that clients sent."""
    seen: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(routes, seen))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://localhost:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def problem(script: ModuleType, url: str, *, client: str | None = None, **others: Any) -> str:  # noqa: ANN401
    """The sentence with which the check fails."""
    with pytest.raises(script.UnusableError) as raised:
        check(script, url, client=client, **others)
    return str(raised.value)


def check(
    script: Any,  # noqa: ANN401
    url: str,
    *,
    client: str | None = None,
    authorization: str | None = None,
    authority: str | None = None,
    databricks: bool = False,
) -> str:
    server = script.Server(url=url, authorization=authorization, authority=authority)
    return script.check(server, client, databricks=databricks)


def test_a_server_that_fits_is_described(script: ModuleType) -> None:
    with serving(MLFLOW) as (url, seen):
        assert check(script, url, client="3.14.0", authorization="Bearer x") == (
            f"MLflow 3.15.1 at {url}, which fits to the client 3.14.0, answers with these credentials"
        )
    assert set(seen) == {"Bearer x"}


def test_a_server_below_a_path_is_asked_there(script: ModuleType) -> None:
    with serving({f"/team{path}": answer for path, answer in MLFLOW.items()}) as (url, _):
        assert "MLflow 3.15.1" in check(script, f"{url}/team")


def test_a_port_where_nothing_listens_is_told(script: ModuleType) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://localhost:{free.getsockname()[1]}"
        assert problem(script, url).startswith(f"connection refused: nothing listens at {url}")


def test_a_name_without_an_address_is_told(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = problem(script, "https://tracking.example.invalid")
    assert said.startswith("the host name tracking.example.invalid has no address in the cluster's DNS")


@pytest.mark.parametrize(("host", "signer"), [("localhost", b"somebody else"), ("other.example.com", SEED)])
def test_a_certificate_that_is_not_trusted_or_for_another_host_is_told(
    script: ModuleType, tmp_path: Path, host: str, signer: bytes
) -> None:
    pair = self_signed(SEED, host, dt.date(2026, 11, 1))
    for name, text in (("tls.crt", pair.certificate), ("tls.key", pair.key)):
        (tmp_path / name).write_text(text)
    (tmp_path / "ca.crt").write_text(authority_certificate(signer, host))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    with serving(MLFLOW, tls=tls) as (url, seen):
        said = problem(script, url, authority=str(tmp_path / "ca.crt"), authorization="Bearer x")
    assert said.startswith(f"the certificate of {url} is not trusted (")
    assert "set cluster.authorities" in said
    assert seen == []


def test_a_server_without_tls_is_told(script: ModuleType) -> None:
    with serving(MLFLOW) as (url, _):
        assert "does not answer with TLS" in problem(script, url.replace("http:", "https:"))


@pytest.mark.parametrize("path", ["/health", "/version", SEARCH])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not accept the credentials (401 for {path})"),
        (403, "refuses the credentials (403 for {path}) (Permission denied)"),
        (302, "redirects {path} to login.example.com"),
    ],
)
def test_refused_credentials_are_told_wherever_they_are_refused(
    script: ModuleType, path: str, status: int, words: str
) -> None:
    text = "https://login.example.com/sign-in" if status == 302 else "Permission denied"
    with serving({**MLFLOW, path: (status, text)}) as (url, _):
        assert words.format(path=path) in problem(script, url, authorization="Bearer x")


def test_a_server_that_asks_for_credentials_that_the_team_lacks_is_told(script: ModuleType) -> None:
    with serving({**MLFLOW, "/version": (401, "")}) as (url, _):
        assert "does not accept a request without credentials" in problem(script, url)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/health", (404, "<html>")),
        ("/version", (200, "<html>Welcome</html>")),
        ("/version", (200, "nginx 1.2.3")),
        (SEARCH, (404, "")),
        (SEARCH, (503, "")),
        (SEARCH, (400, '{"error_code": "INVALID_PARAMETER_VALUE", "message": "Workspace context is required"}')),
        (SEARCH, (200, "<html>sign in</html>")),
    ],
)
def test_a_server_that_is_not_mlflow_is_told(script: ModuleType, path: str, answer: tuple[int, str]) -> None:
    with serving({**MLFLOW, path: answer}) as (url, _):
        said = problem(script, url)
    assert said.startswith(f"{url} is not an MLflow tracking server: it answers {path} with status {answer[0]}")
    assert "<html>" not in said


def test_a_client_that_does_not_fit_is_told(script: ModuleType) -> None:
    with serving(MLFLOW) as (url, _):
        said = problem(script, url, client="3.17.2")
    assert said.startswith("the MLflow client 3.17.2 is newer than the server's version 3.15.1")
    assert said.endswith(f"or upgrade {url}")


@pytest.mark.parametrize(
    ("client", "server", "words"),
    [
        ("3.17.2", "3.17.0", None),
        ("3.17.0", "3.17.2", None),
        ("3.4", "3.17.2", None),
        ("3.18.0", "3.17.2", "is newer than"),
        ("3.10.0", "3.9.4", "is newer than"),
        ("2.22.1", "3.17.2", "same major version"),
        ("4.0.0", "3.17.2", "same major version"),
        ("3.17.2", "3.17.3.dev0", None),
    ],
)
def test_a_client_fits_if_major_versions_are_equal_and_its_minor_is_not_newer(
    client: str, server: str, words: str | None
) -> None:
    said = misfit(client, server)
    assert (said is None) if words is None else (said is not None and words in said)


def test_a_text_that_is_no_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="`latest` is not a version"):
        misfit("3.17.2", "latest")


def test_mlflow_of_databricks_is_asked_for_experiments_alone(script: ModuleType) -> None:
    with serving({SEARCH: (200, '{"experiments": []}')}) as (url, seen):
        assert "Databricks workspace" in check(script, url, authorization="Bearer dapi", databricks=True)
    assert seen == ["Bearer dapi"]
    with serving({SEARCH: (200, "<html>sign in</html>")}) as (url, _):
        assert "is not a Databricks workspace with MLflow" in problem(script, url, databricks=True)


VARIABLES: list[tuple[dict[str, str], str | None]] = [
    ({}, None),
    ({"MLFLOW_TRACKING_USERNAME": "a"}, None),
    ({"MLFLOW_TRACKING_USERNAME": "a", "MLFLOW_TRACKING_PASSWORD": "b"}, "Basic YTpi"),
    ({"MLFLOW_TRACKING_TOKEN": "t"}, "Bearer t"),
    ({"DATABRICKS_TOKEN": "t"}, "Bearer t"),
]


@pytest.mark.parametrize(("variables", "expected"), VARIABLES)
def test_the_check_signs_in_as_the_client_does(script: Any, variables: dict[str, str], expected: str | None) -> None:  # noqa: ANN401
    assert script.authorization(variables) == expected


def test_a_secret_that_is_missing_is_told_with_its_keys(script: Any) -> None:  # noqa: ANN401
    variables = {"SECRET_NAME": "mlflow-credentials", "NAMESPACE": "red"}
    said = script.missing(variables, databricks=False)
    assert said.startswith(
        "the Secret mlflow-credentials in the namespace red does not exist or lacks the keys MLFLOW_"
    )
    assert "DATABRICKS_TOKEN" in script.missing(variables, databricks=True)
    assert script.missing({**variables, "MLFLOW_TRACKING_TOKEN": "t"}, databricks=False) is None
    assert script.missing({}, databricks=False) is None


def run_main(script: Any, monkeypatch: pytest.MonkeyPatch, attempts: list[Callable[[], str]]) -> None:  # noqa: ANN401
    """Run the script; its attempts have these outcomes, and each takes one second."""
    clock = iter(range(1000))
    monkeypatch.setattr(script.time, "monotonic", lambda: next(clock))

    def sleep(_: float) -> None:
        """Advance the fake clock."""

    def attempt(*_: object, **__: object) -> str:
        return attempts.pop(0)()

    monkeypatch.setattr(script.time, "sleep", sleep)
    monkeypatch.setattr(script, "check", attempt)
    monkeypatch.setenv("TRACKING_URL", "https://tracking.example.com")
    script.main()


def test_a_server_that_cannot_be_reached_yet_is_asked_again(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def unreachable() -> str:
        raise script.UnreachableError("connection refused")

    run_main(script, monkeypatch, [unreachable, unreachable, lambda: "found"])
    assert capsys.readouterr().out == "found\n"
    with pytest.raises(SystemExit, match="connection refused"):
        run_main(script, monkeypatch, [unreachable] * 100)


def test_refused_credentials_are_not_tried_again(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    def refused() -> str:
        raise script.UnusableError("401")

    attempts: list[Callable[[], str]] = [refused, refused]
    with pytest.raises(SystemExit, match="401"):
        run_main(script, monkeypatch, attempts)
    assert len(attempts) == 1
