import os
import sys
from pathlib import Path

import pytest

from tools.adopt import environment

# Installs as uv does, and writes down what it was asked.
UV = """#!/bin/sh
echo "$@" >> "$0.log"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2"
exit "$(cat "$0.ends" 2>/dev/null || echo 0)"
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(UV, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setattr(environment, "client_python", lambda: tmp_path / "client")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return program


def test_drivers_are_installed_once_beside_the_client(uv: Path, tmp_path: Path) -> None:
    python, search_path = environment.python()
    assert python == tmp_path / "client"
    checkout, drivers = search_path.split(os.pathsep)
    assert (Path(checkout) / "tools" / "adopt").is_dir()
    assert Path(drivers).is_dir()
    assert environment.python() == (python, search_path)
    (asked,) = uv.with_name("uv.log").read_text(encoding="utf-8").splitlines()
    assert f"--python {tmp_path / 'client'}" in asked
    assert "--require-hashes" in asked


def test_a_failure_leaves_nothing_and_names_the_command(uv: Path, tmp_path: Path) -> None:
    uv.with_name("uv.ends").write_text("2", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"the drivers could not be installed: exit code 2 of .*/uv pip install"):
        environment.python()
    assert list((tmp_path / "cache" / "mlflow-platform").iterdir()) == []


def test_the_drivers_have_the_versions_of_the_clients_packages() -> None:
    """Both are on one search path, and the drivers come first."""

    def pins(file: Path) -> dict[str, str]:
        lines = file.read_text(encoding="utf-8").splitlines()
        split = (line.partition(" ")[0].partition("==") for line in lines if "==" in line and not line.startswith(" "))
        return {name: version for name, _, version in split}

    drivers = pins(environment.DRIVERS)
    client = pins(environment.CHECKOUT / "tools" / "client" / "requirements.txt")
    assert {"psycopg", "pymysql", "boto3"} <= drivers.keys()
    assert {name: client[name] for name in drivers if name in client} == {
        name: version for name, version in drivers.items() if name in client
    }
