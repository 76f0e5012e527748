import sys
from pathlib import Path

import pytest

from tools import client_environment
from tools.client_environment import REQUIREMENTS, cache, client_python

# Makes an environment as uv does, and writes down what it was asked.
UV = """#!/bin/sh
echo "$@" >> "$0.log"
case $1 in
    venv) for folder in "$@"; do :; done; mkdir -p "$folder/bin" && : > "$folder/bin/python" ;;
    pip) exit "$(cat "$0.ends" 2>/dev/null || echo 0)" ;;
esac
"""


class Machine:
    """A user's cache, and a uv that reaches no network."""

    def __init__(self, folder: Path) -> None:
        self.requirements = folder / "requirements.txt"
        self.requirements.write_text("mlflow==1.2.3\n", encoding="utf-8")
        self.uv = folder / "bin" / "uv"
        self.uv.parent.mkdir()
        self.uv.write_text(UV, encoding="utf-8")
        self.uv.chmod(0o755)
        self.environments = folder / "cache" / "mlflow-platform"

    @property
    def asked(self) -> list[str]:
        """Subcommands of uv that were run."""
        log = self.uv.with_name("uv.log")
        return [line.split()[0] for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def fail(self) -> None:
        """Make every installation of packages fail from now on."""
        self.uv.with_name("uv.ends").write_text("2", encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(client_environment, "REQUIREMENTS", made.requirements)
    monkeypatch.setattr(sys, "executable", str(made.uv.with_name("python")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


def test_the_environment_is_installed_once(machine: Machine) -> None:
    first = client_python()
    assert first.exists()
    assert machine.asked == ["venv", "pip"]
    assert client_python() == first
    assert machine.asked == ["venv", "pip"]


def test_other_requirements_are_another_environment_and_the_first_stays(machine: Machine) -> None:
    first = client_python()
    machine.requirements.write_text("mlflow==3.18.0\n", encoding="utf-8")
    second = client_python()
    assert first != second
    assert first.exists()
    assert second.exists()


def test_the_path_follows_from_the_content_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client_python()
    copy = machine.requirements.with_name("copy.txt")
    copy.write_bytes(machine.requirements.read_bytes())
    monkeypatch.setattr(client_environment, "REQUIREMENTS", copy)
    assert client_python() == first
    # sha256 of the line, by another program.
    assert first == machine.environments / "client-1645f0bc7ca5" / "bin" / "python"


def test_a_failed_installation_names_its_command_and_leaves_nothing(machine: Machine) -> None:
    machine.fail()
    with pytest.raises(SystemExit, match=r"exit code 2 of .*uv pip install .* can reach the package index"):
        client_python()
    assert list(machine.environments.iterdir()) == []


def test_packages_are_checked_against_their_hashes(machine: Machine) -> None:
    client_python()
    assert "--require-hashes" in machine.uv.with_name("uv.log").read_text(encoding="utf-8")
    assert "--hash=sha256:" in REQUIREMENTS.read_text(encoding="utf-8")


def test_an_environment_whose_python_is_gone_is_made_again(machine: Machine) -> None:
    python = client_python()
    # As after an upgrade of the Python that it was made with.
    python.unlink()
    python.symlink_to(machine.uv.with_name("a-python-that-was"))
    assert client_python().exists()


def test_a_relative_cache_folder_is_ignored_as_the_specification_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache() == Path.home() / ".cache" / "mlflow-platform"
