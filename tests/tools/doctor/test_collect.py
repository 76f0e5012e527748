import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.doctor.scene import Scene
from tools.doctor import messages
from tools.doctor.collect import cluster, kinds, requests, server
from tools.doctor.collect.cluster import Cluster, Read
from tools.doctor.facts import Unseen

Answers = dict[str, tuple[int, Any]]
SECRET = {"metadata": {"name": "key", "namespace": "mlflow"}, "data": {"password": "hunter2"}}
POD: dict[str, Any] = {
    "metadata": {"name": "one", "namespace": "mlflow", "managedFields": [{}], "annotations": {"a": "b"}},
    "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "KEY", "value": "hunter2"}]}]},
    "status": {"phase": "Running", "containerStatuses": [{"name": "main", "state": {}, "containerID": "x"}]},
}


class Handler(BaseHTTPRequestHandler):
    """A small API server with fixed answers."""

    answers: Answers
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        """Answer as the test has set."""
        self.asked.append((self.path, self.headers["accept"]))
        status, body = self.answers.get(self.path, (404, {"message": "not found"}))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Log nothing."""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Handler]]:
    """An API server, named by a kubeconfig."""
    handler = type("Answering", (Handler,), {"answers": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        entry = {"cluster": "c", "user": "u"}
        config: dict[str, Any] = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{listening.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": entry}],
            "current-context": "x",
        }
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
        yield handler
        listening.shutdown()
        thread.join()


def test_only_what_the_chapters_look_at_is_kept_of_an_object(api: type[Handler]) -> None:
    api.answers = {"/api/v1/namespaces/mlflow/pods": (200, {"items": [POD]})}
    (found,) = Cluster().read(Read(kind="Pod", namespace="mlflow"))
    assert found == {
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": "mlflow"},
        "spec": {"containers": [{"name": "main", "image": "i"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "main", "state": {}}], "conditions": []},
    }


def test_of_secrets_only_the_names_are_asked_for_and_kept(api: type[Handler]) -> None:
    api.answers = {"/api/v1/namespaces/mlflow/secrets": (200, {"items": [SECRET]})}
    (found,) = Cluster().read(Read(kind="Secret", namespace="mlflow"))
    assert found == {"kind": "Secret", "metadata": {"name": "key", "namespace": "mlflow"}}
    assert api.asked == [
        ("/api/v1/namespaces/mlflow/secrets", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    ]


def test_what_is_refused_is_named_with_the_right_that_is_missing(api: type[Handler]) -> None:
    api.answers = {
        "/api/v1/namespaces/mlflow/pods": (403, {"message": "pods is forbidden"}),
        "/api/v1/namespaces/team-a": (403, {"message": "namespaces is forbidden"}),
        "/api/v1/namespaces/mlflow/services": (500, {"message": "etcd is gone"}),
    }
    plan = [
        Read(kind="Pod", namespace="mlflow"),
        Read(kind="Namespace", name="team-a"),
        Read(kind="Service", namespace="mlflow"),
        Read(kind="HTTPRoute", namespace="mlflow"),
    ]
    objects, unseen = cluster.read_all(Cluster(), plan)
    assert objects == []
    assert unseen == [
        Unseen(
            what="pods in namespace mlflow",
            needs="the right to list pods in namespace mlflow",
            kind="Pod",
            namespace="mlflow",
        ),
        Unseen(what="Namespace team-a", needs="the right to get namespaces", kind="Namespace", name="team-a"),
        Unseen(what="services in namespace mlflow", needs="etcd is gone", kind="Service", namespace="mlflow"),
    ]


def test_every_kind_that_the_stack_deploys_and_the_doctor_knows_is_read() -> None:
    facts = Scene().facts
    plan = {(one.kind, one.namespace, one.name) for one in cluster.reads(facts.expected, "mlflow")}
    for one in facts.expected:
        assert one.kind in kinds.KINDS
        assert (one.kind, one.namespace, "" if one.namespace else one.name) in plan


def test_the_login_says_which_issuers_and_audiences_it_accepts() -> None:
    deployment = Scene().facts.find("Deployment", "mlflow", "mlflow")
    assert deployment is not None
    assert server.issuers(deployment) == [
        "https://dex.mlflow.localhost",
        "https://kubernetes.default.svc.cluster.local",
    ]
    assert ["https://kubernetes.default.svc.cluster.local", "mlflow"] in server.accepted(deployment)


def test_of_a_token_only_its_issuer_and_its_audiences_are_among_the_facts() -> None:
    part = "eyJhdWQiOlsibWxmbG93Il0sImlzcyI6Imh0dHBzOi8vaXNzdWVyIiwic3ViIjoieCJ9"
    assert requests.claims(f"head.{part}.signature") == {"issuer": "https://issuer", "audiences": ["mlflow"]}


LOG = """
INFO: starting
sqlalchemy.exc.OperationalError: (psycopg.OperationalError) FATAL:  password authentication failed for user "x"
(Background on this error at: https://sqlalche.me/e/20/e3q8)
"""


@pytest.mark.parametrize(
    ("log", "line"),
    [(LOG, LOG.splitlines()[2]), ("first\n\nlast\n", "last"), ("", "")],
    ids=["a known message", "no known message", "nothing"],
)
def test_the_telling_line_of_a_log_is_the_last_known_message_or_the_last_line(log: str, line: str) -> None:
    assert messages.telling(log) == line


def test_the_server_is_examined_in_a_pod_that_is_ready_if_there_is_one() -> None:
    scene = Scene()
    pod = scene.one("Pod", "mlflow-")
    other = json.loads(json.dumps(pod))
    other["metadata"]["name"] = "mlflow-new"
    other["status"]["containerStatuses"][0]["ready"] = False
    scene.document["live"].insert(0, other)
    found = server.running(scene.facts)
    assert found is not None
    assert found["metadata"]["name"] == pod["metadata"]["name"]


def test_nothing_is_examined_if_no_server_runs() -> None:
    scene = Scene()
    scene.stop("mlflow-", {"waiting": {"reason": "ImagePullBackOff"}}, container="mlflow")
    assert server.running(scene.facts) is None
