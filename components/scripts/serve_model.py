"""Serves one version of a registered model by MLflow's scoring protocol, once it has scored its own input example.

Runs in the model's image, with the packages that the model needs and MLflow 3. The port opens when the model is ready:
a version that cannot be loaded or cannot score its example ends the container, and never becomes ready.
"""

import os
import shutil
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

FOLDER = "/tmp/model"
PORT = 8080
# Of the scoring server too.
ALIVE = "/health"
draining = threading.Event()


class Waiting(BaseHTTPRequestHandler):
    """Answers the kubelet: the pod is alive, and not ready."""

    def do_GET(self):
        self.send_response(200 if self.path == ALIVE else 503)
        self.end_headers()

    def log_message(self, *_):
        """Probes are not logged."""


def wait_for_a_version(model):
    """Wait until the pod ends: the rollout replaces it by a pod with a version."""
    print(f"waiting for a version: the rollout of models has not found one of {model} yet", flush=True)
    ThreadingHTTPServer(("", PORT), Waiting).serve_forever()


def load(uri):
    """The model, after a test of it."""
    import mlflow
    from mlflow.pyfunc import scoring_server

    # Of a container that has ended before in this pod.
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    folder = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=FOLDER)
    model = mlflow.pyfunc.load_model(folder)
    example = model.metadata.get_serving_input(folder)
    if example is None:
        print(f"{uri} has no input example: nobody knows whether it can score", flush=True)
        return model
    answer = scoring_server.invocations(example, "application/json", model, model.metadata.get_input_schema())
    if answer.status != 200:
        sys.exit(f"{uri} cannot score its input example ({answer.status}): {answer.response}")
    print(f"{uri} has scored its input example", flush=True)
    return model


def with_headers(app, headers):
    """The app, with `headers` in each answer. While the pod is drained, each answer also ends its connection."""

    async def wrapped(scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                last = [(b"connection", b"close")] if draining.is_set() else []
                message = {**message, "headers": [*message["headers"], *headers, *last]}
            await send(message)

        await app(scope, receive, sending)

    return wrapped


def serve(app, drain_seconds, request_seconds):
    """Answer until the pod ends. After SIGTERM it goes on for `drain_seconds`, until no proxy sends requests any more."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig, frame):
            if draining.is_set():
                return
            draining.set()
            timer = threading.Timer(drain_seconds, super().handle_exit, (sig, frame))
            timer.daemon = True
            timer.start()

    Server(
        uvicorn.Config(
            app,
            host="0.0.0.0",
            port=PORT,
            access_log=False,
            server_header=False,
            # Longer than clients and proxies keep a connection that they do not use.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=request_seconds,
        )
    ).run()


def main():
    """Load, then serve."""
    # The first process of a container ignores SIGTERM otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    name, version = os.environ["MODEL_NAME"], os.environ["MODEL_VERSION"]
    if not version:
        wait_for_a_version(name)
    model = load(f"models:/{name}/{version}")
    from mlflow.pyfunc import scoring_server

    # As in a URL: names may have any characters.
    told = {"name": name, "version": version, "alias": os.environ["MODEL_ALIAS"]}
    headers = [(f"x-mlflow-model-{what}".encode(), quote(text).encode()) for what, text in told.items()]
    app = with_headers(scoring_server.init(model), headers)
    request_seconds = int(os.environ["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"])
    serve(app, int(os.environ["DRAIN_SECONDS"]), request_seconds)


if __name__ == "__main__":
    main()
