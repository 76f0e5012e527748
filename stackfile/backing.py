"""Contradictions in what is said of the database and of the artifact store."""

from collections.abc import Iterator

from stackfile.draft import Draft
from stackfile.faults import Fault

# Those of one pod's volume.
VOLUMES = {"database": "sqlite", "artifacts": "volume"}
LARGER = {"database": "`in-cluster` or `external`", "artifacts": "`in-cluster` or `s3`"}


def administrator(draft: Draft) -> Iterator[Fault]:
    """Somebody sets a generated password, and it is not the role itself."""
    if draft.text("database.kind") != "external":
        return
    user = draft.text("database.administrator.user")
    if draft.text("database.credentials.kind") == "generated" and not draft.says("database.administrator"):
        yield Fault(
            "database.credentials.kind",
            "`generated` is refused without database.administrator: nobody would give the role its password",
            "add database.administrator, or use another kind",
        )
    if user is not None and user == draft.text("database.user"):
        yield Fault(
            "database.administrator.user",
            "is database.user as well; MLflow must not be able to do what an administrator can",
            "give MLflow another role, for example mlflow",
        )


def store(draft: Draft) -> Iterator[Fault]:
    """An authority is for a store that shows a certificate; a role of AWS is for AWS."""
    if draft.text("artifacts.kind") != "s3":
        return
    endpoint = draft.text("artifacts.endpointUrl")
    if draft.says("artifacts.authority") and not (endpoint or "").startswith("https://"):
        shows = "AWS, whose authority is public" if endpoint is None else "not encrypted"
        yield Fault(
            "artifacts.authority",
            f"has no use: the store is {shows}",
            "remove it, or name the https URL of the store in artifacts.endpointUrl",
        )
    if draft.text("artifacts.credentials.kind") == "workload-identity" and endpoint is not None:
        yield Fault(
            "artifacts.credentials.kind",
            "`workload-identity` is AWS's, and artifacts.endpointUrl names another store",
            "use an access key, or remove artifacts.endpointUrl",
        )


def volumes(draft: Draft) -> Iterator[Fault]:
    """What one pod has on its volume is for an evaluation, and for one pod."""
    for section, kind in VOLUMES.items():
        if draft.text(f"{section}.kind") != kind:
            continue
        profile, replicas = draft.text("profile"), draft.number("server.replicas")
        if profile not in (None, "evaluation"):
            yield Fault(
                f"{section}.kind",
                f"`{kind}` is refused with profile `{profile}`: one pod has it, so each rollout is an outage",
                f"use {LARGER[section]}",
            )
        if replicas is not None and replicas > 1:
            yield Fault(
                "server.replicas",
                f"{replicas} pods cannot share the volume of {section}.kind `{kind}`",
                f"set server.replicas 1, or use {LARGER[section]}",
            )


def sqlite(draft: Draft) -> Iterator[Fault]:
    """SQLite has one writer at a time."""
    workers = draft.number("server.workers")
    if draft.text("database.kind") == "sqlite" and workers is not None and workers > 1:
        yield Fault(
            "server.workers",
            f"{workers} processes would wait for each other's locks in the file of database.kind `sqlite`",
            f"set server.workers 1, or use {LARGER['database']}",
        )


RULES = (administrator, store, volumes, sqlite)
