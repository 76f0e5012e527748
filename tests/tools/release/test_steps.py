"""The script `tools/release` in a test repository, with fake programs that record their calls."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.tools.access.repository import Repository
from tests.tools.copies import CHECKOUT, REAL_PYTHON, RECORDER, Copy

IMAGE = "ghcr.io/example/platform/mlflow"
DIGEST = f"sha256:{'1' * 64}"
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-01-02\n\n- Something new.\n"
DOCKER = f"""{RECORDER}
case "$*" in
"login "*) cat > password ;;
*dpkg-query*) printf 'libc6\\t2.41-12\\tamd64\\n' ;;
"image inspect"*) echo "{IMAGE}@{DIGEST}" ;;
"buildx imagetools"*) echo {DIGEST} ;;
esac
"""
FILES = "release/sbom.cdx.json release/mlflow_platform-0.2.0-py3-none-any.whl"
UV = f"{RECORDER}case $1 in build) : > release/mlflow_platform-0.2.0-py3-none-any.whl ;; esac\n"
# The program that generates pages and snapshots is the checkout's own.
PYTHON = f'#!/bin/sh\ncase "$*" in *tests.generated) echo "python $*" >> "$CALLS"; exit ;; esac\n{REAL_PYTHON}\n'


class Release:
    """A repository whose changelog has a new version."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.folder = repository.folder
        self.copy = Copy(self.folder)
        self.copy.program(".venv/bin/python", PYTHON)
        for name in ("docker", "cosign", "gh", "uv"):
            self.copy.program(f".venv/bin/{name}", {"docker": DOCKER, "uv": UV}.get(name, RECORDER))
        self.write("images/mlflow/requirements.in", "mlflow==3.17.2\n")
        self.write("CHANGELOG.md", CHANGELOG)
        self.write("pyproject.toml", '[project]\nversion = "0.2.0"\n')
        self.write(".gitignore", "/release/\n/calls\n/password\n")
        # The script is a file of the repository, too.
        self.write("tools/release", (CHECKOUT / "tools" / "release").read_text(encoding="utf-8"))
        (self.folder / "tools" / "release").chmod(0o755)
        repository.commit()
        repository.git("init", "--quiet", "--bare", "remote.git")
        self.write(".git/info/exclude", "/remote.git/\n")

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def step(self, *step: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one step."""
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
        given = {"IMAGE": IMAGE, "REMOTE": "remote.git", "GIT_CONFIG_GLOBAL": os.devnull, **who}
        return self.copy.run("release", *step, **given | env)

    def text(self, name: str) -> str:
        """The content of a file."""
        return (self.folder / name).read_text(encoding="utf-8")


IDENTITY = {"NAME": "Somebody", "EMAIL": "somebody@example.com"}


@pytest.fixture
def release(repository: Repository) -> Release:
    return Release(repository)


def test_a_release_from_the_check_to_the_notes(release: Release) -> None:
    for step in ("check", "build", "sbom", "wheel", "push", "sign", "tag", "publish"):
        done = release.step(step, REGISTRY_TOKEN="hunter2", GITHUB_TOKEN="hunter3")  # noqa: S106 - stand-ins
        assert done.returncode == 0, (step, done.stderr)
    pushed = f"{IMAGE}:3.17.2-0.2.0@{DIGEST}"
    assert release.text("release/image") == f"{pushed}\n"
    assert '"pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13"' in release.text("release/sbom.cdx.json")
    assert release.text("release/notes.md") == f"- Something new.\n\n## Image\n\n`{pushed}`\n"
    tagged = subprocess.run(
        ["git", "--git-dir", "remote.git", "show", "v0.2.0:Pulumi.prod.yaml"],  # noqa: S607
        cwd=release.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"    image: {pushed}\n" in tagged
    assert f"    haproxy: docker.io/library/haproxy:3.0@{DIGEST}\n" in tagged
    assert release.text("password") == "hunter2"
    assert [call for call in release.copy.calls if "hunter" in call] == []


def test_the_steps_call_what_they_are_named_after_in_this_order(release: Release) -> None:
    for step in ("build", "sbom", "wheel", "push", "sign", "publish"):
        assert release.step(step).returncode == 0
    tagged, signed = f"{IMAGE}:3.17.2-0.2.0", f"{IMAGE}@{DIGEST}"
    # The format of dpkg-query ends with a line.
    assert [call.partition(" --show")[0] for call in release.copy.calls if call] == [
        f"docker build --pull --tag {tagged} images/mlflow",
        f"docker run --rm --network none {tagged} dpkg-query",
        "uv build --quiet --wheel --out-dir release distribution",
        f"docker push {tagged}",
        f"docker image inspect --format {{{{index .RepoDigests 0}}}} {tagged}",
        f"cosign sign --yes {signed}",
        f"cosign attest --yes --type cyclonedx --predicate release/sbom.cdx.json {signed}",
        f"gh release create v0.2.0 --verify-tag --title 0.2.0 --notes-file release/notes.md {FILES}",
    ]


def test_a_version_that_has_a_tag_is_not_released_again(release: Release) -> None:
    release.repository.git("tag", "v0.2.0")
    done = release.step("check")
    assert (done.returncode, done.stderr) == (1, "the tag v0.2.0 exists already\n")


def test_what_is_not_committed_is_not_released(release: Release) -> None:
    release.write("Pulumi.dev.yaml", "config: {}\n")
    done = release.step("check")
    assert done.returncode == 1
    assert "commit or remove first" in done.stderr
    assert "Pulumi.dev.yaml" in done.stderr


def test_changes_that_nobody_has_given_a_version_are_not_released(release: Release) -> None:
    release.write("CHANGELOG.md", CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n- Not yet.\n"))
    release.repository.commit()
    done = release.step("check")
    assert (done.returncode, "has changes under Unreleased" in done.stderr) == (1, True)


def test_prepare_makes_a_version_that_can_be_released(release: Release) -> None:
    release.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- Newer.\n\n## 0.2.0 - 2026-01-02\n\n- Old.\n")
    assert release.step("prepare", "0.3.0").returncode == 0
    assert release.copy.calls == ["uv lock --quiet"]
    release.repository.commit()
    done = release.step("check")
    assert (done.returncode, done.stdout) == (0, "version 0.3.0, image tag 3.17.2-0.3.0\n")


@pytest.mark.parametrize("step", ["sign", "tag", "publish"])
def test_nothing_is_signed_or_published_before_the_image_is_pushed(release: Release, step: str) -> None:
    done = release.step(step)
    assert (done.returncode, "has not been pushed" in done.stderr) == (1, True)
    assert release.copy.calls == []


@pytest.mark.parametrize("step", ["build", "sbom", "push"])
def test_an_image_without_a_name_is_not_built(release: Release, step: str) -> None:
    done = release.step(step, IMAGE="")
    assert (done.returncode, "IMAGE is missing" in done.stderr) == (1, True)


def test_a_registry_that_gives_no_digest_ends_the_release(release: Release) -> None:
    release.copy.program(".venv/bin/docker", RECORDER)
    done = release.step("push")
    assert (done.returncode, "has given no digest" in done.stderr) == (1, True)
    assert not (release.folder / "release" / "image").exists()


def test_a_step_that_fails_is_not_taken_for_one_that_worked(release: Release) -> None:
    release.copy.program(".venv/bin/docker", "#!/bin/sh\nexit 7\n")
    for step in ("build", "sbom", "push"):
        assert release.step(step).returncode != 0, step


def test_the_workflow_learns_which_image_to_examine(release: Release, tmp_path: Path) -> None:
    assert release.step("build", GITHUB_OUTPUT=str(tmp_path / "release" / "output")).returncode == 0
    assert release.text("release/output") == f"image={IMAGE}:3.17.2-0.2.0\n"


def test_without_a_step_they_are_listed(release: Release) -> None:
    done = release.step()
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")] == [
        *("prepare", "check", "build", "sbom", "wheel", "push", "sign", "tag", "publish")
    ]
    assert release.step("ship").returncode == 1
