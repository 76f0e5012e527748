"""The artifacts of a run as streams, sent like the published client's `log_artifact` and `download_artifacts`."""

import hashlib
import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from testbed.e2e import kube
from testbed.e2e.web import Site
from tools.stack import Platform

PIECE_BYTES = 1024 * 1024
SECONDS = 600
WORKSPACE = "team-a"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """The artifact folder of a run, with a token that may write there."""

    site: Site
    token: str
    run_id: str
    path: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        return {"Authorization": f"Bearer {self.token}", "X-MLFLOW-WORKSPACE": WORKSPACE}

    def upload(self, name: str, length: int, *, seed: int = 0) -> tuple[int, str]:
        """PUT a stream of incompressible data; returns the status and the data's digest."""
        digest = hashlib.sha256()

        def pieces() -> Iterator[bytes]:
            for piece in noise(length, seed):
                digest.update(piece)
                yield piece

        connection = self._connect()
        headers = {**self.headers, "Content-Type": "application/octet-stream", "Content-Length": str(length)}
        connection.request("PUT", f"{self.path}/{name}", body=pieces(), headers=headers)
        with connection.getresponse() as answer:
            answer.read()
        connection.close()
        return answer.status, digest.hexdigest()

    def download(self, path: str, *, first: int | None = None) -> tuple[int, int, str]:
        """GET an artifact, or its `first` bytes; returns the status, and length and digest of the data received."""
        connection = self._connect()
        wanted = {} if first is None else {"Range": f"bytes=0-{first - 1}"}
        connection.request("GET", path, headers={**self.headers, **wanted})
        digest, length = hashlib.sha256(), 0
        with connection.getresponse() as answer:
            while piece := answer.read(PIECE_BYTES):
                digest.update(piece)
                length += len(piece)
        connection.close()
        return answer.status, length, digest.hexdigest()

    def delete(self, name: str) -> None:
        """Remove one of the artifacts."""
        answer = self.site.ask("DELETE", f"{self.path}/{name}", token=self.token, workspace=WORKSPACE)
        assert answer.status == 200, answer.body

    def status_of(self, name: str) -> int:
        """Status of a request for one of the artifacts."""
        return self.site.ask("GET", f"{self.path}/{name}", token=self.token, workspace=WORKSPACE).status

    def names(self) -> set[str]:
        """Names in the folder."""
        asked = f"/api/2.0/mlflow/artifacts/list?run_id={self.run_id}"
        listed = self.site.ask("GET", asked, token=self.token, workspace=WORKSPACE).json()
        return {file["path"] for file in listed.get("files", ())}

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self.site.host, timeout=SECONDS, context=self.site.trust)


def noise(length: int, seed: int) -> Iterator[bytes]:
    """Yield data that cannot be compressed; the same seed gives the same data."""
    stream = Cipher(algorithms.AES(seed.to_bytes(32, "big")), modes.CTR(bytes(16))).encryptor()
    for start in range(0, length, PIECE_BYTES):
        yield stream.update(bytes(min(PIECE_BYTES, length - start)))


def new_folder(platform: Platform, site: Site) -> Folder:
    """The folder of a new run in the workspace."""
    account = platform.teams[WORKSPACE]
    token = kube.token(account.namespace, account.service_account, "--audience=mlflow", "--duration=1h")

    def make(what: str, document: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        answer = site.ask("POST", f"/api/2.0/mlflow/{what}/create", token=token, workspace=WORKSPACE, document=document)
        assert answer.status == 200, answer.body
        return answer.json()

    experiment = make("experiments", {"name": f"large-artifacts-{time.time_ns()}"})["experiment_id"]
    run = make("runs", {"experiment_id": experiment})["run"]["info"]
    below = run["artifact_uri"].removeprefix("mlflow-artifacts:/").strip("/")
    return Folder(site=site, token=token, run_id=run["run_id"], path=f"{ARTIFACTS}/{below}")
