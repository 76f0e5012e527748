from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from testbed.providers.kubernetes.api_errors import ApiError, NoMatchError, UnreachableError
from testbed.providers.kubernetes.client import Cluster
from testbed.providers.kubernetes.connection import ConfigurationError, connect
from testbed.providers.kubernetes.kinds import Kind
from testbed.providers.kubernetes.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """An API server that has ConfigMaps, one of them."""

    seen: ClassVar[list[tuple[str, str, str]]] = []
    answers: ClassVar[dict[str, object]] = {
        "/api/v1": {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]},
        "/api/v1/namespaces/a/configmaps": {"items": [{"metadata": {"name": "n"}}]},
        "/api/v1/namespaces/a/configmaps/n": {"metadata": {"name": "n"}},
    }

    def do_GET(self) -> None:
        """Answer from the table."""
        self.seen.append((self.command, self.path, self.headers.get("authorization", "")))
        answer = self.answers.get(self.path.partition("?")[0])
        body = json.dumps(answer or {"reason": "NotFound", "message": "no such thing"}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Warning", '299 - "nobody reads this"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Keep quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Handler.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _kubeconfig(server: str, user: str = "{token: secret-token}") -> str:
    return "\n".join(
        [
            f"clusters: [{{name: k, cluster: {{server: '{server}'}}}}]",
            "contexts: [{name: c, context: {cluster: k, user: u}}]",
            f"users: [{{name: u, user: {user}}}]",
            "current-context: c",
        ]
    )


def test_objects_are_read_with_the_token_of_the_kubeconfig(address: str) -> None:
    cluster = Cluster(connect(Settings(kubeconfig=_kubeconfig(address))))
    assert cluster.get(Kind("v1", "ConfigMap"), "a", "n") == {"metadata": {"name": "n"}}
    assert [path for _, path, _ in Handler.seen] == ["/api/v1", "/api/v1/namespaces/a/configmaps/n"]
    assert {token for _, _, token in Handler.seen} == {"Bearer secret-token"}


def test_a_kubeconfig_can_be_a_file_that_names_others_beside_it(address: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file")
    path = tmp_path / "config"
    path.write_text(_kubeconfig(address, "{tokenFile: token}"))
    Cluster(connect(Settings(kubeconfig=str(path)))).probe()
    assert Handler.seen[-1][2] == "Bearer from-file"


def test_items_of_a_list_say_what_they_are(address: str) -> None:
    cluster = Cluster(connect(Settings(kubeconfig=_kubeconfig(address))))
    found = cluster.list(Kind("v1", "ConfigMap"), "a", fieldSelector="type=Warning")
    assert found == [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n"}}]
    assert Handler.seen[-1][1].endswith("?fieldSelector=type%3DWarning")


def test_a_refusal_has_the_servers_words(address: str) -> None:
    cluster = Cluster(connect(Settings(kubeconfig=_kubeconfig(address))))
    with pytest.raises(ApiError, match="no such thing") as caught:
        cluster.get(Kind("v1", "ConfigMap"), "a", "other")
    assert caught.value.not_found
    assert cluster.find(Kind("v1", "ConfigMap"), "a", "other") is None


def test_a_kind_that_the_server_does_not_have_is_asked_for_each_time(address: str) -> None:
    cluster = Cluster(connect(Settings(kubeconfig=_kubeconfig(address))))
    thing = Kind("example.com/v1", "Thing")
    with pytest.raises(NoMatchError, match=r'no matches for kind "Thing" in version "example\.com/v1"'):
        cluster.get(thing, "a", "n")
    assert not cluster.knows(thing)
    assert cluster.namespaced(thing)
    assert [path for _, path, _ in Handler.seen] == ["/apis/example.com/v1"] * 3


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    cluster = Cluster(connect(Settings(kubeconfig=_kubeconfig("http://127.0.0.1:1"))))
    with pytest.raises(UnreachableError, match=r"Get \"http://127\.0\.0\.1:1/api/v1\": .*refused"):
        cluster.probe()
    assert not cluster.knows(Kind("v1", "ConfigMap"))


def test_a_context_that_does_not_exist_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="missing"):
        connect(Settings(kubeconfig=_kubeconfig("http://127.0.0.1:1"), context="missing"))


def test_no_key_is_left_in_the_temporary_directory(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    authority = "{name: k, cluster: {server: 'https://127.0.0.1:1', certificate-authority-data: bm90IGEga2V5}}"
    broken = _kubeconfig(address).replace(f"{{name: k, cluster: {{server: '{address}'}}}}", authority)
    with pytest.raises(ConfigurationError):
        connect(Settings(kubeconfig=broken))
    assert list(tmp_path.iterdir()) == []
