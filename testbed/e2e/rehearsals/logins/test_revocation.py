"""Time until a revoked permission takes effect, for each way to revoke it."""

import json
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.stack import Platform

GET = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=nothing-of-that-name"
# `server.accessCacheSeconds` of the dev stack.
CACHE_SECONDS = 30
# For the request that notices it, on a busy machine.
SLACK_SECONDS = 10
TEAM = "team-a"


@contextmanager
def _leaver(account: str) -> Generator[str]:
    """Token of a service account with a manager's rights in team A, which the test then revokes."""
    space = f"--namespace={TEAM}"
    kube.kubectl("create", "serviceaccount", account, space)
    kube.kubectl("create", "rolebinding", account, "--role=mlflow-manager", f"--serviceaccount={TEAM}:{account}", space)
    try:
        yield kube.token(TEAM, account, "--audience=mlflow")
    finally:
        kube.kubectl("delete", "rolebinding,serviceaccount", account, space, "--ignore-not-found")


def _until(site: Site, token: str, status: int, *, what: str) -> float:
    def answers() -> bool:
        return _status(site, token) == status

    return wait_for(what, answers, seconds=CACHE_SECONDS + SLACK_SECONDS)


def _status(site: Site, token: str) -> int:
    """Status of a request for a missing experiment: 404 if the token may read the workspace, else 403 or 401."""
    return site.ask("GET", GET, token=token, workspace=TEAM).status


def _without_binding(site: Site) -> float:
    with _leaver("leaver-by-binding") as token:
        _until(site, token, 404, what="the new binding counts")
        kube.kubectl("delete", "rolebinding", "leaver-by-binding", f"--namespace={TEAM}")
        return _until(site, token, 403, what="the end of the binding counts")


def _without_account(site: Site) -> tuple[int, float]:
    with _leaver("leaver-by-account") as token:
        _until(site, token, 404, what="the new binding counts")
        kube.kubectl("delete", "serviceaccount", "leaver-by-account", f"--namespace={TEAM}")
        # Longer than any cached answer: what is allowed now is allowed because of the binding.
        time.sleep(CACHE_SECONDS + 1)
        status = _status(site, token)
        kube.kubectl("delete", "rolebinding", "leaver-by-account", f"--namespace={TEAM}")
        return status, _until(site, token, 403, what="the end of the binding counts")


@pytest.fixture(scope="module")
def ways(site: Site) -> Generator[tuple[Future[float], Future[tuple[int, float]]]]:
    """Revoke access in both ways at the same time, because each takes effect only after the cache time."""
    with ThreadPoolExecutor(2) as trying:
        yield trying.submit(_without_binding, site), trying.submit(_without_account, site)


def test_a_role_binding_that_is_removed_ends_access_within_the_cache_time(
    ways: tuple[Future[float], Future[tuple[int, float]]], figures: Figures
) -> None:
    figures.add("RoleBinding removed -> 403", ways[0].result())


def test_the_token_of_a_deleted_service_account_is_worth_what_its_binding_is(
    ways: tuple[Future[float], Future[tuple[int, float]]], figures: Figures
) -> None:
    """The login verifies the signature, not whether the account still exists, so the binding decides."""
    status, seconds = ways[1].result()
    assert status == 404
    figures.add("RoleBinding of a deleted account removed -> 403", seconds)


def test_programs_are_bound_by_name_and_not_by_what_an_account_of_that_name_once_was(platform: Platform) -> None:
    """Deleting the service account of a team's programs is not enough to revoke access: its binding has to go too."""
    account = platform.teams[TEAM]
    bindings = json.loads(kube.kubectl("get", "rolebindings", f"--namespace={TEAM}", "--output=json").stdout)["items"]
    bound = [one for one in bindings for who in one.get("subjects", ()) if who["name"] == account.service_account]
    assert bound
