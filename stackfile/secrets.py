"""The stack file's secrets: which settings need which, and the faults in them.

Their values go from the engine into Pulumi outputs. No model holds them and no message shows them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import pulumi

from stackfile.draft import mapping
from stackfile.faults import Fault

PROJECT = "mlflow-platform"

Written = Literal["encrypted", "padded", "plain"]
"""How a secret stands in the stack file; `padded` is encrypted with white space around it, which no password has."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one secret is for."""

    section: str
    kind: str
    """The section needs the secret when its `kind` is this one."""

    without: tuple[str, ...]
    """Each `kind` that has no use for it. A misspelt one says nothing about the secret."""

    meaning: str


NEEDS = MappingProxyType(
    {
        "databasePassword": Need("database", "external", ("in-cluster", "rds"), "Password of `database.user`."),
        "artifactsAccessKeyId": Need(
            "artifacts", "s3", ("in-cluster", "bucket"), "Id of the access key that reads and writes the bucket."
        ),
        "artifactsSecretAccessKey": Need("artifacts", "s3", ("in-cluster", "bucket"), "The access key itself."),
        "loginClientSecret": Need("login", "oidc", ("development", "basic"), "Secret of the client `login.clientId`."),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """The stack file's secrets, as outputs that stay secret; None where the settings have no use for one."""

    database_password: pulumi.Output[str] | None
    artifacts_access_key_id: pulumi.Output[str] | None
    artifacts_secret_access_key: pulumi.Output[str] | None
    login_client_secret: pulumi.Output[str] | None


def required(secret: pulumi.Output[str] | None) -> pulumi.Output[str]:
    """A secret that `load` has found to be there."""
    if secret is None:
        raise TypeError("a secret that the settings need is missing: load() reports it first")
    return secret


def command(name: str, stack: str) -> str:
    """The command that sets a secret; it asks for the value."""
    return f"`pulumi config set --secret {name} --stack {stack}`"


def written(value: str, *, encrypted: bool) -> Written:
    """How a secret of this value is written."""
    if not encrypted:
        return "plain"
    return "encrypted" if value == value.strip() else "padded"


def needed(document: Mapping[str, object]) -> Iterator[str]:
    """Names of the secrets that a document's choices need."""
    for name, need in NEEDS.items():
        if mapping(document.get(need.section)).get("kind") == need.kind:
            yield name


def secret_faults(document: Mapping[str, object], secrets: Mapping[str, Written], stack: str) -> Iterator[Fault]:
    """Secrets that are missing, in plain text, damaged, or of no use to what `document` chooses."""
    for name, need in NEEDS.items():
        found = secrets.get(name)
        chosen = mapping(document.get(need.section)).get("kind")
        set_it = f"run {command(name, stack)}"
        if found is None:
            if chosen == need.kind:
                yield Fault(name, f"is missing; {need.section}.kind `{need.kind}` needs it", set_it)
        elif found == "plain":
            yield Fault(
                name,
                "lies in plain text in the stack file; expected an encrypted value",
                f"change it where it is used, for others may have read it, and {set_it}",
            )
        elif found == "padded":
            yield Fault(name, "begins or ends with white space; expected the bare value", f"{set_it} and type it")
        elif chosen in need.without:
            yield Fault(
                name,
                f"has no use; it belongs to {need.section}.kind `{need.kind}`, found `{chosen}`",
                f"run `pulumi config rm {name} --stack {stack}`, or change {need.section}.kind",
            )


def read_secrets() -> Secrets:
    """The secrets as outputs."""
    config = pulumi.Config(PROJECT)

    def secret(name: str) -> pulumi.Output[str] | None:
        return config.get_secret(name) if config.get(name) else None

    return Secrets(
        database_password=secret("databasePassword"),
        artifacts_access_key_id=secret("artifactsAccessKeyId"),
        artifacts_secret_access_key=secret("artifactsSecretAccessKey"),
        login_client_secret=secret("loginClientSecret"),
    )
