"""One team's rows are set back to an earlier second, other teams' are unchanged; a proof finds damaged backups.

These tests count a team's rows by PostgreSQL's policies, as the server's role sees them; the platform's scripts
follow the foreign keys instead.
"""

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, upgrade_data, variant
from testbed.e2e.commands import Finished, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

pytestmark = pytest.mark.chapters

TEAM, OTHER = "team-a", "team-b"
# At an hour that does not begin while the tests run.
HOUR = (datetime.now(UTC).hour + 12) % 24
CHANGES = {"mlflow-platform:backups": {"enabled": True, "days": 2, "hour": HOUR}}
BACKUP_SECONDS = 150
JOB_SECONDS = 300
PODS = Path(__file__).parent / "pods"
SCRIPTS = "../rehearsals/undelete/pods"
EXPERIMENT = f"undelete-{time.time_ns()}"
TABLES = """
SELECT json_agg(table_name) FROM information_schema.role_table_grants
WHERE grantee = 'mlflow_server' AND privilege_type = 'SELECT' AND table_schema = 'public'
    AND table_name <> 'alembic_version'
"""


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    runs: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    to: str = ""
    then: dict[str, Any] = field(default_factory=dict[str, Any])
    """The team's rows by table at the time `to`."""


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The `dev` stack with backups; afterwards the committed stack is deployed again."""
    try:
        yield variant.deploy(tmp_path_factory.mktemp("variant"), CHANGES)
    finally:
        variant.restore()


@pytest.fixture(scope="module")
def client(deployed: Platform, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client.of(deployed, tmp_path_factory.mktemp("client"))


def tool(module: str, *arguments: str, stdin: str = "", expected: int = 0, yes: str = "") -> Finished:
    """Run a module of `tools` as `make` does; returns its result."""
    command = (sys.executable, "-m", f"tools.{module}", *arguments)
    return run(*command, seconds=JOB_SECONDS, stdin=stdin, expected=expected, env={"YES": yes})


def backups(*arguments: str) -> Finished:
    return tool("backups", "--stack", "dev", *arguments)


def in_sidecar(script: str, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    """Run a script in the container of the backups; returns the JSON in its last line."""
    command = ("exec", "postgres-0", "--namespace=mlflow", "--container=backup", "--", "python3", "-c", script)
    return json.loads(kube.kubectl(*command, *arguments, seconds=BACKUP_SECONDS).stdout.splitlines()[-1])


def rows(workspace: str) -> dict[str, list[Any]]:
    """Number and hash of the rows in each table that PostgreSQL shows the server in this workspace."""
    tables = json.loads(upgrade_data.sql(TABLES))
    counts = "json_build_array(count(*), sum(hashtextextended(t::text, 0))::text)"
    union = " UNION ALL ".join(f"SELECT '{one}' AS name, {counts} AS rows FROM \"{one}\" AS t" for one in tables)  # noqa: S608 - names of the database itself
    role = f"SET LOCAL ROLE mlflow_server; SET LOCAL mlflow.workspace = '{workspace}';"
    return json.loads(upgrade_data.sql(f"{role} SELECT json_object_agg(name, rows) FROM ({union}) AS found"))  # noqa: S608 - names of the database itself


def of_both(client: Client, script: str) -> dict[str, Any]:
    """Run a script for both teams at the same time; returns its output by team."""
    with ThreadPoolExecutor(2) as pool:
        found = {
            team: pool.submit(client.script, f"{SCRIPTS}/{script}", EXPERIMENT, team=team) for team in (TEAM, OTHER)
        }
        return {team: one.result() for team, one in found.items()}


def look(client: Client, team: str = TEAM) -> Any:  # noqa: ANN401 - any JSON
    return client.script(f"{SCRIPTS}/look", EXPERIMENT, team=team)


def undelete(story: Story, *arguments: str, stdin: str = "", yes: str = "") -> Finished:
    return tool("restored.undelete", "--team", TEAM, "--to", story.to, *arguments, stdin=stdin, yes=yes)


def latest_proof() -> Any:  # noqa: ANN401 - any JSON
    """The newest proof, as `make backups JSON=1` shows it."""
    return json.loads(backups("list", "--json").stdout)["proof"]


def _backed_up() -> bool:
    command = (sys.executable, "-m", "tools.backups", "--stack", "dev", "now")
    return run(*command, seconds=BACKUP_SECONDS, expected=None).code == 0


def test_a_backup_is_proven_with_every_row_of_every_team(client: Client, story: Story, figures: Figures) -> None:
    story.runs = of_both(client, "fill")
    # The container takes one by itself when it starts, and refuses a second one at the same time.
    wait_for("a base backup of now", _backed_up, seconds=BACKUP_SECONDS)
    there = rows(TEAM)
    done = tool("restored.prove")
    assert done.stdout.splitlines()[-1].startswith("PROVEN: base backup ")
    proof = latest_proof()
    assert (proof["ok"], proof["differences"]) == (True, [])
    assert proof["shown"][TEAM]["runs"] >= len(story.runs[TEAM])
    assert proof["artifacts"]["files"] > 0
    # What was uploaded in parts has no checksum to compare with.
    assert 0 < proof["artifacts"]["checksums"] <= proof["artifacts"]["files"]
    # The census leaves out what no path of its own leads to: it has as many rows as the policies show, or fewer.
    assert 0 < proof["workspaces"][TEAM][0] <= sum(count for count, _ in there.values())
    seconds = {name: f"{value:.0f} s" for name, value in proof["seconds"].items()}
    figures.add("undelete: a proof", f"{done.seconds:.0f} s from the command to the result: {seconds}")


def test_what_is_missing_comes_back_and_nothing_else_changes(client: Client, story: Story, figures: Figures) -> None:
    story.then = rows(TEAM)
    story.to = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # What is done from here on is in another second.
    wait_for("the next second", lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") > story.to, seconds=5)
    of_both(client, "spoil")
    gone = story.runs[TEAM][:2]
    pod = kube.pod_of("mlflow", "mlflow")["metadata"]["name"]
    script = (PODS / "delete_for_good.py").read_text(encoding="utf-8")
    variables = ("env", "MLFLOW_ENABLE_WORKSPACES=true", "MLFLOW_WORKSPACE_STORE_URI=mlflow-platform://")
    command = ("exec", pod, "--namespace=mlflow", "--container=mlflow", "--", *variables, "python3", "-c", script)
    kube.kubectl(*command, TEAM, *gone, seconds=JOB_SECONDS)
    spoiled = look(client)
    assert not set(gone) & set(spoiled["tags"])
    others = rows(OTHER)
    done = undelete(story, "--missing", yes=TEAM)
    found = look(client)
    assert set(story.runs[TEAM]) <= set(found["tags"])
    assert {found["tags"][one] for one in gone} == {"0", "1"}
    assert {found["tags"][one] for one in spoiled["tags"]} <= {"spoiled", None}
    assert (found["champion"], found["note"]) == ("1", "content 3 " * 100)
    assert rows(OTHER) == others
    figures.add("undelete: what is missing", f"{done.seconds:.0f} s from the command; {done.stdout.splitlines()[-1]}")


def test_a_team_goes_back_to_a_second_and_the_others_stay(client: Client, story: Story, figures: Figures) -> None:
    others = rows(OTHER)
    assert rows(TEAM) != story.then
    done = undelete(story, stdin=f"{TEAM}\n")
    assert rows(TEAM) == story.then
    assert rows(OTHER) == others
    found = look(client)
    assert found["tags"] == {run_id: str(number) for number, run_id in enumerate(story.runs[TEAM])}
    assert found["champion"] == "2"
    assert set(look(client, OTHER)["tags"]) > set(story.runs[OTHER])
    kept = next(line for line in done.stdout.splitlines() if "are kept in s3://mlflow-backups/kept/team-a/" in line)
    figures.add(
        "undelete: the whole team", f"{done.seconds:.0f} s from the command; {kept}; {done.stdout.splitlines()[-1]}"
    )


def test_a_second_that_no_backup_reaches_is_refused_and_changes_nothing() -> None:
    before = rows(TEAM)
    done = tool("restored.undelete", "--team", TEAM, "--to", "2020-01-01T00:00:00Z", expected=1, yes=TEAM)
    assert "2020-01-01T00:00:00Z cannot be restored; what can be restored: " in done.stderr
    assert rows(TEAM) == before


@pytest.mark.parametrize(
    ("how", "sentences"),
    [
        (
            "census",
            (
                "DIFFERENT: table lost of the census is not in the restored database",
                "DIFFERENT: table runs of workspace team-a: ",
            ),
        ),
        ("byte", ("DIFFERENT: ",)),
    ],
)
def test_a_spoiled_backup_is_not_proven(deployed: Platform, how: str, sentences: tuple[str, ...]) -> None:
    assert deployed.url
    spoil = (PODS / "spoil_backup.py").read_text(encoding="utf-8")
    in_sidecar(spoil, how)
    try:
        done = tool("restored.prove", expected=1)
    finally:
        in_sidecar(spoil, "mend")
    for sentence in sentences:
        assert sentence in done.stdout
    proof = latest_proof()
    assert proof["ok"] is False
    assert proof["differences"]
