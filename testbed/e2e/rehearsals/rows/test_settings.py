"""Another workspace label, a folder in a shared bucket, and log-only accounts.

One deployment has all of this, on a company's store whose bucket also holds files of others.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.team.permissions import API_GROUP, LOGGER_VERBS
from testbed.e2e import company_services as company
from testbed.e2e import kube, variant
from testbed.e2e.mlflow_client import Client
from testbed.e2e.web import Answer, Site
from tools.stack import Platform

LABEL, VALUE = "example.com/mlflow", "yes"
PREFIX = "shared/mlflow-artifacts"
KEY_SECRET = "company-bucket"  # noqa: S105 - the name of a Secret
TEAM, TASKS = "team-a", "e2e-tasks"
# Of somebody else, beside the platform's folder, with the folders that the platform would have without it.
FOREIGN = ("shared/payroll/salaries.txt", "workspaces/team-a/salaries.txt")
API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
FEATURES = {
    "gateway": "it sends requests to model providers with keys that teams store on the server",
    "online-evaluation": "it runs scorers on the server with access to all workspaces",
}
# Runs in the server's pod with its own key.
FOREIGN_WRITTEN = """
import boto3, sys
s3 = boto3.client("s3", endpoint_url=__import__("os").environ["MLFLOW_S3_ENDPOINT_URL"])
for key in sys.argv[1:]:
    s3.put_object(Bucket="artifacts", Key=key, Body=b"salaries")
"""


def changes() -> variant.Config:
    """All changed settings of the variant."""
    return {
        "mlflow-platform:workspaces": {"label": f"{LABEL}={VALUE}"},
        "mlflow-platform:artifacts": {
            "kind": "s3",
            "bucket": company.BUCKET,
            "prefix": PREFIX,
            "endpointUrl": company.STORE_URL,
            "authority": company.AUTHORITY,
            # What Google Cloud Storage needs.
            "checksums": False,
            "credentials": {"kind": "secret", "name": KEY_SECRET},
        },
        "mlflow-platform:teams": {TEAM: {"loggingAccounts": [TASKS]}, "team-b": {}},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("variant")


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[Platform]:
    """The variant; afterwards the committed stack is deployed again."""
    with company.services():
        company.put_secret(KEY_SECRET, {"AWS_ACCESS_KEY_ID": company.KEY_ID, "AWS_SECRET_ACCESS_KEY": company.KEY})
        try:
            deployed = variant.deploy(folder, changes())
            kube.kubectl("create", "serviceaccount", TASKS, f"--namespace={TEAM}")
            _in_server("python3", "-c", FOREIGN_WRITTEN, *FOREIGN)
            yield deployed
        finally:
            kube.kubectl("delete", "serviceaccount", TASKS, f"--namespace={TEAM}", "--ignore-not-found")
            variant.restore()
            kube.kubectl("delete", "secret", KEY_SECRET, f"--namespace={company.PLATFORM}", "--ignore-not-found")


def _in_server(*command: str) -> str:
    return kube.kubectl(
        "exec", "deployment/mlflow", f"--namespace={company.PLATFORM}", "--container=mlflow", "--", *command
    ).stdout


@pytest.fixture(scope="module")
def project(client: Client) -> dict[str, object]:
    """Values that a program of team A logs and reads back."""
    return client.script("small_project", team=TEAM)


@pytest.fixture(scope="module")
def tasks(platform: Platform) -> str:
    """The token of a pod that may only log."""
    assert platform.teams[TEAM].namespace == TEAM
    return kube.token(TEAM, TASKS, "--audience=mlflow")


@pytest.fixture(scope="module")
def run_id(site: Site, tasks: str) -> str:
    """A run that a log-only pod has made in its own experiment."""
    made = _post(site, tasks, "experiments/create", {"name": f"tasks-{time.time_ns()}"})
    assert made.status == 200, made
    begun = _post(site, tasks, "runs/create", {"experiment_id": made.json()["experiment_id"]})
    assert begun.status == 200, begun
    return begun.json()["run"]["info"]["run_id"]


def _post(site: Site, token: str, path: str, document: object) -> Answer:
    return site.ask("POST", f"{API}/{path}", token=token, workspace=TEAM, document=document)


def test_the_namespaces_with_the_other_label_are_the_workspaces(site: Site, platform: Platform) -> None:
    team = platform.teams[TEAM]
    labels = kube.objects("namespaces", f"--selector={LABEL}={VALUE}")
    assert sorted(one["metadata"]["name"] for one in labels) == ["team-a", "team-b"]
    assert kube.objects("namespaces", "--selector=mlflow-enabled") == []
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    listed = site.ask("GET", "/api/3.0/mlflow/workspaces", token=token).json()["workspaces"]
    assert [one["name"] for one in listed] == [TEAM]


def test_a_program_logs_reads_back_and_registers(project: dict[str, object]) -> None:
    assert project["came_back"] == project["sent"]
    assert project["champion"] == project["version"]


@pytest.mark.usefixtures("project")
def test_its_artifacts_lie_in_the_folder_and_nowhere_else() -> None:
    assert company.stored(f"{PREFIX}/workspaces/team-a").strip()
    assert company.stored("workspaces").split() == ["team-a"]
    assert company.stored("workspaces/team-a").split() == ["salaries.txt"]


@pytest.mark.parametrize(
    "path",
    [
        "workspaces/team-a/salaries.txt",
        "workspaces/team-a/../../../payroll/salaries.txt",
        "../payroll/salaries.txt",
        "workspaces/team-a/%2e%2e/%2e%2e/%2e%2e/payroll/salaries.txt",
        "shared/payroll/salaries.txt",
    ],
)
def test_no_path_leads_to_the_other_files_of_the_bucket(site: Site, platform: Platform, path: str) -> None:
    team = platform.teams[TEAM]
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    answer = site.ask("GET", f"{ARTIFACTS}/{path}", token=token, workspace=TEAM)
    assert answer.status in {400, 403, 404}, answer
    assert b"salaries" not in answer.body.replace(path.encode(), b"").replace(b"salaries.txt", b"")


def test_a_log_only_account_makes_runs_and_logs_to_them(site: Site, tasks: str, run_id: str) -> None:
    metric = {"run_id": run_id, "key": "loss", "value": 0.5, "timestamp": 1, "step": 0}
    assert _post(site, tasks, "runs/log-metric", metric).status == 200
    assert _post(site, tasks, "runs/log-parameter", {"run_id": run_id, "key": "depth", "value": "6"}).status == 200
    run = site.ask("GET", f"{API}/runs/get?run_id={run_id}", token=tasks, workspace=TEAM).json()["run"]
    uri = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    path = f"{ARTIFACTS}/{uri}/note.txt"
    assert site.ask("PUT", path, token=tasks, workspace=TEAM, content=b"note").status == 200
    assert site.ask("GET", path, token=tasks, workspace=TEAM).body == b"note"


@pytest.mark.usefixtures("project")
def test_a_log_only_account_reads_models_and_registers_none(site: Site, tasks: str, run_id: str) -> None:
    read = site.ask("GET", f"{API}/registered-models/get?name=small-model", token=tasks, workspace=TEAM)
    assert read.status == 200
    assert _post(site, tasks, "registered-models/create", {"name": "by-a-task"}).status == 403
    version = {"name": "small-model", "source": f"runs:/{run_id}/note.txt", "run_id": run_id}
    assert _post(site, tasks, "model-versions/create", version).status == 403
    alias = {"name": "small-model", "alias": "champion", "version": "1"}
    assert _post(site, tasks, "registered-models/alias", alias).status == 403


def test_a_log_only_account_deletes_no_experiment(site: Site, tasks: str, run_id: str) -> None:
    run = site.ask("GET", f"{API}/runs/get?run_id={run_id}", token=tasks, workspace=TEAM).json()["run"]
    assert _post(site, tasks, "experiments/delete", {"experiment_id": run["info"]["experiment_id"]}).status == 403


def test_a_log_only_account_has_nothing_in_another_team(site: Site, tasks: str) -> None:
    document = {"max_results": 1}
    assert (
        site.ask("POST", f"{API}/experiments/search", token=tasks, workspace="team-b", document=document).status == 403
    )


def test_kubernetes_answers_the_same(tasks: str) -> None:
    assert tasks
    account = f"--as=system:serviceaccount:{TEAM}:{TASKS}"
    listed = kube.kubectl("auth", "can-i", "--list", f"--namespace={TEAM}", account, "--no-headers").stdout
    rows = [line for line in listed.splitlines() if API_GROUP in line]
    assert {row.split()[0]: set(row.rpartition("[")[2].rstrip("] ").split()) for row in rows} == {
        f"{resource}.{API_GROUP}": set(verbs) for resource, verbs in LOGGER_VERBS.items()
    }


def test_a_second_deployment_changes_nothing(folder: Path) -> None:
    variant.expect_no_changes(folder, changes())


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_that_is_not_offered_is_refused_with_the_reason(folder: Path, feature: str) -> None:
    server = {**variant.committed("server"), "features": [feature]}
    said = variant.refused(folder, {"mlflow-platform:server": server})
    assert f"`{feature}` is not offered, because {FEATURES[feature]}: remove it" in " ".join(said.split())


def test_azures_storage_is_refused_with_the_reason(folder: Path) -> None:
    store = {"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://company.blob.core.windows.net"}
    said = variant.refused(folder, {"mlflow-platform:artifacts": store})
    assert "is Azure Blob Storage, which has no S3 interface" in " ".join(said.split())


def test_the_variant_still_serves(site: Site, tasks: str) -> None:
    assert json.loads(_post(site, tasks, "experiments/search", {"max_results": 1}).body)["experiments"]
