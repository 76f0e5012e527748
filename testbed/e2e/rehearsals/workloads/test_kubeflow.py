"""The container of a pipeline that kfp compiled runs in a pod with the settings of docs/kubeflow.md."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.hub import program_image
from testbed.e2e.web import Site
from tests import snippets
from tools.stack import Platform

EXPERIMENT = "pipeline"
ACCOUNT = "default-editor"
COMPILE = """
import json, sys, yaml
from kfp import compiler
compiler.Compiler().compile(nightly, "/tmp/nightly.yaml")
print(json.dumps(list(yaml.safe_load_all(open("/tmp/nightly.yaml")))))
"""
# What Kubeflow's launcher puts in the place of `{{$}}`.
EXECUTOR_INPUT = {
    "inputs": {},
    "outputs": {
        "parameters": {"Output": {"outputFile": "/tmp/outputs/run"}},  # noqa: S108 - in the pod
        "outputFile": "/tmp/outputs/metadata.json",  # noqa: S108 - in the pod
    },
}


@pytest.fixture(scope="module")
def compiled(platform: Platform) -> list[dict[str, Any]]:
    """The compiled pipeline, and its Kubernetes settings."""
    assert platform.teams
    image = program_image("notebook")
    # kfp reads a component's source from its file.
    source = snippets.pipeline().replace("registry.example.com/training:1.0", image) + COMPILE
    script = f"import runpy; open('/tmp/p.py', 'w').write({source!r}); runpy.run_path('/tmp/p.py')"
    return json.loads(kube.run_pod(kube.team_pod("compile", "team-a", image=image, script=script)).splitlines()[-1])


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """Kubeflow's service account in the team's namespace."""
    kube.kubectl("create", "serviceaccount", ACCOUNT, "--namespace=team-a")
    yield ACCOUNT
    kube.kubectl("delete", "serviceaccount", ACCOUNT, "--namespace=team-a")


def test_a_compiled_step_logs_with_kubeflows_own_account(
    compiled: list[dict[str, Any]], account: str, site: Site, platform: Platform
) -> None:
    kube.run_pod(_step(compiled, account))
    team = platform.teams["team-a"]
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    by_name = f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={EXPERIMENT}"
    experiment = site.ask("GET", by_name, token=token, workspace="team-a").json()["experiment"]["experiment_id"]
    query = {"experiment_ids": [experiment], "max_results": 1}
    (run,) = site.ask("POST", "/api/2.0/mlflow/runs/search", token=token, workspace="team-a", document=query).json()[
        "runs"
    ]
    assert run["info"]["user_id"] == f"system:serviceaccount:team-a:{ACCOUNT}"
    assert {metric["key"]: metric["value"] for metric in run["data"]["metrics"]} == {"loss": 0.1}


def _step(compiled: list[dict[str, Any]], account: str) -> kube.Object:
    """The pod of the compiled step.

    In a cluster, Kubeflow adds the rest of the security context to the pod of every step.
    """
    pipeline, on_kubernetes = compiled
    container = pipeline["deploymentSpec"]["executors"]["exec-train"]["container"]
    settings = on_kubernetes["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train"]
    arguments = [one.replace("{{$}}", json.dumps(EXECUTOR_INPUT)) for one in container["args"]]
    variables = [
        {
            "name": pair["envVar"],
            "valueFrom": {"configMapKeyRef": {"name": source["configMapName"], "key": pair["configMapKey"]}},
        }
        for source in settings["configMapAsEnv"]
        for pair in source["keyToEnv"]
    ]
    wanted = settings["securityContext"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "step", "namespace": "team-a"},
        "spec": {
            "serviceAccountName": account,
            "restartPolicy": "Never",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "main",
                    "image": container["image"],
                    "command": container["command"],
                    "args": arguments,
                    "env": variables,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "runAsUser": int(wanted["runAsUser"]),
                        "runAsNonRoot": wanted["runAsNonRoot"],
                    },
                }
            ],
        },
    }
