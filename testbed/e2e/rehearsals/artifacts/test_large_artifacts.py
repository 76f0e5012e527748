"""Artifacts larger than the memory of any container on the way: upload and download through the login.

The requests are those of the published client, which itself would need the 5 GiB as a file.
"""

import hashlib
import json
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.memory import Container, watched
from testbed.e2e.run_folder import WORKSPACE, Folder, new_folder, noise
from testbed.e2e.web import Site
from tools.stack import Platform

MIB = 1024 * 1024
GIB = 1024 * MIB
LARGE_BYTES = 5 * GIB
# Measured: 38 MiB for one stream in each direction, 187 MiB for a crowd: the parts of sixteen slots and the S3 client's
# and the allocator's share.
GROWTH_MIB = 300
CROWD = 24
CROWD_BYTES = 40 * MIB


@pytest.fixture(scope="module")
def folder(platform: Platform, site: Site) -> Folder:
    return new_folder(platform, site)


@pytest.fixture(scope="module")
def way(platform: Platform) -> list[Container]:
    """All containers on the way of an artifact."""
    server = kube.pod_of("mlflow", platform.namespace)
    return [
        Container.of(kube.pod_of("traefik", "traefik"), "traefik"),
        Container.of(server, "haproxy"),
        Container.of(server, "oauth2-proxy"),
        Container.of(server, "mlflow"),
        Container.of(kube.pod_of("object-store", platform.namespace), "seaweedfs"),
    ]


@pytest.fixture(scope="module")
def large(folder: Folder, way: list[Container], figures: Figures) -> Generator[str]:
    """Digest of the 5 GiB that were uploaded as `large.bin`."""
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


def test_a_browser_gets_a_gib_of_it_from_the_run_as_well(folder: Folder, large: str, way: list[Container]) -> None:
    """Tests the page's own link (`get-artifact`): MLflow serves it by another route, and as published from memory."""
    assert large
    digest = hashlib.sha256()
    for piece in noise(GIB, 0):
        digest.update(piece)
    with watched(way):
        got = folder.download(f"/get-artifact?run_id={folder.run_id}&path=large.bin", first=GIB)
    assert got == (206, GIB, digest.hexdigest())


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
    """Keys of unfinished uploads whose parts are in the store."""
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
