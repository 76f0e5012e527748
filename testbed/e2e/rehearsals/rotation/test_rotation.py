"""Secrets of the in-cluster services are replaced while a client logs: no call fails, and the old ones are refused.

The client retries failed calls as it does by default. Each test begins where the one before it ended.
"""

import base64
import contextlib
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, variant
from testbed.e2e.commands import kill_group, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.ledger import Ledger
from testbed.e2e.mlflow_client import Client
from testbed.e2e.visitor import Visitor
from testbed.e2e.web import Site
from tools.stack import Platform

pytestmark = pytest.mark.chapters

TEAM = "team-a"
USER = "alice@example.com"
ROUNDS = 3
START_SECONDS = 60
# The longest pause between two tries of the client, and some.
AGAIN_SECONDS = 180
# Runs in the server's container: prints the error code of a listing with an access key.
LIST = """
import os, sys, boto3
from botocore.exceptions import ClientError
key, secret = sys.stdin.read().split()
s3 = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"],
                  aws_access_key_id=key, aws_secret_access_key=secret)
try:
    s3.list_objects_v2(Bucket="mlflow", MaxKeys=1)
    print("OK")
except ClientError as error:
    print(error.response["Error"]["Code"])
"""


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    platform: Platform
    folder: Path
    changes: variant.Config = field(default_factory=variant.Config)

    @property
    def client(self) -> Client:
        """The published client."""
        return Client.of(self.platform, self.folder)

    def rotate(self, section: str, figures: Figures) -> None:
        """Raise the rotation number of a section while a client logs; none of the client's calls may fail."""
        committed = {} if section == "sessions" else variant.committed(section)
        self.changes[f"mlflow-platform:{section}"] = {**committed, "rotation": 2}
        file = self.folder / f"{section}.jsonl"
        with logging(self.client, file):
            wait_for("the client at work", lambda: Ledger.read(file).whole_rounds() >= ROUNDS, seconds=START_SECONDS)
            begun = time.time()
            self.platform = variant.deploy(self.folder, self.changes)
            ended = time.time()
            wait_for(
                "the client at work again",
                lambda: Ledger.read(file).since(ended).whole_rounds() >= ROUNDS,
                seconds=AGAIN_SECONDS,
            )
        ledger = Ledger.read(file)
        longest = max(call.ended - call.started for call in ledger.since(begun).calls)
        figures.add(f"rotation of {section}: longest call of the client in seconds", longest)
        assert ledger.failures == ()
        assert self.client.script("read_back", file, team=TEAM)["faults"] == []


@contextlib.contextmanager
def logging(client: Client, file: Path) -> Generator[None]:
    """A client that logs until the end of the block, and retries failed calls as it does by default."""
    process = client.start("keep_logging", team=TEAM, output=file, env={})
    try:
        yield
        process.communicate(timeout=AGAIN_SECONDS)
        assert process.returncode == 0, file.with_suffix(".log").read_text(encoding="utf-8")[-2000:]
    finally:
        kill_group(process.pid)
        process.wait()


def secret(platform: Platform, variable: str) -> str:
    """Value of an environment variable of the server that comes from a Secret."""
    containers = kube.one("deployment", "mlflow", platform.namespace)["spec"]["template"]["spec"]["containers"]
    (server,) = (one for one in containers if one["name"] == "mlflow")
    (source,) = (one["valueFrom"]["secretKeyRef"] for one in server["env"] if one["name"] == variable)
    return base64.b64decode(kube.one("secret", source["name"], platform.namespace)["data"][source["key"]]).decode()


def passwords() -> dict[str, str]:
    """Passwords of the stack's users, by name."""
    shown = run("pulumi", "stack", "output", "passwords", "--stack=dev", "--show-secrets", "--json")
    return json.loads(shown.stdout)


@pytest.fixture(scope="module")
def story(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    try:
        yield Story(platform=platform, folder=tmp_path_factory.mktemp("rotation"))
    finally:
        variant.restore()


def signs_in(platform: Platform, password: str) -> bool:
    """True if PostgreSQL accepts a password of the server's role, over TCP."""
    command = (
        f"PGPASSWORD='{password}' psql --host=127.0.0.1 --username=mlflow_server --dbname=mlflow --command='SELECT 1'"
    )
    space = f"--namespace={platform.namespace}"
    done = kube.kubectl("exec", "postgres-0", space, "--", "sh", "-c", command, expected=None)
    assert done.code == 0 or "password authentication failed" in done.said, done.said
    return done.code == 0


def listing(platform: Platform, key: tuple[str, str]) -> str:
    """Result of a request to list the bucket with an access key: `OK`, or the store's error code."""
    space = f"--namespace={platform.namespace}"
    into = ("exec", "--stdin", "deployment/mlflow", space, "--container=mlflow", "--", "python3", "-c", LIST)
    return kube.kubectl(*into, stdin="\n".join(key)).stdout.strip()


def test_the_databases_passwords(story: Story, figures: Figures) -> None:
    old = secret(story.platform, "PGPASSWORD")
    assert signs_in(story.platform, old)
    story.rotate("database", figures)
    assert not signs_in(story.platform, old)
    assert signs_in(story.platform, secret(story.platform, "PGPASSWORD"))


def test_the_stores_access_keys(story: Story, figures: Figures) -> None:
    def key() -> tuple[str, str]:
        return secret(story.platform, "AWS_ACCESS_KEY_ID"), secret(story.platform, "AWS_SECRET_ACCESS_KEY")

    old = key()
    assert listing(story.platform, old) == "OK"
    story.rotate("artifacts", figures)
    assert listing(story.platform, old) == "InvalidAccessKeyId"
    assert listing(story.platform, key()) == "OK"


def test_everybody_is_signed_out(story: Story, figures: Figures) -> None:
    visitor = Visitor(story.platform.authority)
    entered = visitor.sign_in(story.platform.url, USER, passwords()[USER])
    assert entered.url.startswith(story.platform.url)
    assert visitor.open(story.platform.url).status == 200
    story.rotate("sessions", figures)
    assert _is_asked_to_sign_in(visitor, story.platform)
    again = visitor.sign_in(story.platform.url, USER, passwords()[USER])
    assert again.url.startswith(story.platform.url)


def _is_asked_to_sign_in(visitor: Visitor, platform: Platform) -> bool:
    page = visitor.open(f"{platform.url}/ajax-api/3.0/mlflow/workspaces")
    return page.status in {401, 403} or page.url.startswith("https://dex.")


def test_the_passwords_of_people(story: Story, figures: Figures) -> None:
    old = passwords()[USER]
    story.rotate("login", figures)
    new = passwords()[USER]
    assert new != old
    site, client_secret = Site.of(story.platform), kube.login_secret(story.platform.namespace, "client-secret")
    assert site.id_token(client_secret=client_secret, user=USER, password=new)
    with pytest.raises(AssertionError, match="Invalid username or password"):
        site.id_token(client_secret=client_secret, user=USER, password=old)


def test_a_second_deployment_changes_nothing(story: Story) -> None:
    variant.expect_no_changes(story.folder, story.changes)


def test_no_old_secret_is_left_in_the_cluster(story: Story) -> None:
    def of(name: str) -> list[Any]:
        found = kube.objects("secrets", f"--namespace={story.platform.namespace}")
        return [one for one in found if one["metadata"]["name"].startswith(name)]

    assert (
        len(of("postgres-credential-")) == len(of("object-store-client-credential-")) == len(of("login-secret-")) == 1
    )
