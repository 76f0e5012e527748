"""Selection of the image archives to import, and of the pods that run what an import has replaced."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any, cast

import pytest

from testbed.node.images import MIRROR, missing, outdated, references, replaced
from testbed.node.object_types import Object

ARCHIVES = (Path("/cache/image-pause-abc.tar"), Path("/cache/image-mlflow-def.tar"))


def test_everything_is_missing_at_first() -> None:
    assert missing(ARCHIVES, set()) == list(ARCHIVES)


def test_an_archive_with_other_content_has_another_name_and_is_missing() -> None:
    assert missing(ARCHIVES, {"image-pause-abc.tar", "image-mlflow-old.tar"}) == [ARCHIVES[1]]


def test_nothing_is_missing_once_all_names_are_known() -> None:
    assert missing(ARCHIVES, {archive.name for archive in ARCHIVES}) == []


def test_an_import_forgets_other_contents_of_its_images_and_keeps_other_images() -> None:
    imported = {"image-pause-abc.tar", "image-mlflow-old.tar", "image-keycloak-26-abc.tar"}
    assert replaced(imported, ARCHIVES) == {"image-mlflow-old.tar"}


def test_the_references_are_those_of_the_archives_manifest(tmp_path: Path) -> None:
    content = json.dumps([{"RepoTags": ["a:1", "b:2"]}]).encode()
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    assert references(tmp_path / "image.tar") == {"a:1", "b:2"}


def pod(**changed: object) -> list[Object]:
    document: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"namespace": "mlflow", "name": "mlflow-1"},
        "spec": {"containers": [{"image": "mlflow:1"}], "initContainers": [{"image": "login:1"}]},
        "status": {"phase": "Running"},
    }
    return cast("list[Object]", [document | changed])


@pytest.mark.parametrize("image", ["mlflow:1", "login:1"])
def test_a_pod_is_replaced_if_any_of_its_images_was_imported_anew(image: str) -> None:
    assert outdated(pod(), {image}) == [("mlflow", "mlflow-1")]


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": {"containers": [{"image": "other:1"}]}},
        {"status": {"phase": "Succeeded"}},
        {"kind": "Node", "spec": {}},
        {"metadata": {"namespace": "kube-system", "name": "etcd", "annotations": {MIRROR: "x"}}},
    ],
    ids=["another image", "a finished pod", "no pod", "a pod of the node"],
)
def test_nothing_else_is_replaced(changed: dict[str, Any]) -> None:
    assert outdated(pod(**changed), {"mlflow:1"}) == []
