"""The attack on the deployed platform: its callers, their objects, and views of everything that must not change."""

import json
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.e2e import kube
from testbed.e2e.attack import world
from testbed.e2e.attack.callers import PEOPLE, callers
from testbed.e2e.attack.generated import audit, fields, run, state
from testbed.e2e.attack.generated.fields import Field
from testbed.e2e.attack.generated.run import Scene, Sent
from testbed.e2e.attack.generated.state import State
from testbed.e2e.attack.line import Line
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.attack.world import World
from testbed.e2e.commands import CHECKOUT, kill_group, wait_for
from testbed.e2e.web import Site
from tools.stack import Platform

SERVER = CHECKOUT / "testbed" / "e2e" / "attack" / "server"
ATTACKERS = ("manager", "editor", "viewer", "program", "stranger", "stranger account")
VICTIM = "other manager"
# Who can change objects gets some of their own; the others look at the same.
WRITERS = ("manager", "editor", "program")
AT_HOME = ("manager", "editor", "viewer", "program")
LOG_SECONDS = 20
SELECTOR = "--selector=app.kubernetes.io/name=mlflow"
SQL_SECONDS = 120
SCRIPT_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The deployed platform under attack."""

    platform: Platform
    scene: Scene
    owners: tuple[tuple[Caller, World], ...]
    """Managers of the attackers' team and of the victim's, each with a world."""

    users: Mapping[str, str]
    """Names of the attackers as the server sees them."""

    schema: state.Schema = field(repr=False)

    def state(self) -> State:
        """The victim's rows and objects."""
        victim = self.scene.victim.workspace
        rows = state.read_rows(sql(self.platform, state.statement(self.schema, victim)))
        return State(rows=rows, objects=json.loads(script(self.platform, "stored.py", victim)))


@contextmanager
def target(site: Site, platform: Platform) -> Generator[Target]:
    """The platform with callers and their objects; service accounts exist until the block ends."""
    with callers(site, platform) as everybody:
        token = kube.token("default", "default", "--audience=mlflow")
        team = everybody["manager"].workspace
        everybody["stranger account"] = Caller(name="stranger account", token=token, workspace=team, rights=frozenset())
        owner, victim = everybody["manager"], everybody[VICTIM]
        line = Line(site)

        def made(by: Caller) -> World:
            return run.with_tokens(line, by, world.make(line, by.token, by.workspace))

        shown = made(owner)
        scene = Scene(
            connect=lambda: Line(site),
            callers={name: everybody[name] for name in ATTACKERS},
            worlds={name: made(owner) if name in WRITERS else shown for name in ATTACKERS},
            homes={name: made(owner) for name in AT_HOME},
            victim=made(victim),
        )
        yield Target(
            platform=platform,
            scene=scene,
            owners=((owner, made(owner)), (victim, scene.victim)),
            users=_users(platform),
            schema=state.read_schema(sql(platform, state.SCHEMA)),
        )


def routes(platform: Platform) -> dict[str, list[Field]]:
    """Fields of every route of the running server."""
    return fields.read(json.loads(script(platform, "fields.py")))


def script(platform: Platform, name: str, *arguments: str) -> str:
    """Run a script of attack/server in the server's container; returns its output."""
    into = ("exec", "--stdin", f"--namespace={platform.namespace}", "deployment/mlflow", "--container=mlflow")
    source = (SERVER / name).read_text(encoding="utf-8")
    return kube.kubectl(*into, "--", "python3", "-", *arguments, stdin=source, seconds=SCRIPT_SECONDS).stdout


def sql(platform: Platform, statements: str) -> str:
    """Run SQL as PostgreSQL's superuser, to whom no policy applies; returns the output."""
    into = ("exec", "--stdin", f"--namespace={platform.namespace}", "postgres-0", "--container=postgres")
    options = ("--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--file=-")
    psql = ("psql", "--username=postgres", "--dbname=mlflow", *options)
    return kube.kubectl(*into, "--", *psql, stdin=statements, seconds=SQL_SECONDS).stdout.strip()


@dataclass(slots=True)
class Log:
    """The server's output since some moment."""

    file: Path
    pods: frozenset[str]
    """UIDs of the server's pods."""

    def records(self) -> dict[str, Mapping[str, Any]]:
        """The audit records so far, by request id."""
        return audit.read(self.file.read_text(encoding="utf-8", errors="replace"), self.pods)

    def gaps(self, sent: Sequence[Sent], users: Mapping[str, str]) -> list[str]:
        """Requests that the audit log lacks or ascribes to somebody else; first waits for the last records."""
        needed = {one.request_id for one in sent if audit.required(one) and one.request_id}
        # What is missing in the end is listed.
        with suppress(AssertionError):
            wait_for("the audit log", lambda: needed <= set(self.records()), seconds=LOG_SECONDS)
        return audit.gaps(sent, self.records(), users)


@contextmanager
def log(platform: Platform) -> Generator[Log]:
    """Follow the server's output; the node keeps only the last megabytes of it."""
    space = f"--namespace={platform.namespace}"
    pods = frozenset(pod["metadata"]["uid"] for pod in kube.objects("pods", space, SELECTOR))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.log"
        with file.open("wb") as output:
            following = subprocess.Popen(
                [
                    "kubectl",
                    "logs",
                    "--follow",
                    "--since=1s",
                    space,
                    SELECTOR,
                    "--container=mlflow",
                    "--max-log-requests=20",
                ],
                stdout=output,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            yield Log(file=file, pods=pods)
        finally:
            kill_group(following.pid)
            following.wait()


def _users(platform: Platform) -> dict[str, str]:
    team = platform.teams["team-a"]
    accounts = {"editor": "attack-editor", "viewer": "attack-viewer", "program": team.service_account}
    return {
        **{name: PEOPLE[name] for name in ("manager", "stranger")},
        **{name: f"system:serviceaccount:{team.namespace}:{account}" for name, account in accounts.items()},
        "stranger account": "system:serviceaccount:default:default",
    }
