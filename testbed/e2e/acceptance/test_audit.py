"""On the running platform: the audit log, errors without internal details, and names missing in the stack file."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from components.team.permissions import API_GROUP
from testbed.e2e import kube
from testbed.e2e.attack.callers import PEOPLE
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.commands import run, wait_for
from testbed.e2e.people import id_token
from testbed.e2e.web import Answer, Site
from tools.stack import Platform

TEAM = "team-a"
EXPERIMENTS = "/api/2.0/mlflow/experiments"
RUNS = "/api/2.0/mlflow/runs"
ALICE = PEOPLE["manager"]
ADMINISTRATORS = "kubeadm:cluster-admins"
EVE = "eve@example.com"
# Runs beside the server, behind the login: sends what the login would send for an identity provider of the attacker.
AS_THE_LOGIN = """
import json, sys, urllib.error, urllib.request
path, document, headers = json.load(sys.stdin)
request = urllib.request.Request("http://127.0.0.1:5000" + path, json.dumps(document).encode(), headers)
try:
    answer = urllib.request.urlopen(request, timeout=30)
except urllib.error.HTTPError as refusal:
    answer = refusal
print(json.dumps([answer.status, answer.read().decode()]))
"""
# Kills everything in the container but the process that it was started with, which then ends by itself.
KILL = """
import os, pathlib, signal
for process in pathlib.Path("/proc").iterdir():
    if process.name.isdigit() and int(process.name) not in (1, os.getpid()):
        os.kill(int(process.name), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def alice(site: Site, platform: Platform) -> str:
    """Token of team A's manager."""
    return id_token(site, platform, ALICE)


def recorded(*options: str) -> list[dict[str, Any]]:
    """The audit log of the last quarter of an hour."""
    printed = run(sys.executable, "-m", "tools.audit", "--since", "15m", "--json", *options).stdout
    return [json.loads(line) for line in printed.splitlines()]


def record_of(answer: Answer, *options: str) -> dict[str, Any]:
    """The one record about an answered request."""
    (found,) = [one for one in recorded(*options) if one["request"] == answer.headers["x-request-id"]]
    return found


def _post(site: Site, token: str, path: str, document: object, workspace: str = TEAM) -> Answer:
    return site.ask("POST", path, token=token, workspace=workspace, document=document)


def test_who_created_and_deleted_is_on_record_by_name(site: Site, alice: str) -> None:
    name = f"audited-{time.time_ns()}"
    created = _post(site, alice, f"{EXPERIMENTS}/create", {"name": name, "tags": [{"key": "k", "value": "private"}]})
    experiment = created.json()["experiment_id"]
    deleted = _post(site, alice, f"{EXPERIMENTS}/delete", {"experiment_id": experiment})
    assert (created.status, deleted.status) == (200, 200)
    for answer, objects in ((created, {"name": [name]}), (deleted, {"experiment_id": [experiment]})):
        found = record_of(answer, "--team", TEAM)
        assert found["user"] == ALICE
        assert found["groups"] == ["team-a-mlflow-users"]
        assert found["workspace"] == TEAM
        assert found["objects"] == objects
        assert (found["status"], found["refused_by"]) == (200, None)
        assert "private" not in json.dumps(found)


def test_a_program_is_on_record_by_its_service_account(site: Site, everybody: dict[str, Caller]) -> None:
    document = {"name": f"program-{time.time_ns()}"}
    answer = _post(site, everybody["program"].token, f"{EXPERIMENTS}/create", document)
    assert record_of(answer)["user"] == f"system:serviceaccount:{TEAM}:mlflow-client"


@pytest.mark.parametrize("caller", ["stranger", "other manager", "viewer"])
def test_who_was_refused_is_on_record_by_name(site: Site, everybody: dict[str, Caller], caller: str) -> None:
    answer = _post(site, everybody[caller].token, f"{EXPERIMENTS}/create", {"name": "refused"})
    assert answer.status == 403
    found = record_of(answer, "--team", TEAM)
    assert found["user"] == PEOPLE.get(caller, f"system:serviceaccount:{TEAM}:attack-{caller}")
    assert found["status"] == 403
    assert found["refused_by"]


def test_reading_what_one_may_not_is_on_record_too(site: Site, everybody: dict[str, Caller]) -> None:
    path = f"{EXPERIMENTS}/get-by-name?experiment_name=Default"
    answer = site.ask("GET", path, token=everybody["stranger"].token, workspace=TEAM)
    assert answer.status in {403, 404}
    found = record_of(answer)
    assert found["user"] == PEOPLE["stranger"]
    assert found["objects"]["experiment_name"] == ["Default"]


def test_a_text_that_the_database_cannot_store_is_named_without_the_statement(site: Site, alice: str) -> None:
    experiment = _post(site, alice, f"{EXPERIMENTS}/create", {"name": f"nul-{time.time_ns()}"}).json()["experiment_id"]
    made = _post(site, alice, f"{RUNS}/create", {"experiment_id": experiment, "start_time": 0})
    identity = made.json()["run"]["info"]["run_id"]
    answer = _post(site, alice, f"{RUNS}/log-parameter", {"run_id": identity, "key": "k", "value": "private\0value"})
    assert answer.status == 400
    assert "U+0000" in answer.json()["message"]
    for inside in (b"[SQL", b"psycopg", b"INSERT", b"private", b"sqlalche", b"parameters"):
        assert inside not in answer.body


def test_an_unknown_field_of_an_order_shows_no_statement(site: Site, alice: str) -> None:
    answer = _post(site, alice, f"{EXPERIMENTS}/search", {"max_results": 1, "filter": "tags.x = 'a\0b'"})
    assert answer.status < 500
    assert b"[SQL" not in answer.body
    assert b"psycopg" not in answer.body


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[None]:
    """Rights granted outside of the stack file: to a group in the whole cluster, and to a person in the team."""
    made = [
        ("clusterrolebinding", "e2e-kubeadm", "--clusterrole=cluster-admin", f"--group={ADMINISTRATORS}"),
        ("rolebinding", "e2e-eve", f"--namespace={TEAM}", "--role=mlflow-manager", f"--user={EVE}"),
    ]

    def delete() -> None:
        for kind, name, *options in made:
            space = [option for option in options if option.startswith("--namespace")]
            kube.kubectl("delete", kind, name, "--ignore-not-found", *space)

    # A run that was killed has left them.
    delete()
    for kind, name, *options in made:
        kube.kubectl("create", kind, name, *options)
    try:
        yield
    finally:
        delete()


def _as_the_login(platform: Platform, user: str, *groups: str) -> tuple[int, str]:
    """Status and body of the answer when an experiment is created with these asserted names."""
    headers = {
        "Content-Type": "application/json",
        "X-MLFLOW-WORKSPACE": TEAM,
        "X-Forwarded-User": "subject",
        "X-Forwarded-Email": user,
        "X-Forwarded-Groups": ",".join(groups),
    }
    document = {"name": f"asserted-{time.time_ns()}"}
    told = json.dumps([f"{EXPERIMENTS}/create", document, headers])
    pod = kube.pod_of("mlflow", platform.namespace)["metadata"]["name"]
    options = ("--stdin", f"--namespace={platform.namespace}", "--container=mlflow")
    answer = kube.kubectl("exec", pod, *options, "--", "python3", "-c", AS_THE_LOGIN, stdin=told)
    status, body = json.loads(answer.stdout)
    return status, body


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("user", "groups"), [("mallory@example.com", [ADMINISTRATORS]), (EVE, list[str]())])
def test_a_name_that_the_stack_file_does_not_have_opens_nothing_whatever_kubernetes_gives_it(
    platform: Platform, user: str, groups: list[str]
) -> None:
    # `kubectl auth can-i` does not know resources that only RBAC has.
    what = {"group": API_GROUP, "resource": "experiments", "verb": "create", "namespace": TEAM}
    spec = {"user": user, "groups": groups, "resourceAttributes": what}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = kube.kubectl("create", "--filename=-", "--output=json", stdin=json.dumps(review))
    assert json.loads(answer.stdout)["status"]["allowed"] is True
    assert _as_the_login(platform, user, *groups)[0] == 403


@pytest.mark.usefixtures("elsewhere")
def test_beside_such_a_group_a_teams_own_group_counts(platform: Platform) -> None:
    assert _as_the_login(platform, "mallory@example.com", ADMINISTRATORS, "team-a-mlflow-users")[0] == 200


def _restarts(pod: kube.Object) -> int:
    return next(one["restartCount"] for one in pod["status"]["containerStatuses"] if one["name"] == "mlflow")


def test_what_is_on_record_outlives_a_server_that_is_killed_after_its_answer(
    site: Site, alice: str, platform: Platform
) -> None:
    pod = kube.pod_of("mlflow", platform.namespace)
    name = pod["metadata"]["name"]
    before = _restarts(pod)
    answer = _post(site, alice, f"{EXPERIMENTS}/create", {"name": f"killed-{time.time_ns()}"})
    options = (f"--namespace={platform.namespace}", "--container=mlflow")
    kube.kubectl("exec", name, *options, "--", "python3", "-c", KILL, expected=None)
    wait_for("the server's restart", lambda: _restarts(kube.one("pod", name, platform.namespace)) > before, seconds=120)
    kube.wait_until_ready("mlflow", platform.namespace, seconds=300)
    assert record_of(answer)["user"] == ALICE
