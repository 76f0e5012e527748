"""Programs with their own service accounts, on a platform that only accepts tokens for the audience `mlflow`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, variant, workload
from testbed.e2e.commands import run
from testbed.e2e.web import Site
from tests import snippets
from tools.stack import Platform

CREATE = "/api/2.0/mlflow/experiments/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
# As in the page about Kubeflow.
ELSEWHERE = "kubeflow-team-a"
CHANGES: dict[str, Any] = {
    "mlflow-platform:cluster": {"serviceAccountAudiences": ["mlflow"]},
    "mlflow-platform:teams": {
        "team-a": {"serviceAccounts": ["default", f"{ELSEWHERE}/default-editor"]},
        "team-b": {},
    },
}
TOKEN_VOLUME = "token"  # noqa: S105 - the name of a volume


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("variant")


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[Platform]:
    """The variant, and a namespace outside of the platform with a copy of a team's environment."""
    deployed = variant.deploy(folder, CHANGES)
    kube.kubectl("create", "namespace", ELSEWHERE)
    try:
        kube.kubectl("create", "serviceaccount", "default-editor", f"--namespace={ELSEWHERE}")
        run("sh", "-c", _documented_copy(), cwd=folder)
        yield deployed
    finally:
        kube.kubectl("delete", "namespace", ELSEWHERE, seconds=120)
        variant.restore()


def _documented_copy() -> str:
    """The commands in docs/kubeflow.md, which copy a team's environment into another namespace."""
    page = (snippets.DOCS / "kubeflow.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return block


def _search(site: Site, token: str) -> int:
    document = {"max_results": 1}
    return site.ask("POST", SEARCH, token=token, workspace="team-a", document=document).status


def test_a_pods_default_token_is_refused_and_no_longer_mounted(site: Site, platform: Platform) -> None:
    team = platform.teams["team-a"]
    assert _search(site, kube.token(team.namespace, team.service_account)) == 401
    assert _search(site, kube.token(team.namespace, team.service_account, "--audience=mlflow")) == 200
    account = kube.one("serviceaccount", team.service_account, team.namespace)
    assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize(("namespace", "account"), [("team-a", "default"), (ELSEWHERE, "default-editor")])
def test_a_listed_service_account_writes_in_its_team_and_in_no_other(
    site: Site, platform: Platform, namespace: str, account: str
) -> None:
    token = kube.token(namespace, account, "--audience=mlflow")
    name = {"name": f"by {namespace}/{account} of {platform.teams['team-a'].namespace}"}
    made = site.ask("POST", CREATE, token=token, workspace="team-a", document=name)
    assert made.status == 200 or b"RESOURCE_ALREADY_EXISTS" in made.body
    assert site.ask("POST", CREATE, token=token, workspace="team-b", document=name).status == 403


def test_service_accounts_that_nobody_listed_have_nothing(site: Site, platform: Platform) -> None:
    for namespace in ("team-b", ELSEWHERE, platform.namespace):
        token = kube.token(namespace, "default", "--audience=mlflow")
        refused = site.ask("POST", CREATE, token=token, workspace="team-a", document={"name": "intruder"})
        assert refused.status == 403, namespace


def test_a_pod_of_another_namespace_logs_with_a_copy_of_the_environment(platform: Platform) -> None:
    image = workload.client_image(platform)
    done = workload.run_workload("dag", _with_own_token("default-editor"), "extract", image=image, namespace=ELSEWHERE)
    assert done["run_id"]


def test_a_second_deployment_changes_nothing(folder: Path, platform: Platform) -> None:
    assert platform.teams
    variant.expect_no_changes(folder, CHANGES)


def _with_own_token(account: str) -> kube.Object:
    """The first pod of docs/log-from-a-pod.md, with this service account and the token volume of the second pod."""
    by_environment, by_https = (pod["spec"] for pod in snippets.documented_pods())
    (container,) = by_environment["containers"]
    container["volumeMounts"] = [
        mount for mount in by_https["containers"][0]["volumeMounts"] if mount["name"] == TOKEN_VOLUME
    ]
    volumes = [volume for volume in by_https["volumes"] if volume["name"] == TOKEN_VOLUME]
    return {**by_environment, "serviceAccountName": account, "automountServiceAccountToken": False, "volumes": volumes}
