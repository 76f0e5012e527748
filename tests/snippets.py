"""Pods and settings from the examples in docs/."""

import ast
import re
from pathlib import Path
from typing import Any, cast

import yaml
from kubernetes import client
from kubernetes.client import models

DOCS = Path(__file__).resolve().parents[1] / "docs"

# Pods and their parts are JSON.
Part = dict[str, Any]


def documented_pods() -> list[Part]:
    """The complete pods in docs/log-from-a-pod.md."""
    return [found for found in _yaml("log-from-a-pod") if found.get("kind") == "Pod"]


def notebook() -> Part:
    """The notebook pod that KubeSpawner creates from the settings in docs/jupyterhub.md."""
    spawner = _yaml("jupyterhub")[0]["hub"]["config"]["KubeSpawner"]
    container = {**spawner["extra_container_config"], "securityContext": spawner["container_security_context"]}
    return {
        "serviceAccountName": spawner["service_account"],
        "securityContext": spawner["pod_security_context"],
        "containers": [container],
    }


def operators_task() -> Part:
    """The pod that the KubernetesPodOperator in docs/airflow.md creates."""
    said = _arguments("airflow", "KubernetesPodOperator")
    return {
        "serviceAccountName": said["service_account_name"],
        "securityContext": said["security_context"],
        "containers": [{"envFrom": said["env_from"], "securityContext": said["container_security_context"]}],
    }


def executors_task() -> Part:
    """The pod that the KubernetesExecutor in docs/airflow.md creates."""
    spec = _arguments("airflow", "V1Pod")["spec"]
    (container,) = spec.pop("containers")
    # The name of the container that Airflow overrides.
    assert container.pop("name") == "base"
    return {**spec, "containers": [container]}


def pipelines_variables() -> tuple[str, dict[str, str]]:
    """Name of the ConfigMap in docs/kubeflow.md, and the environment variable for each of its keys."""
    said = _arguments("kubeflow", "use_config_map_as_env")
    return said["config_map_name"], said["config_map_key_to_env"]


def team_settings(page: str) -> list[Part]:
    """The examples of stack files in a page, with keys without the project's prefix."""
    return [
        {key.rpartition(":")[2]: value for key, value in found.items()}
        for found in _yaml(page)
        if any(key.startswith("mlflow-platform:") for key in found)
    ]


def _yaml(page: str) -> list[Part]:
    return [yaml.safe_load(block) for block in _blocks(page, "yaml")]


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)


def _arguments(page: str, function: str) -> dict[str, Any]:
    """Arguments, as JSON, of the only call of a function in a page's Python code; its package need not be installed."""
    trees = [ast.parse(block) for block in _blocks(page, "python")]
    (call,) = (
        (node, tree)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == function
    )
    node, tree = call
    known = {"k8s": models, **_constants(tree)}
    values = {
        word.arg: eval(ast.unparse(word.value), known)  # noqa: S307 - the project's own documentation
        for word in node.keywords
        if word.arg is not None
    }
    # The package has no types.
    plain = client.ApiClient().sanitize_for_serialization(values)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("Part", plain)


def _constants(tree: ast.Module) -> dict[str, Any]:
    """Constants of a module by name."""
    return {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and not any(isinstance(one, ast.Call) for one in ast.walk(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
