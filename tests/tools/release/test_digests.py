from pathlib import Path

import pytest
import yaml

from settings import loader
from tests.tools.access.repository import Repository
from tools import digests
from tools.digests import DigestError
from tools.stack_file import read

DIGEST = f"sha256:{'0' * 64}"
SERVER = f"ghcr.io/example/mlflow:3.17.2-0.2.0@{DIGEST}"
STACK = """\
# A comment.
config:
  mlflow-platform:server:
    # Another one.
    image: registry.example.com/mlflow:1
    replicas: 2
  mlflow-platform:teams:
    pricing: {}
"""


def test_only_the_images_of_a_stacks_own_pods_get_a_digest() -> None:
    assert list(digests.used(read("prod"), "prod")) == ["oauth2Proxy", "haproxy"]
    assert {"postgres", "objectStore", "dex"} <= set(digests.used(read("dev"), "dev"))


def test_images_of_a_mirror_are_left_to_whoever_knows_it() -> None:
    text = Path("Pulumi.dev.yaml").read_text(encoding="utf-8")
    source = loader.from_file(f"{text}  mlflow-platform:images:\n    registry: mirror.example.com\n")
    with pytest.raises(DigestError, match="names a mirror"):
        digests.used(source, "dev")


def test_an_image_keeps_its_tag_for_people_and_an_old_digest_stays() -> None:
    assert (
        digests.pinned("docker.io/library/haproxy:3.0", lambda _: DIGEST) == f"docker.io/library/haproxy:3.0@{DIGEST}"
    )
    assert digests.pinned(SERVER, lambda _: "never asked") == SERVER


def test_what_is_no_digest_is_not_written() -> None:
    with pytest.raises(DigestError, match="expected a digest, found 'unknown'"):
        digests.pinned("docker.io/library/haproxy:3.0", lambda _: "unknown")


def test_nothing_else_in_the_file_changes() -> None:
    made = digests.written(STACK, SERVER, {"haproxy": "registry.example.com/haproxy:3"})
    assert made == STACK.replace("registry.example.com/mlflow:1", SERVER) + (
        "  mlflow-platform:images:\n    haproxy: registry.example.com/haproxy:3\n"
    )


def test_the_next_release_replaces_what_the_last_one_has_written() -> None:
    first = digests.written(STACK, SERVER, {"haproxy": "registry.example.com/haproxy:3"})
    second = digests.written(first, SERVER.replace("0.2.0", "0.3.0"), {"haproxy": "registry.example.com/haproxy:4"})
    assert second == first.replace("0.2.0", "0.3.0").replace("haproxy:3", "haproxy:4")


def test_a_file_in_another_form_is_refused_and_stays() -> None:
    with pytest.raises(DigestError, match="as YAML blocks"):
        digests.written("config:\n  mlflow-platform:server: {image: registry.example.com/mlflow:1}\n", SERVER, {})


def test_a_committed_stack_with_digests_is_right(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(_image: str) -> str:
        return DIGEST

    monkeypatch.setattr(digests, "registry_digest", resolve)
    assert digests.main(["prod", SERVER]) == 0
    config = yaml.safe_load((repository.folder / "Pulumi.prod.yaml").read_text(encoding="utf-8"))["config"]
    assert config["mlflow-platform:server"]["image"] == SERVER
    assert all(image.endswith(f"@{DIGEST}") for image in config["mlflow-platform:images"].values())
    assert digests.used(read("prod"), "prod") == config["mlflow-platform:images"]


@pytest.mark.parametrize("arguments", [["prod", "ghcr.io/example/mlflow:1"], ["staging"], []])
def test_a_wrong_call_changes_nothing(
    repository: Repository, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    before = (repository.folder / "Pulumi.prod.yaml").read_bytes()
    assert digests.main(arguments) == 1
    assert capsys.readouterr().err
    assert (repository.folder / "Pulumi.prod.yaml").read_bytes() == before
