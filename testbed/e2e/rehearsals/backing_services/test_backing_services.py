"""The platform with the company's database and store, and with two volumes: clients log, read back and register.

A fault of these services ends the deployment with a message that names the fault, and does not affect the running
platform.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.e2e import company_services as company
from testbed.e2e import kube, variant
from testbed.e2e.commands import CHECKOUT, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.rehearsals.backing_services import replica
from testbed.e2e.web import Answer, Site
from tools.stack import Platform

pytestmark = pytest.mark.chapters

TEAM = "team-a"
REPLAY_SECONDS = 60
READ_ELSEWHERE = CHECKOUT / "testbed" / "e2e" / "attack" / "server" / "read_elsewhere.py"
# Names of Secrets.
ROLE_SECRET, ADMINISTRATOR_SECRET = "company-database", "company-administrator"


def database(**changes: object) -> variant.Config:
    """Settings for the company's PostgreSQL: role's password in a Secret, administrator's in the company's store."""
    administrator = {
        "user": company.ADMINISTRATOR,
        "credentials": {
            "kind": "external-secret",
            "store": "company",
            "key": "mlflow/database",
            "property": "password",
        },
    }
    section = {
        "kind": "external",
        "host": company.DATABASE_HOST,
        "authority": company.AUTHORITY,
        "credentials": {"kind": "secret", "name": ROLE_SECRET, "key": "mlflow-password"},
        "administrator": administrator,
        "maxConnections": 100,
    }
    return {key: value for key, value in {**section, **changes}.items() if value is not None}


def artifacts() -> variant.Config:
    """Settings for the company's S3 store, whose access key is in the company's store of secrets."""
    return {
        "kind": "s3",
        "bucket": company.BUCKET,
        "endpointUrl": company.STORE_URL,
        "authority": company.AUTHORITY,
        "credentials": {
            "kind": "external-secret",
            "store": "company",
            "key": "mlflow/bucket",
            "accessKeyIdProperty": "id",
            "secretAccessKeyProperty": "key",
        },
    }


def changes(**of_the_database: object) -> variant.Config:
    """All changed settings of the variant."""
    server = variant.committed("server")
    return {
        "mlflow-platform:database": database(**of_the_database),
        "mlflow-platform:artifacts": artifacts(),
        # Two pools of a worker, twice while rolling, are 80 of the server's 100 connections.
        "mlflow-platform:server": {**server, "poolSize": 15, "poolOverflow": 5},
    }


@pytest.fixture(scope="module", autouse=True)
def services() -> Iterator[None]:
    """The company's services, and afterwards the stack as it is committed."""
    with company.services():
        company.put_secret(ROLE_SECRET, {"mlflow-password": company.HOSTILE})
        company.put_secret(ADMINISTRATOR_SECRET, {"password": "wrong"})
        yield
        variant.restore()
        kube.kubectl("delete", "secret", ROLE_SECRET, ADMINISTRATOR_SECRET, f"--namespace={company.PLATFORM}")


def test_a_server_whose_certificate_is_from_somebody_else_is_refused(tmp_path: Path) -> None:
    said = variant.refused(tmp_path, changes(authority=company.STRANGER))
    assert "the administrator it-admin cannot sign in" in said
    assert "certificate verify failed" in said
    assert company.ask_database("SELECT rolname FROM pg_roles WHERE rolname = 'mlflow'") == []


def test_a_wrong_password_of_the_administrator_is_named(tmp_path: Path) -> None:
    wrong = {"kind": "secret", "name": ADMINISTRATOR_SECRET}
    said = variant.refused(tmp_path, changes(administrator={"user": company.ADMINISTRATOR, "credentials": wrong}))
    assert 'password authentication failed for user "it-admin"' in said


def test_it_works_on_the_companys_database_and_store(tmp_path: Path) -> None:
    platform = variant.deploy(tmp_path, changes())
    _use(platform, tmp_path)
    run = company.stored("workspaces/team-a")
    assert run.strip(), "the artifacts are in the company's bucket"


def test_the_role_owns_its_own_database_and_nothing_else() -> None:
    owned = "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = 'mlflow'"
    assert company.ask_database(owned) == ["mlflow"]
    rights = (
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles"
        " WHERE rolname = 'mlflow'"
    )
    assert company.ask_database(rights) == ["f"]
    assert company.ask_database(
        "SELECT count(*) FROM aclexplode((SELECT datacl FROM pg_database WHERE datname = 'mlflow')) WHERE grantee = 0"
    ) == ["0"]


def test_its_administrator_cannot_act_as_the_role_afterwards() -> None:
    ask = f"SELECT pg_has_role('{company.ADMINISTRATOR}', 'mlflow', 'USAGE')"
    assert company.ask_database(ask) == ["f"]


def test_no_password_reached_the_servers_log() -> None:
    said = company.database_log()
    assert "ALTER ROLE" in said, "it logs every statement"
    assert company.HOSTILE not in said
    assert "SCRAM-SHA-256$" in said


def test_a_second_deployment_changes_nothing(tmp_path: Path) -> None:
    variant.expect_no_changes(tmp_path, changes())


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform with a read replica of the company's database."""
    replica.start()
    return variant.deploy(tmp_path_factory.mktemp("replica"), changes(replica={"host": replica.HOST}))


def test_with_a_replica_that_is_in_step_it_works_as_without(replicated: Platform, tmp_path: Path) -> None:
    _use(replicated, tmp_path)


def test_it_reads_from_the_replica_and_writes_to_the_primary(replicated: Platform, figures: Figures) -> None:
    team = _Team(replicated)
    experiment = team.post("experiments/create", {"name": "in step"}).json()["experiment_id"]

    def runs() -> list[str]:
        found = team.post("runs/search", {"experiment_ids": [experiment]}).json()
        return [run["info"]["run_id"] for run in found.get("runs", ())]

    replica.in_step(always=False)
    replica.ask("SELECT pg_wal_replay_pause()")
    try:
        run = team.post("runs/create", {"experiment_id": experiment}).json()["run"]["info"]["run_id"]
        point = {"run_id": run, "key": "loss", "value": 0.5, "timestamp": 1}
        assert team.post("runs/log-metric", point).status == 200
        assert runs() == [], "the replica has not replayed it"
    finally:
        replica.ask("SELECT pg_wal_replay_resume()")
    delay = wait_for("the run can be read", lambda: runs() == [run], seconds=REPLAY_SECONDS)
    figures.add("until a replica that had paused shows a run", delay)


def test_the_replica_shows_the_servers_role_the_rows_of_one_workspace(replicated: Platform) -> None:
    assert _Team(replicated, "team-b").post("experiments/create", {"name": "of another team"}).status == 200
    counting = (
        "SELECT count(DISTINCT workspace) || ' ' || count(*) FILTER (WHERE workspace <> 'team-a') FROM experiments"
    )
    in_team = "SELECT set_config('mlflow.workspace', 'team-a', true)"
    wait_for("the replica has it", lambda: replica.ask(counting) == ["2 1"], seconds=REPLAY_SECONDS)
    assert replica.ask(f"SET ROLE mlflow_server; {in_team}; {counting}")[-1] == "1 0"
    assert replica.ask(f"SET ROLE mlflow_server; {counting}")[-1] == "0 0"


def test_without_its_replica_it_asks_clients_to_try_again(replicated: Platform) -> None:
    team = _Team(replicated)
    experiment = team.post("experiments/create", {"name": "without a replica"}).json()["experiment_id"]
    replica.stop()
    assert team.post("runs/search", {"experiment_ids": [experiment]}).status == 503
    assert team.post("runs/create", {"experiment_id": experiment}).status == 503


def test_a_role_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = variant.refused(tmp_path, changes(user="stranger", administrator=None))
    assert "stranger" in said
    assert "authentication failed" in said


def test_it_works_on_two_volumes(tmp_path: Path) -> None:
    platform = variant.deploy(
        tmp_path,
        {"mlflow-platform:database": {"kind": "sqlite"}, "mlflow-platform:artifacts": {"kind": "volume"}},
    )
    _use(platform, tmp_path)
    files = _in_server("find", "/mlflow", "-name", "weights.bin")
    assert files.startswith("/mlflow/artifacts/workspaces/team-a/")
    assert _in_server("ls", "/mlflow/mlflow.db").strip() == "/mlflow/mlflow.db"


def test_a_location_outside_of_the_teams_folder_is_not_served() -> None:
    """MLflow refuses such locations when they are stored; this tests the check behind it, at the read."""
    outside = (
        "file:///etc",
        "file:///mlflow",
        "file:///mlflow/artifacts",
        "file:///mlflow/artifacts/workspaces/team-b",
        "file:///mlflow/artifacts/workspaces/team-a/../team-b",
        "file:///mlflow/artifacts-2/workspaces/team-a",
    )
    own = "file:///mlflow/artifacts/workspaces/team-a"
    script = READ_ELSEWHERE.read_text(encoding="utf-8")
    found = json.loads(_in_server("python3", "-c", script, own, *outside).splitlines()[-1])
    assert found.pop(own), "the team's own folder is listed"
    assert found == dict.fromkeys(outside, "PERMISSION_DENIED")


class _Team:
    """Requests of a team's program, which are not repeated."""

    def __init__(self, platform: Platform, team: str = TEAM) -> None:
        account = platform.teams[team]
        self._team = team
        self._site = Site.of(platform)
        self._token = kube.token(account.namespace, account.service_account, f"--audience={platform.audience}")

    def post(self, route: str, document: object) -> Answer:
        """Send a document to a route of MLflow's API."""
        path = f"/api/2.0/mlflow/{route}"
        return self._site.ask("POST", path, token=self._token, workspace=self._team, document=document)


def _use(platform: Platform, folder: Path) -> None:
    found = Client.of(platform, folder).script("small_project", team="team-a")
    assert found["came_back"] == found["sent"]
    assert found["params"] == {"depth": "6"}
    assert found["spans"] == ["predict"]
    assert found["champion"] == found["version"]


def _in_server(*command: str) -> str:
    return kube.kubectl(
        "exec", "deployment/mlflow", f"--namespace={company.PLATFORM}", "--container=mlflow", "--", *command
    ).stdout
