import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config.kube_config import KubeConfigMerger

from tools import context
from tools.context import main, plain, single_context


def kubeconfig() -> dict[str, Any]:
    """A kubeconfig with two clusters and three contexts."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "production",
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}"}} for name in ("kind", "eks")],
        "users": [{"name": name, "user": {"token": f"token of {name}"}} for name in ("developer", "operator")],
        "contexts": [
            {"name": "test", "context": {"cluster": "kind", "user": "developer", "namespace": "mine"}},
            {"name": "production", "context": {"cluster": "eks", "user": "operator"}},
            {"name": "production/read", "context": {"cluster": "eks", "user": "developer"}},
        ],
    }


def test_the_result_holds_the_context_its_cluster_and_its_user_and_nothing_else() -> None:
    assert single_context(kubeconfig(), "test") == {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "kind", "user": "developer", "namespace": "mine"}}],
        "clusters": [{"name": "kind", "cluster": {"server": "https://kind"}}],
        "users": [{"name": "developer", "user": {"token": "token of developer"}}],
    }


def test_another_contexts_credentials_stay_out() -> None:
    assert "operator" not in str(single_context(kubeconfig(), "production/read"))


def test_an_unknown_context_lists_those_there_are() -> None:
    with pytest.raises(LookupError) as unknown:
        single_context(kubeconfig(), "prod")
    assert str(unknown.value) == (
        "the kubeconfig has no context 'prod'; its contexts are: production, production/read, test"
    )


@pytest.mark.parametrize("merged", [{}, {"contexts": None}])
def test_an_empty_kubeconfig_is_told(merged: dict[str, Any]) -> None:
    with pytest.raises(LookupError, match=r"its contexts are: none$"):
        single_context(merged, "test")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with that kubeconfig and a Pulumi."""
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(kubeconfig()), encoding="utf-8")
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.parent.mkdir()
    pulumi.write_text("#!/bin/sh\n")
    pulumi.chmod(0o755)
    monkeypatch.setattr(context, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str | int | None:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["context", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_command_sees_that_context_only(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "production/read", "sh", "-c", 'echo "$KUBECONFIG"; cat "$KUBECONFIG"; exit 3') == 3
    path, _, content = capfd.readouterr().out.partition("\n")
    assert Path(path).is_relative_to(home / "data" / "mlflow-platform")
    assert yaml.safe_load(content) == single_context(kubeconfig(), "production/read")


def test_the_copy_is_for_its_owner_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(monkeypatch, "test", "true") == 0
    (file,) = (home / "data").rglob("*.kubeconfig")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.usefixtures("home")
def test_the_command_does_not_run_against_an_unknown_context(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "has no context 'prod'" in str(call(monkeypatch, "prod", "echo", "ran"))
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("home")
def test_a_machine_without_pulumi_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(call(monkeypatch, "test", "true")).startswith("pulumi is not on PATH")


def test_too_few_arguments_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(call(monkeypatch, "test")).startswith("usage:")


def test_files_that_a_kubeconfig_names_relatively_are_found_from_the_copy(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    user = {"name": "me", "user": {"client-key": "keys/me.key", "client-certificate": "/etc/me.crt"}}
    document = {"apiVersion": "v1", "kind": "Config", "contexts": [], "clusters": [], "users": [user]}
    kubeconfig.write_text(json.dumps(document), encoding="utf-8")
    merged = plain(KubeConfigMerger(str(kubeconfig)).config)
    assert merged["users"][0]["user"] == {
        "client-key": str(tmp_path / "keys/me.key"),
        "client-certificate": "/etc/me.crt",
    }
