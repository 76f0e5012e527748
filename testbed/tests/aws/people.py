"""The identities of pods at AWS, and everything that each of them tries, with the expected result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from testbed.aws.server import Key
from testbed.tests.aws.attempts import (
    BUCKET,
    NEVER,
    OTHER_BUCKET,
    READS,
    WRITES,
    Attempt,
    copy,
    elsewhere,
    encrypted,
    listing,
    objects,
    on_bucket,
)
from testbed.tests.aws.world import World

Tried = Iterator[tuple[Attempt, bool]]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Pods of one service account."""

    role: str
    """Name of the role, without the suffix that Pulumi appends."""

    namespace: str
    account: str
    tries: Callable[[], Tried]

    def key(self, world: World) -> Key:
        """Credentials that such a pod gets."""
        return world.pod(world.role(self.role), self.namespace, self.account)


def _team() -> Tried:
    own = objects(BUCKET, "research")
    yield from ((own[name], name not in NEVER) for name in own)
    yield listing(BUCKET, "workspaces/research/"), True
    yield listing(BUCKET, "workspaces/research/1/"), True
    yield copy("research", "research"), True
    yield encrypted("research", "aws:kms"), True
    yield encrypted("research", "aws:kms", lambda world: world.key), True
    for owner in ("pricing", "research-2"):
        yield from ((attempt, False) for attempt in objects(BUCKET, owner).values())
        yield listing(BUCKET, f"workspaces/{owner}/"), False
        yield copy(owner, "research"), False
        yield copy("research", owner), False
    # Without the slash it would be a prefix of other teams' names too.
    for prefix in ("", "workspaces/", "workspaces/research"):
        yield listing(BUCKET, prefix), False
    yield from _nobody("research")


def _server() -> Tried:
    for owner in ("research", "pricing"):
        yield from ((attempt, name not in NEVER) for name, attempt in objects(BUCKET, owner).items())
    for prefix in ("", "workspaces/", "workspaces/research/1/"):
        yield listing(BUCKET, prefix), True
    yield copy("research", "pricing"), True
    yield encrypted("pricing", "aws:kms"), True
    yield from _nobody("pricing")


def _job() -> Tried:
    def secret(world: World, who: Key) -> object:
        return world.client("secretsmanager", who).get_secret_value(SecretId=world.secret)

    def changed(world: World, who: Key) -> object:
        return world.client("secretsmanager", who).put_secret_value(SecretId=world.secret, SecretString="{}")

    yield Attempt(name="read the administrator's password", call=secret), True
    yield Attempt(name="change the administrator's password", call=changed), False
    yield from ((attempt, False) for attempt in objects(BUCKET, "research").values())
    yield listing(BUCKET, ""), False
    yield from _nobody("research")


def _nobody(owner: str) -> Tried:
    """Attempts that are forbidden to every identity of the platform."""
    for bucket in (BUCKET, OTHER_BUCKET):
        yield from ((attempt, False) for attempt in on_bucket(bucket))
    yield from ((attempt, False) for attempt in objects(OTHER_BUCKET, owner).values())
    yield listing(OTHER_BUCKET, ""), False
    yield from ((attempt, False) for attempt in objects(BUCKET, owner, tls=False).values())
    yield listing(BUCKET, f"workspaces/{owner}/", tls=False), False
    yield encrypted(owner, "AES256"), False
    yield encrypted(owner, "aws:kms", lambda world: world.other_key), False
    yield from ((attempt, False) for attempt in elsewhere())


PEOPLE = {
    "a team": Person(role="research-artifacts", namespace="research", account="mlflow-client", tries=_team),
    "the server": Person(role="server-identity", namespace="mlflow", account="mlflow", tries=_server),
    "the Job": Person(role="database-identity", namespace="mlflow", account="mlflow-database-role", tries=_job),
}
__all__ = ["PEOPLE", "READS", "WRITES", "Person"]
