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

    credentials: str
    """Path of the section that says where the credential comes from; the secret is for kind `configuration`."""

    kind: str
    """The section around it has it when its own `kind` is this one."""

    without: tuple[str, ...]
    """Each other `kind` of that. A misspelt one says nothing about the secret."""

    meaning: str

    @property
    def section(self) -> str:
        """The top-level section."""
        return self.credentials.partition(".")[0]

    @property
    def condition(self) -> str:
        """What a stack file says that needs the secret."""
        return f"{self.section}.kind `{self.kind}` with {self.credentials}.kind `{CONFIGURATION}`"


CONFIGURATION = "configuration"
KINDS_WITHOUT = ("secret", "external-secret", "generated", "workload-identity")
OTHER_DATABASES = ("in-cluster", "rds", "sqlite")
OTHER_ARTIFACTS = ("in-cluster", "bucket", "volume")
NEEDS = MappingProxyType(
    {
        "databasePassword": Need("database.credentials", "external", OTHER_DATABASES, "Password of `database.user`."),
        "databaseAdministratorPassword": Need(
            "database.administrator.credentials",
            "external",
            OTHER_DATABASES,
            "Password of `database.administrator.user`.",
        ),
        "artifactsAccessKeyId": Need(
            "artifacts.credentials", "s3", OTHER_ARTIFACTS, "Id of the access key that reads and writes the bucket."
        ),
        "artifactsSecretAccessKey": Need("artifacts.credentials", "s3", OTHER_ARTIFACTS, "The access key itself."),
        "loginClientSecret": Need(
            "login.credentials", "oidc", ("development", "basic"), "Secret of the client `login.clientId`."
        ),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """The stack file's secrets, as outputs that stay secret; None where the settings have no use for one."""

    database_password: pulumi.Output[str] | None
    database_administrator_password: pulumi.Output[str] | None
    artifacts_access_key_id: pulumi.Output[str] | None
    artifacts_secret_access_key: pulumi.Output[str] | None
    login_client_secret: pulumi.Output[str] | None


def required(secret: pulumi.Output[str] | None) -> pulumi.Output[str]:
    """A secret that `load` has found to be there."""
    if secret is None:
        raise TypeError("a secret that the settings need is missing: load() reports it first")
    return secret


def needed(document: Mapping[str, object]) -> list[str]:
    """The secrets that a document cannot do without."""
    return [name for name, need in NEEDS.items() if _instead(document, need) is None]


def command(name: str, stack: str) -> str:
    """The command that sets a secret; it asks for the value."""
    return f"`pulumi config set --secret {name} --stack {stack}`"


def written(value: str, *, encrypted: bool) -> Written:
    """How a secret of this value is written."""
    if not encrypted:
        return "plain"
    return "encrypted" if value == value.strip() else "padded"


def secret_faults(document: Mapping[str, object], secrets: Mapping[str, Written], stack: str) -> Iterator[Fault]:
    """Secrets that are missing, in plain text, damaged, or of no use to what `document` chooses."""
    for name, need in NEEDS.items():
        found = secrets.get(name)
        instead = _instead(document, need)
        set_it = f"run {command(name, stack)}"
        if found is None:
            if instead is None:
                yield Fault(name, f"is missing; {need.condition} needs it", set_it)
        elif found == "plain":
            yield Fault(
                name,
                "lies in plain text in the stack file; expected an encrypted value",
                f"change it where it is used, for others may have read it, and {set_it}",
            )
        elif found == "padded":
            yield Fault(name, "begins or ends with white space; expected the bare value", f"{set_it} and type it")
        elif instead:
            yield Fault(
                name,
                f"has no use; it belongs to {need.condition}, found {instead}",
                f"run `pulumi config rm {name} --stack {stack}`, or change that",
            )


def _instead(document: Mapping[str, object], need: Need) -> str | None:
    """What the stack file says instead of what needs the secret; None when it needs it, "" when nobody can tell."""
    section, *inner = need.credentials.split(".")
    here = mapping(document.get(section))
    chosen = here.get("kind")
    if chosen != need.kind:
        return f"{section}.kind `{chosen}`" if chosen in need.without else ""
    path = section
    for step in inner[:-1]:
        path = f"{path}.{step}"
        if step not in here:
            return f"no {path}"
        here = mapping(here[step])
    chosen = mapping(here.get(inner[-1])).get("kind", CONFIGURATION)
    if chosen == CONFIGURATION:
        return None
    return f"{need.credentials}.kind `{chosen}`" if chosen in KINDS_WITHOUT else ""


def read_secrets() -> Secrets:
    """The secrets as outputs."""
    config = pulumi.Config(PROJECT)

    def secret(name: str) -> pulumi.Output[str] | None:
        return config.get_secret(name) if config.get(name) else None

    return Secrets(
        database_password=secret("databasePassword"),
        database_administrator_password=secret("databaseAdministratorPassword"),
        artifacts_access_key_id=secret("artifactsAccessKeyId"),
        artifacts_secret_access_key=secret("artifactsSecretAccessKey"),
        login_client_secret=secret("loginClientSecret"),
    )
