"""The platform with the settings of docs/ for team-a: accounts of Airflow and Kubeflow, and a key of the store."""

from collections.abc import Iterator
from typing import Any

import pytest

from testbed.e2e import variant
from tests import snippets
from tools.stack import Platform

PAGES = ("airflow", "kubeflow")


def _changes() -> dict[str, Any]:
    """Settings that docs/airflow.md, docs/kubeflow.md and docs/direct-access.md show for team-a."""
    accounts = [
        account
        for page in PAGES
        for shown in snippets.team_settings(page)
        for account in shown["teams"]["team-a"]["serviceAccounts"]
    ]
    (direct,) = snippets.team_settings("direct-access")
    team_a = {"serviceAccounts": accounts, **direct["teams"]["team-a"]}
    return {"mlflow-platform:teams": {"team-a": team_a, "team-b": {}}}


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One deployment for all tests of the folder; at the end the committed `dev` stack is deployed again."""
    try:
        yield variant.deploy(tmp_path_factory.mktemp("variant"), _changes())
    finally:
        variant.restore()


@pytest.fixture(scope="module")
def platform(deployed: Platform) -> Platform:
    return deployed
