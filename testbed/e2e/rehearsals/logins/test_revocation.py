"""Time until a revoked permission takes effect, for each way to revoke it."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.stack import Platform

SEARCH = "/api/2.0/mlflow/experiments/search"
GET = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=nothing-of-that-name"
# `server.accessCacheSeconds` of the dev stack.
CACHE_SECONDS = 30
# For the request that notices it, on a busy machine.
SLACK_SECONDS = 10
ACCOUNT = "leaver"
TEAM = "team-a"


@pytest.fixture
def leaver() -> Iterator[str]:
    """A token of a service account that may do in team A what a program may, until the test takes it away."""
    space = f"--namespace={TEAM}"
    kube.kubectl("create", "serviceaccount", ACCOUNT, space)
    granted = f"--serviceaccount={TEAM}:{ACCOUNT}"
    kube.kubectl("create", "rolebinding", ACCOUNT, "--role=mlflow-manager", granted, space)
    try:
        yield kube.token(TEAM, ACCOUNT, "--audience=mlflow")
    finally:
        kube.kubectl("delete", "rolebinding,serviceaccount", ACCOUNT, space, "--ignore-not-found")


def _status(site: Site, token: str) -> int:
    """404: allowed to look, and there is no such experiment."""
    return site.ask("GET", GET, token=token, workspace=TEAM).status


def _until(site: Site, token: str, status: int) -> Callable[[], bool]:
    return lambda: _status(site, token) == status


def test_a_role_binding_that_is_removed_ends_access_within_the_cache_time(
    site: Site, leaver: str, figures: Figures
) -> None:
    wait_for("the new binding counts", _until(site, leaver, 404), seconds=CACHE_SECONDS + SLACK_SECONDS)
    kube.kubectl("delete", "rolebinding", ACCOUNT, f"--namespace={TEAM}")
    took = wait_for("its end counts", _until(site, leaver, 403), seconds=CACHE_SECONDS + SLACK_SECONDS)
    figures.add("RoleBinding removed -> 403", took)


def test_the_token_of_a_deleted_service_account_is_worth_what_its_binding_is(
    site: Site, leaver: str, figures: Figures
) -> None:
    """The login looks at the signature and does not ask whether the account is still there: the binding decides."""
    wait_for("the new binding counts", _until(site, leaver, 404), seconds=CACHE_SECONDS + SLACK_SECONDS)
    kube.kubectl("delete", "serviceaccount", ACCOUNT, f"--namespace={TEAM}")
    # Longer than any cached answer: what is allowed now is allowed because of the binding.
    time.sleep(CACHE_SECONDS + 1)
    assert _status(site, leaver) == 404
    kube.kubectl("delete", "rolebinding", ACCOUNT, f"--namespace={TEAM}")
    took = wait_for("the binding's end counts", _until(site, leaver, 403), seconds=CACHE_SECONDS + SLACK_SECONDS)
    figures.add("RoleBinding of a deleted account removed -> 403", took)


def test_programs_are_bound_by_name_and_not_by_what_an_account_of_that_name_once_was(platform: Platform) -> None:
    """Deleting the service account of a team's programs is not enough: its binding has to be deleted too."""
    account = platform.teams[TEAM]
    bindings = json.loads(kube.kubectl("get", "rolebindings", f"--namespace={TEAM}", "--output=json").stdout)["items"]
    bound = [one for one in bindings for who in one.get("subjects", ()) if who["name"] == account.service_account]
    assert bound
