"""The secrets in a stack file: the settings that need them, and checks of how they are stored.

Their values go from the engine directly into Pulumi outputs. No model holds them and no message shows them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

import pulumi

from settings import outline
from settings.faults import Fault
from settings.partial import path
from settings.schema.artifacts import S3Artifacts
from settings.schema.base import Model, UnknownValueError
from settings.schema.credentials import Configured
from settings.schema.database import ExternalDatabase
from settings.schema.login import OidcLogin
from settings.schema.stack import Settings

PROJECT = "mlflow-platform"

Written = Literal["encrypted", "padded", "plain"]
"""Form of a secret in the stack file; `padded` is encrypted, but has white space around the value."""


M = TypeVar("M", bound=Model)


class _Owner(Protocol):
    """A section with credentials."""

    @property
    def credentials(self) -> Model: ...


@dataclass(frozen=True, slots=True)
class Need(Generic[M]):
    """The settings with which a certain secret is needed, and the secret's meaning."""

    top: Callable[[Settings], Model]
    """The top-level section that contains the credentials."""

    model: type[M]
    """The kind of this section that has the credentials."""

    owner: Callable[[M], _Owner | None]
    """The part of this section with the credentials; the secret is needed if they are `Configured`."""

    meaning: str

    @property
    def section(self) -> str:
        """Path of the top-level section."""
        return path(self.top)

    @property
    def kind(self) -> str | None:
        """The `kind` of the top-level section."""
        return outline.choice(self.model)

    @property
    def credentials(self) -> str:
        """Path of the section `credentials`."""
        return path(self._credentials)

    @property
    def condition(self) -> str:
        """Description of the settings that need the secret."""
        return f"{self.section}.kind `{self.kind}` with {self.credentials}.kind `{outline.choice(Configured)}`"

    def instead(self, settings: Settings) -> str | None:
        """The setting that makes the secret unnecessary; None if the secret is needed.

        The empty string means that a `kind` is missing or wrong: whether the secret is needed is unknown.
        """
        try:
            section = self.top(settings)
            if not isinstance(section, self.model):
                return f"{self.section}.kind `{outline.choice(type(section))}`"
            owner = self.owner(section)
            if owner is None:
                return f"no {path(self._owner)}"
            if isinstance(owner.credentials, Configured):
                return None
            return f"{self.credentials}.kind `{outline.choice(type(owner.credentials))}`"
        except UnknownValueError:
            return ""

    def _owner(self, settings: Settings) -> _Owner | None:
        return self.owner(cast("M", self.top(settings)))

    def _credentials(self, settings: Settings) -> Model:
        return cast("_Owner", self._owner(settings)).credentials


NEEDS: Mapping[str, Need[Any]] = MappingProxyType(
    {
        "databasePassword": Need(
            lambda one: one.database, ExternalDatabase, lambda one: one, "Password of `database.user`."
        ),
        "databaseAdministratorPassword": Need(
            lambda one: one.database,
            ExternalDatabase,
            lambda one: one.administrator,
            "Password of `database.administrator.user`.",
        ),
        "databaseServerPassword": Need(
            lambda one: one.database, ExternalDatabase, lambda one: one.server, "Password of `database.server.user`."
        ),
        "artifactsAccessKeyId": Need(
            lambda one: one.artifacts,
            S3Artifacts,
            lambda one: one,
            "Access key ID; the key can read and write the bucket.",
        ),
        "artifactsSecretAccessKey": Need(
            lambda one: one.artifacts, S3Artifacts, lambda one: one, "Secret access key of `artifactsAccessKeyId`."
        ),
        "loginClientSecret": Need(
            lambda one: one.login, OidcLogin, lambda one: one, "Secret of the client `login.clientId`."
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


def needed(settings: Settings) -> list[str]:
    """Names of the secrets that the settings need."""
    return [name for name, need in NEEDS.items() if need.instead(settings) is None]


def command(name: str, stack: str) -> str:
    """The command that sets a secret; it prompts for the value."""
    return f"`pulumi config set --secret {name} --stack {stack}`"


def written(value: str, *, encrypted: bool) -> Written:
    """Form of a secret in the stack file; `value` is decrypted, `encrypted` is True if the file encrypts it."""
    if not encrypted:
        return "plain"
    return "encrypted" if value == value.strip() else "padded"


def secret_faults(settings: Settings, secrets: Mapping[str, Written], stack: str) -> Iterator[Fault]:
    """Report secrets that are missing, in plain text, padded with white space, or not used by the settings."""
    for name, need in NEEDS.items():
        state = secrets.get(name)
        instead = need.instead(settings)
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
