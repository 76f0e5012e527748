"""Artifacts that are larger than any container that they pass: up and down through the login, in bounded memory.

The requests are those of the published client's `log_artifact` and `download_artifacts`; the client itself would need
the 5 GiB as a file.
"""

import hashlib
import http.client
import json
import socket
import time
import urllib.parse
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.e2e import kube
from tests.e2e.commands import wait_for
from tests.e2e.figures import Figures
from tests.e2e.memory import Container, watched
from tests.e2e.web import Site
from tools.stack import Platform

MIB = 1024 * 1024
LARGE_BYTES = 5 * 1024 * MIB
PIECE_BYTES = MIB
# One stream of data in each direction. Measured: 45-60 MiB.
GROWTH_MIB = 300
# The parts of a worker's sixteen slots, the S3 client's and the allocator's share. Measured: 200-235 MiB.
CROWD = 24
CROWD_BYTES = 40 * MIB
SECONDS = 600
WORKSPACE = "team-a"
FOREIGN = "team-b"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A run's artifacts, and who may write there."""

    site: Site
    token: str
    run_id: str
    path: str

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
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

    def download(self, path: str) -> tuple[int, int, str]:
        """GET a stream; returns the status, and length and digest of what came."""
        connection = self._connect()
        connection.request("GET", path, headers=self.headers)
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
        """What asking for one of the artifacts is answered with."""
        return self.site.ask("GET", f"{self.path}/{name}", token=self.token, workspace=WORKSPACE).status

    def names(self) -> set[str]:
        """What is in the folder."""
        asked = f"/api/2.0/mlflow/artifacts/list?run_id={self.run_id}"
        listed = self.site.ask("GET", asked, token=self.token, workspace=WORKSPACE).json()
        return {file["path"] for file in listed.get("files", ())}

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self.site.host, timeout=SECONDS, context=self.site.trust)


def noise(length: int, seed: int) -> Iterator[bytes]:
    """Data that no store and no line can compress, the same for the same seed."""
    stream = Cipher(algorithms.AES(seed.to_bytes(32, "big")), modes.CTR(bytes(16))).encryptor()
    for start in range(0, length, PIECE_BYTES):
        yield stream.update(bytes(min(PIECE_BYTES, length - start)))


@pytest.fixture(scope="module")
def folder(platform: Platform, site: Site) -> Folder:
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


@pytest.fixture(scope="module")
def way(platform: Platform) -> list[Container]:
    """Every container that an artifact passes."""
    server = kube.pod_of("mlflow", platform.namespace)
    return [
        Container.of(kube.pod_of("traefik", "traefik"), "traefik"),
        Container.of(server, "oauth2-proxy"),
        Container.of(server, "mlflow"),
        Container.of(kube.pod_of("object-store", platform.namespace), "seaweedfs"),
    ]


@pytest.fixture(scope="module")
def large(folder: Folder, way: list[Container], figures: Figures) -> Generator[str]:
    """The digest of 5 GiB that were uploaded as `large.bin`."""
    start = time.monotonic()
    with watched(way):
        status, digest = folder.upload("large.bin", LARGE_BYTES)
    seconds = time.monotonic() - start
    assert status == 200
    figures.add("large artifact: 5 GiB up through the login", seconds)
    yield digest
    folder.delete("large.bin")


def test_5_gib_come_back_as_they_were_sent(folder: Folder, large: str, way: list[Container], figures: Figures) -> None:
    start = time.monotonic()
    with watched(way):
        status, length, digest = folder.download(f"{folder.path}/large.bin")
    figures.add("large artifact: 5 GiB down through the login", time.monotonic() - start)
    assert (status, length, digest) == (200, LARGE_BYTES, large)


def test_a_browser_gets_them_from_the_run_as_well(folder: Folder, large: str, way: list[Container]) -> None:
    """The page's own link (`get-artifact`), which MLflow serves by another way."""
    with watched(way):
        status, length, digest = folder.download(f"/get-artifact?run_id={folder.run_id}&path=large.bin")
    assert (status, length, digest) == (200, LARGE_BYTES, large)


def test_no_container_on_the_way_has_held_them(large: str, way: list[Container], figures: Figures) -> None:
    assert large
    for container in way:
        figures.add(f"memory of {container.name} with 5 GiB up and down", container.figure, "")
    server = next(container for container in way if container.name == "mlflow")
    assert server.peak - server.idle < GROWTH_MIB
    assert all(container.peak < container.limit for container in way)


def test_a_crowd_of_uploads_shares_the_memory_of_a_few(folder: Folder, platform: Platform, figures: Figures) -> None:
    server = Container.of(kube.pod_of("mlflow", platform.namespace), "mlflow")

    def one(number: int) -> tuple[int, str]:
        return folder.upload(f"{number}.bin", CROWD_BYTES, seed=number)

    with watched([server]), ThreadPoolExecutor(CROWD) as crowd:
        sent = list(crowd.map(one, range(CROWD)))
    assert {status for status, _ in sent} == {200}
    figures.add(f"memory of mlflow with {CROWD} uploads of 40 MiB at once", server.figure, "")
    assert server.peak - server.idle < GROWTH_MIB
    assert folder.download(f"{folder.path}/7.bin") == (200, CROWD_BYTES, sent[7][1])
    for number in range(CROWD):
        folder.delete(f"{number}.bin")


@pytest.mark.parametrize("sent", [100, 20 * MIB])
def test_an_upload_that_is_cut_off_leaves_nothing(folder: Folder, platform: Platform, sent: int) -> None:
    request = "".join(
        f"{line}\r\n"
        for line in (
            f"PUT {folder.path}/cut-off.bin HTTP/1.1",
            f"Host: {folder.site.host}",
            f"Content-Length: {50 * MIB}",
            *(f"{name}: {value}" for name, value in folder.headers.items()),
            "",
        )
    )
    with (
        socket.create_connection((folder.site.host, 443), timeout=60) as plain,
        folder.site.trust.wrap_socket(plain, server_hostname=folder.site.host) as line,
    ):
        line.sendall(request.encode() + bytes(sent))
    wait_for("no upload is left open", lambda: open_uploads(platform) == [], seconds=30)
    assert folder.status_of("cut-off.bin") == 404
    assert folder.names().isdisjoint({"cut-off.bin"})


def open_uploads(platform: Platform) -> list[str]:
    """Keys of objects of which parts lie in the store."""
    script = (
        "import boto3, json, os;"
        "s3 = boto3.client('s3', endpoint_url=os.environ['MLFLOW_S3_ENDPOINT_URL']);"
        "found = s3.list_multipart_uploads(Bucket='mlflow').get('Uploads', []);"
        "print(json.dumps([upload['Key'] for upload in found]))"
    )
    pod = kube.pod_of("mlflow", platform.namespace)["metadata"]["name"]
    space = f"--namespace={platform.namespace}"
    asked = kube.kubectl("exec", pod, space, "--container=mlflow", "--", "python3", "-c", script)
    return json.loads(asked.stdout.splitlines()[-1])


def test_a_part_of_an_artifact_can_be_asked_for(folder: Folder) -> None:
    folder.upload("ranged.bin", 1000)
    whole = b"".join(noise(1000, 0))
    asked = f"/get-artifact?run_id={folder.run_id}&path=ranged.bin"

    def ask(byte_range: str) -> tuple[int, bytes]:
        answer = folder.site.ask(
            "GET", asked, token=folder.token, workspace=WORKSPACE, headers={"Range": f"bytes={byte_range}"}
        )
        return answer.status, answer.body

    assert ask("10-19") == (206, whole[10:20])
    assert ask("990-") == (206, whole[990:])
    assert ask("2000-3000")[0] == 416


OTHERS = (
    f"workspaces/{FOREIGN}/1/run/artifacts/x",
    f"workspaces/{WORKSPACE}/../{FOREIGN}/x",
    f"workspaces/{WORKSPACE}/%2e%2e/{FOREIGN}/x",
    f"workspaces/{WORKSPACE}/%252e%252e/{FOREIGN}/x",
    "../x",
    "%2e%2e/x",
    f"workspaces//{FOREIGN}/x",
)


@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_path_of_an_artifact_leads_to_no_other_workspace(folder: Folder, method: str, path: str) -> None:
    content = b"x" if method == "PUT" else b""
    answer = folder.site.ask(method, f"{ARTIFACTS}/{path}", token=folder.token, workspace=WORKSPACE, content=content)
    assert answer.status in {400, 403, 404}, answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_workspace_of_the_header_is_the_one_that_is_judged(folder: Folder, method: str) -> None:
    content = b"x" if method == "PUT" else b""
    for path in (f"{ARTIFACTS}/workspaces/{FOREIGN}/1/x", f"{folder.path}/x"):
        answer = folder.site.ask(method, path, token=folder.token, workspace=FOREIGN, content=content)
        assert answer.status == 403, answer.body


@pytest.mark.parametrize("scheme", ["s3", "s3-proxied"])
def test_a_location_that_names_another_workspace_is_not_fetched(folder: Folder, scheme: str) -> None:
    """Of a model version, whose source its creator writes."""

    def ask(what: str, document: dict[str, str]) -> int:
        path = f"/api/2.0/mlflow/{what}/create"
        return folder.site.ask("POST", path, token=folder.token, workspace=WORKSPACE, document=document).status

    name = f"pointer-{time.time_ns()}"
    assert ask("registered-models", {"name": name}) == 200
    source = f"{scheme}://mlflow/workspaces/{FOREIGN}/1/run/artifacts"
    refused_at_once = ask("model-versions", {"name": name, "source": source}) != 200
    asked = f"/model-versions/get-artifact?{urllib.parse.urlencode({'name': name, 'version': '1', 'path': 'x'})}"
    answer = folder.site.ask("GET", asked, token=folder.token, workspace=WORKSPACE)
    assert answer.status == (404 if refused_at_once else 403), answer.body
