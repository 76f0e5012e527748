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

# What stands for the reader's own in the pages, and what it is on the embedded cluster.
HERE = {
    "registry.example.com/training:1.0": "localhost/mlflow-platform/mlflow:3.17.2",
    "mlflow.example.com": "mlflow.localhost",
}


def documented_pods() -> list[Part]:
    """The complete pods in docs/log-from-a-pod.md."""
    return _pods("log-from-a-pod")


def external_pod() -> Part:
    """The complete pod in docs/external.md."""
    (pod,) = _pods("external")
    return pod


def notebook() -> Part:
    """The notebook pod that KubeSpawner creates from the settings in docs/jupyterhub.md."""
    values = hub_values()
    spawner = values["hub"]["config"]["KubeSpawner"]
    container = {**spawner["extra_container_config"], "securityContext": spawner["container_security_context"]}
    return {
        "serviceAccountName": values["singleuser"]["serviceAccountName"],
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


def hub_values() -> Part:
    """The values of JupyterHub's Helm chart in docs/jupyterhub.md."""
    (values,) = (found for found in _yaml("jupyterhub") if "hub" in found)
    return values


def hub_rights() -> str:
    """The objects in docs/jupyterhub.md that let the hub start notebooks in team-a's namespace."""
    return _blocks("jupyterhub", "yaml")[0]


def notebook_cells() -> list[str]:
    """The cells in docs/jupyterhub.md, in their order."""
    return _blocks("jupyterhub", "python")


def airflow_rights() -> str:
    """The objects in docs/airflow.md that let Airflow start pods in team-a's namespace."""
    return _blocks("airflow", "yaml")[0]


def airflow_environment() -> list[Part]:
    """Environment variables of Airflow's workers in docs/airflow.md."""
    (values,) = (found for found in _yaml("airflow") if "env" in found)
    return values["env"]


def airflow_dag() -> str:
    """The DAG in docs/airflow.md."""
    return _blocks("airflow", "python")[0]


def pipeline() -> str:
    """The pipeline in docs/kubeflow.md."""
    (block,) = _blocks("kubeflow", "python")
    return block


def other_workspace() -> str:
    """The code in docs/log-from-a-pod.md that chooses a workspace."""
    (block,) = _blocks("log-from-a-pod", "python")
    return block


def compare_page() -> str:
    """Address of the page in docs/log-from-a-pod.md that compares two runs, from the `#` on."""
    (found,) = re.findall(r"\n```\nhttps://mlflow.example.com/(#/compare-runs.*)\n```", _page("log-from-a-pod"))
    return found


def direct_environment() -> list[Part]:
    """The entries of `envFrom` in docs/direct-access.md."""
    (found,) = (one for one in _yaml("direct-access") if "envFrom" in one)
    return found["envFrom"]


def _pods(page: str) -> list[Part]:
    """The pods of a page, with what is on the embedded cluster in place of the reader's own."""
    pods = [found for found in _yaml(page) if found.get("kind") == "Pod"]
    text = yaml.safe_dump_all(pods)
    for readers, here in HERE.items():
        text = text.replace(readers, here)
    return list(yaml.safe_load_all(text))


def _yaml(page: str) -> list[Part]:
    return [document for block in _blocks(page, "yaml") for document in yaml.safe_load_all(block)]


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _page(page), re.DOTALL | re.MULTILINE)


def _page(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


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
    known = _constants(tree)
    values = {
        word.arg: eval(ast.unparse(word.value), known)  # noqa: S307 - the project's own documentation
        for word in node.keywords
        if word.arg is not None
    }
    # The package has no types.
    plain = client.ApiClient().sanitize_for_serialization(values)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("Part", plain)


def _constants(tree: ast.Module) -> dict[str, Any]:
    """Constants of a module by name, and `k8s`."""
    known: dict[str, Any] = {"k8s": models}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    known[target.id] = eval(ast.unparse(node.value), known)  # noqa: S307 - as above
    return known
