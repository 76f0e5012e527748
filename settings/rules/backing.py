"""Checks for database and artifact settings that contradict each other."""

from collections.abc import Iterator

from settings.draft import Draft
from settings.faults import Fault

# Kinds that keep their data on a volume that one pod mounts.
VOLUMES = {"database": "sqlite", "artifacts": "volume"}
# Leaves room for `_server` in a PostgreSQL name.
LONGEST_OWNER = 63 - len("_server")
LARGER = {"database": "`in-cluster` or `external`", "artifacts": "`in-cluster` or `s3`"}


def administrator(draft: Draft) -> Iterator[Fault]:
    """Check that a generated password comes with an administrator, and that MLflow's role is not the administrator."""
    if draft.text("database.kind") != "external":
        return
    user = draft.text("database.administrator.user")
    if draft.text("database.credentials.kind") == "generated" and not draft.says("database.administrator"):
        yield Fault(
            "database.credentials.kind",
            "`generated` needs database.administrator, which sets the password",
            "add database.administrator, or use another kind of credentials",
        )
    if user is not None and user == draft.text("database.user"):
        yield Fault(
            "database.administrator.user",
            "is the same as database.user; MLflow must not have an administrator's rights",
            "use another role for MLflow, for example mlflow",
        )


def roles(draft: Draft) -> Iterator[Fault]:
    """Check that the server's role is not the owner's role, and that it is not configured if a Job creates it."""
    user, server = draft.text("database.user") or "mlflow", draft.text("database.server.user")
    kind = draft.text("database.kind")
    if kind == "rds" or (kind == "external" and draft.says("database.administrator")):
        if len(user) > LONGEST_OWNER:
            yield Fault(
                "database.user",
                f"has {len(user)} characters; the role {user}_server would have more than PostgreSQL's 63",
                f"use a name of at most {LONGEST_OWNER} characters",
            )
        if kind == "external" and draft.says("database.server"):
            yield Fault(
                "database.server",
                "is not used: with database.administrator, `up` creates the server's role",
                "remove it, or remove database.administrator",
            )
    elif kind == "external" and server == user:
        yield Fault(
            "database.server.user",
            "is the same as database.user; the server's role must own nothing",
            "use another role, for example mlflow_server",
        )


def store(draft: Draft) -> Iterator[Fault]:
    """Check that `artifacts.authority` is set only with an https endpoint, and an IAM role only for AWS."""
    if draft.text("artifacts.kind") != "s3":
        return
    endpoint = draft.text("artifacts.endpointUrl")
    if draft.says("artifacts.authority") and not (endpoint or "").startswith("https://"):
        shows = "is AWS, whose CA is public" if endpoint is None else "has no TLS"
        yield Fault(
            "artifacts.authority",
            f"is not used: the store {shows}",
            "remove artifacts.authority, or use the https URL of the store in artifacts.endpointUrl",
        )
    if draft.text("artifacts.credentials.kind") == "workload-identity" and endpoint is not None:
        yield Fault(
            "artifacts.credentials.kind",
            "`workload-identity` works only at AWS, but artifacts.endpointUrl is set to another store",
            "use an access key, or remove artifacts.endpointUrl",
        )


def volumes(draft: Draft) -> Iterator[Fault]:
    """Check that volumes that only one pod can mount are used only with profile `evaluation` and one replica."""
    for section, kind in VOLUMES.items():
        if draft.text(f"{section}.kind") != kind:
            continue
        profile, replicas = draft.text("profile"), draft.number("server.replicas")
        if profile not in (None, "evaluation"):
            yield Fault(
                f"{section}.kind",
                f"`{kind}` is not allowed with profile `{profile}`: only one pod can mount its volume, so MLflow is"
                " down during a rollout",
                f"use {LARGER[section]}",
            )
        if replicas is not None and replicas > 1:
            yield Fault(
                "server.replicas",
                f"{replicas} pods cannot share the volume of {section}.kind `{kind}`",
                f"set server.replicas 1, or use {LARGER[section]}",
            )


def sqlite(draft: Draft) -> Iterator[Fault]:
    """Check that the server has a single worker process with SQLite, which allows one writer at a time."""
    workers = draft.number("server.workers")
    if draft.text("database.kind") == "sqlite" and workers is not None and workers > 1:
        yield Fault(
            "server.workers",
            f"{workers} processes would wait for each other's locks on the file of database.kind `sqlite`",
            f"set server.workers 1, or use {LARGER['database']}",
        )


RULES = (administrator, roles, store, volumes, sqlite)
