"""The variables of a team's pods with server kind `databricks`, read by the published MLflow client.

The client runs on this machine, against a stand-in for Databricks that answers with empty lists.
"""

import contextlib
import http.server
import json
import os
import threading
from collections.abc import Generator

from testbed.e2e.commands import run
from tests.program.stacks import run_document, secret_value
from tools.client_environment import client_python

SCRIPT = """
import mlflow
client = mlflow.MlflowClient()
print(mlflow.get_tracking_uri(), mlflow.get_registry_uri())
print(client.search_experiments(), client.search_registered_models())
"""
SETTINGS: dict[str, object] = {
    "profile": "small",
    "server": {
        "kind": "databricks",
        "host": "https://name.cloud.databricks.com",
        "credentials": {"kind": "token"},
    },
    "teams": {"research": {}},
}
Request = tuple[str, str, str | None]


@contextlib.contextmanager
def databricks() -> Generator[tuple[str, list[Request]]]:
    """The stand-in for Databricks: its URL, and the requests that it has received."""
    seen: list[Request] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path.partition("?")[0], self.headers.get("Authorization")))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"experiments": [], "registered_models": []}).encode())

        do_GET = do_POST = answer  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - says nothing
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_client_signs_in_to_databricks_and_uses_unity_catalog() -> None:
    got = run_document(SETTINGS, stack="external", secrets=["databricksToken"])
    variables = {**got["research-client"].inputs["data"], **got["research-credentials"].inputs["stringData"]}
    assert variables["DATABRICKS_HOST"] == "https://name.cloud.databricks.com"
    with databricks() as (url, seen):
        environment = {**variables, "DATABRICKS_HOST": url, "MLFLOW_DISABLE_TELEMETRY": "true"}
        done = run(
            client_python(),
            "-c",
            SCRIPT,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
            inherit=False,
            seconds=120,
        )
    assert done.stdout == "databricks databricks-uc\n[] []\n"
    token = f"Bearer {secret_value('databricksToken')}"
    # The first is also what the connectivity check asks.
    assert ("POST", "/api/2.0/mlflow/experiments/search", token) in seen
    assert ("GET", "/api/2.0/mlflow/unity-catalog/registered-models/search", token) in seen
