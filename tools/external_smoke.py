"""Smoke test of a stack whose tracking server is not part of it: runs the connectivity check of `up` again.

No run is logged, because that would leave data on a server that belongs to somebody else.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig
from kubernetes.client.exceptions import ApiException

from tools.stack import Platform, TeamAccount

SELECTOR = "app.kubernetes.io/name=connectivity"
# The check itself gives up within a minute.
TIMEOUT_SECONDS = 240
# Teams whose checks run at the same time.
PARALLEL = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """Result of the check of a team."""

    team: str
    said: str
    """Message of the check, or the reason why it did not run."""

    usable: bool | None
    """True if the tracking server can be used, False if not; None if the check did not run."""

    needs: str = ""
    """Right or object that the check lacks; empty if the check ran, or lacks none."""


def check(platform: Platform) -> None:
    """Run the check of each team that has one, and print what was found.

    Raises:
        SystemExit: a check failed; the message names the teams.
    """
    failed: list[str] = []
    for found in checks(platform):
        print(f"team {found.team}: {found.said}", flush=True)
        if found.usable is False or found.needs:
            failed.append(found.team)
    if failed:
        sys.exit(f"smoke test: {platform.url} cannot be used by {', '.join(failed)}")


def checks(platform: Platform) -> list[Checked]:
    """Run the check of each team that has one, with the rights of the caller; sorted by team."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    with ThreadPoolExecutor(PARALLEL) as pool:
        names = sorted(platform.teams)
        return list(pool.map(_checked, names, (platform.teams[name] for name in names)))


def _checked(name: str, team: TeamAccount) -> Checked:
    # Each thread has its own clients: those of the package share state.
    core, batch = kubernetes.CoreV1Api(), kubernetes.BatchV1Api()
    try:
        if team.archived:
            return Checked(team=name, said="not checked, because it is archived", usable=None)
        jobs: list[Any] = batch.list_namespaced_job(team.namespace, label_selector=SELECTOR).items  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - likewise
        if not jobs:
            needs = f"the Job of the connectivity check in namespace {team.namespace}, which `make up` creates"
            return Checked(team=name, said=f"not checked: needs {needs}", usable=None, needs=needs)
        phase, said = run(core, team, jobs[-1])
    except (ApiException, urllib3.exceptions.HTTPError) as error:
        said: Any = error
        answer = said.body if isinstance(error, ApiException) and said.body else said
        needs = f"the right to list Jobs, and to create, get and delete pods in namespace {team.namespace}: {answer}"
        return Checked(team=name, said=f"not checked: needs {needs}", usable=None, needs=needs)
    return Checked(team=name, said=said, usable=phase == "Succeeded")


def run(core: Any, team: TeamAccount, job: Any) -> tuple[str, str]:  # noqa: ANN401 - the package has no types
    """Run the pod of a Job once more; returns its phase and the last line of its log."""
    pod = kubernetes.V1Pod(
        metadata=kubernetes.V1ObjectMeta(generate_name="connectivity-smoke-", labels=labels(job)),
        spec=job.spec.template.spec,
    )
    name: str = core.create_namespaced_pod(team.namespace, pod).metadata.name
    try:
        end = time.monotonic() + TIMEOUT_SECONDS
        phase = "Pending"
        while phase not in ("Succeeded", "Failed") and time.monotonic() < end:
            time.sleep(1)
            phase = core.read_namespaced_pod(name, team.namespace).status.phase
        if phase not in ("Succeeded", "Failed"):
            return phase, f"the check has not ended within {TIMEOUT_SECONDS} s: kubectl describe its Job"
        lines = core.read_namespaced_pod_log(name, team.namespace).strip().splitlines()
        return phase, lines[-1] if lines else "no output"
    finally:
        with suppress(ApiException):
            core.delete_namespaced_pod(name, team.namespace, grace_period_seconds=1)


def labels(job: Any) -> dict[str, str]:  # noqa: ANN401 - the package has no types
    """Labels of a Job's pods, without those that Kubernetes adds: the Job would adopt another pod that has these."""
    given: dict[str, str] = job.spec.template.metadata.labels
    return {
        key: value
        for key, value in given.items()
        if key not in ("controller-uid", "job-name") and not key.startswith("batch.kubernetes.io/")
    }
