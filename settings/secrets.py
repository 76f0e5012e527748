"""The secrets in a stack file: the settings that need them, and checks of how they are stored.

Their values go from the engine directly into Pulumi outputs. No model holds them and no message shows them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import pulumi

from settings.draft import mapping
from settings.faults import Fault

PROJECT = "mlflow-platform"

Written = Literal["encrypted", "padded", "plain"]
"""Form of a secret in the stack file; `padded` is encrypted, but has white space around the value."""


@dataclass(frozen=True, slots=True)
class Need:
    """The settings with which a certain secret is needed, and the secret's meaning."""

    credentials: str
    """Path of a section `credentials`; the secret is needed if this section's kind is `configuration`."""

    kind: str
    """The `kind` of the top-level section that has these credentials."""

    without: tuple[str, ...]
    """The valid kinds of the top-level section that do not need the secret."""

    meaning: str

    @property
    def section(self) -> str:
        """The top-level section that contains the credentials."""
        return self.credentials.partition(".")[0]

    @property
    def condition(self) -> str:
        """Description of the settings that need the secret."""
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
        "databaseServerPassword": Need(
            "database.server.credentials", "external", OTHER_DATABASES, "Password of `database.server.user`."
        ),
        "artifactsAccessKeyId": Need(
            "artifacts.credentials", "s3", OTHER_ARTIFACTS, "Access key ID; the key can read and write the bucket."
        ),
        "artifactsSecretAccessKey": Need(
            "artifacts.credentials", "s3", OTHER_ARTIFACTS, "Secret access key of `artifactsAccessKeyId`."
        ),
        "loginClientSecret": Need(
            "login.credentials", "oidc", ("development", "basic"), "Secret of the client `login.clientId`."
        ),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """The secrets as secret outputs; None for those that the settings do not need."""

    database_password: pulumi.Output[str] | None
    database_administrator_password: pulumi.Output[str] | None
    database_server_password: pulumi.Output[str] | None
    artifacts_access_key_id: pulumi.Output[str] | None
    artifacts_secret_access_key: pulumi.Output[str] | None
    login_client_secret: pulumi.Output[str] | None


def required(secret: pulumi.Output[str] | None) -> pulumi.Output[str]:
    """Return a secret that the settings need; `load` has already checked that it is present."""
    if secret is None:
        raise TypeError("a secret that the settings need is missing, although load() checks for missing secrets")
    return secret


def needed(document: Mapping[str, object]) -> list[str]:
    """Names of the secrets that the settings in `document` need."""
    return [name for name, need in NEEDS.items() if _instead(document, need) is None]


def command(name: str, stack: str) -> str:
    """The command that sets a secret; it prompts for the value."""
    return f"`pulumi config set --secret {name} --stack {stack}`"


def written(value: str, *, encrypted: bool) -> Written:
    """Form of a secret in the stack file; `value` is decrypted, `encrypted` is True if the file encrypts it."""
    if not encrypted:
        return "plain"
    return "encrypted" if value == value.strip() else "padded"


def secret_faults(document: Mapping[str, object], secrets: Mapping[str, Written], stack: str) -> Iterator[Fault]:
    """Report secrets that are missing, in plain text, padded with white space, or not used by the settings."""
    for name, need in NEEDS.items():
        state = secrets.get(name)
        instead = _instead(document, need)
        set_it = f"run {command(name, stack)}"
        if state is None:
            if instead is None:
                yield Fault(name, f"is missing; {need.condition} needs it", set_it)
        elif state == "plain":
            yield Fault(
                name,
                "is in plain text in the stack file; expected an encrypted value",
                f"replace the secret, because others may have read it, and {set_it}",
            )
        elif state == "padded":
            yield Fault(
                name, "begins or ends with white space; expected a value without it", f"{set_it} and type the value"
            )
        elif instead:
            yield Fault(
                name,
                f"is not used; only {need.condition} needs it, found {instead}",
                f"run `pulumi config rm {name} --stack {stack}`, or change that setting",
            )


def _instead(document: Mapping[str, object], need: Need) -> str | None:
    """The setting that makes the secret unnecessary; None if the secret is needed.

    The empty string means that a `kind` is missing or invalid: whether the secret is needed is unknown.
    """
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
    """The secrets of the stack as Pulumi outputs."""
    config = pulumi.Config(PROJECT)

    def secret(name: str) -> pulumi.Output[str] | None:
        return config.get_secret(name) if config.get(name) else None

    return Secrets(
        database_password=secret("databasePassword"),
        database_administrator_password=secret("databaseAdministratorPassword"),
        database_server_password=secret("databaseServerPassword"),
        artifacts_access_key_id=secret("artifactsAccessKeyId"),
        artifacts_secret_access_key=secret("artifactsSecretAccessKey"),
        login_client_secret=secret("loginClientSecret"),
    )
