"""The environment in which Pulumi typed by hand uses the embedded cluster."""

import stat
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from testbed.errors import EmbeddedError
from testbed.node import environment
from testbed.paths import Home, cache, data

HOME = Home(Path("/data"))


def variables(**inherited: str) -> dict[str, str]:
    return environment.variables(
        HOME, cache=Path("/cache"), engine_bin=Path("/engine"), checkout=Path("/checkout"), inherited=inherited
    )


def test_the_variables_lead_to_the_projects_own_places_only() -> None:
    assert variables(PATH="/usr/bin") == {
        "PATH": "/checkout/.venv/bin:/engine:/usr/bin",
        "KUBECONFIG": "/data/kubeconfig",
        "KUBECACHEDIR": "/cache/kubectl",
        "PULUMI_HOME": "/data/pulumi-home",
        "PULUMI_BACKEND_URL": "file:///data/state",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/data/passphrase",
        "PULUMI_CREDENTIAL_STORE": "plaintext",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PYTHONPYCACHEPREFIX": "/cache/pycache",
        "POLICY_PACK": "/data/policy-pack",
    }


def test_applying_the_environment_twice_changes_nothing() -> None:
    once = variables(PATH="/usr/bin")
    assert variables(PATH=once["PATH"]) == once


def test_a_proxy_of_the_machine_is_not_used_for_the_platform() -> None:
    values = variables(PATH="/usr/bin", HTTPS_PROXY="http://proxy:3128", NO_PROXY="example.com,localhost")
    assert values["NO_PROXY"] == values["no_proxy"] == "example.com,localhost,.localhost,127.0.0.1"


def test_export_lines_survive_a_shell_whatever_is_in_a_path() -> None:
    value = "/home/o'brien/a b/$HOME/`x`"
    script = environment.export_lines({"KUBECONFIG": value}) + 'printf %s "$KUBECONFIG"'
    shell = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    assert shell.stdout == value


def test_export_lines_remove_what_would_take_precedence() -> None:
    assert environment.export_lines({}) == "unset PULUMI_CONFIG_PASSPHRASE PYTHONDONTWRITEBYTECODE\n"


def test_a_commands_environment_lacks_what_would_take_precedence() -> None:
    inherited = {"PULUMI_CONFIG_PASSPHRASE": "x", "TERM": "xterm", "PATH": "/bin"}
    assert environment.merged({"PATH": "/engine:/bin"}, inherited) == {"TERM": "xterm", "PATH": "/engine:/bin"}


def test_the_platforms_names_are_added_to_the_machines_hosts() -> None:
    machine = "127.0.0.1 localhost"
    assert environment.hosts(machine) == f"{machine}\n127.0.0.1 mlflow.localhost dex.mlflow.localhost\n"


def test_a_hosts_file_that_holds_the_names_is_recognised_and_a_comment_about_them_is_not() -> None:
    assert environment.knows_names(environment.hosts("127.0.0.1 localhost"))
    assert not environment.knows_names("127.0.0.1 localhost\n# 127.0.0.1 mlflow.localhost dex.mlflow.localhost\n")


def test_preparing_makes_a_passphrase_that_only_its_owner_reads_and_keeps_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    environment.prepare(home, Path("/checkout"), Path("/engine"))
    first = home.passphrase.read_text()
    environment.prepare(home, Path("/checkout"), Path("/engine"))
    assert home.passphrase.read_text() == first
    assert stat.S_IMODE(home.passphrase.stat().st_mode) == 0o600


def test_each_plugin_lies_where_the_engine_looks_for_the_packages_version(tmp_path: Path) -> None:
    home = Home(tmp_path)
    environment.prepare(home, Path("/checkout"), Path("/engine"))
    for provider in ("kubernetes", "random", "aws"):
        directory = home.pulumi_home / "plugins" / f"resource-{provider}-v{metadata.version(f'pulumi-{provider}')}"
        plugin = directory / f"pulumi-resource-{provider}"
        assert plugin.stat().st_mode & stat.S_IXUSR


def test_a_plugin_starts_the_stand_in_of_the_checkout_that_was_used_last(tmp_path: Path) -> None:
    home = Home(tmp_path)
    environment.prepare(home, Path("/first"), Path("/engine"))
    environment.prepare(home, Path("/second place"), Path("/engine"))
    plugin = next(home.pulumi_home.glob("plugins/resource-random-*/pulumi-resource-random"))
    assert "exec '/second place/.venv/bin/python' -m testbed.providers.random \"$@\"" in plugin.read_text()


def test_the_kubernetes_plugin_is_the_one_that_was_built_with_the_engine(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    built = tmp_path / "the engine" / "plugins" / "pulumi-resource-kubernetes"
    built.parent.mkdir(parents=True)
    built.write_text('#!/bin/sh\necho the real one, given "$@"\n')
    built.chmod(0o755)
    environment.prepare(home, Path("/checkout"), tmp_path / "the engine")
    plugin = next(home.pulumi_home.glob("plugins/resource-kubernetes-*/pulumi-resource-kubernetes"))
    said = subprocess.run([plugin, "127.0.0.1:1"], capture_output=True, text=True, check=True)
    assert said.stdout == "the real one, given 127.0.0.1:1\n"


def test_the_places_follow_the_xdg_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere/data")
    assert (cache(), data()) == (Path("/somewhere/cache/mlflow-platform"), Path("/somewhere/data/mlflow-platform"))


def test_a_relative_xdg_variable_is_ignored_as_its_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "here")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert data() == Path("/home/somebody/.local/share/mlflow-platform")


def test_a_path_that_mount_options_do_not_support_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data,and:more")
    with pytest.raises(EmbeddedError, match="XDG_DATA_HOME gives /data,and:more/mlflow-platform"):
        data()
