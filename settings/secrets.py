"""The secrets in a stack file: the settings that need them, and checks of how they are stored.

Their values go from the engine directly into Pulumi outputs. No model holds them and no message shows them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
from pydantic.alias_generators import to_snake

from settings import outline
from settings.faults import Fault
from settings.modes import AnySettings
from settings.schema.artifacts import S3Artifacts
from settings.schema.base import Model, UnknownValueError
from settings.schema.credentials import Configured, Needs
from settings.schema.external import ExternalSettings
from settings.schema.stack import Settings

PROJECT = "mlflow-platform"

Written = Literal["encrypted", "padded", "plain"]
"""Form of a secret in the stack file; `padded` means encrypted, but with white space around the value."""


@dataclass(frozen=True, slots=True)
class Need:
    """A secret: the settings that need it, and its meaning."""

    mode: type[Settings] | type[ExternalSettings]
    """The model that has the credentials."""

    section: str
    """The top-level section that contains the credentials."""

    kind: str | None
    """The `kind` of this section that has the credentials."""

    credentials: str
    """Path of the section `credentials`."""

    of: type[Model]
    """The kind of credentials that needs the secret."""

    meaning: str

    @property
    def condition(self) -> str:
        """Description of the settings that need the secret."""
        return f"{self.section}.kind `{self.kind}` with {self.credentials}.kind `{outline.choice(self.of)}`"

    def instead(self, settings: AnySettings) -> str | None:
        """The setting that makes the secret unnecessary; None if the secret is needed.

        The empty string means unknown, because a `kind` is missing or wrong.
        """
        section, path = settings, ""
        try:
            if not isinstance(settings, self.mode):
                return f"server.kind `{settings.server.kind}`"
            for step in self.credentials.split("."):
                section: Model | None = getattr(section, to_snake(step))
                path = f"{path}.{step}" if path else step
                if section is None:
                    return f"no {path}"
                if path == self.section and outline.choice(type(section)) != self.kind:
                    break
        except UnknownValueError:
            return ""
        return None if isinstance(section, self.of) else f"{path}.kind `{outline.choice(type(section))}`"


@dataclass(frozen=True, slots=True)
class TeamKeysNeed:
    """The settings with which teams need access keys for an existing bucket."""

    condition: str = "artifacts.kind `s3` with teams.*.directAccess"
    meaning: str = (
        "JSON with an access key for each team with `directAccess`:"
        ' `{"<team>": {"accessKeyId": "...", "secretAccessKey": "..."}}`.'
    )

    def instead(self, settings: AnySettings) -> str | None:
        """The setting that makes the keys unnecessary; None if they are needed, "" if that is unknown."""
        try:
            if isinstance(settings, ExternalSettings):
                return f"server.kind `{settings.server.kind}`"
            artifacts, teams = settings.artifacts, settings.teams_with_keys
        except UnknownValueError:
            return ""
        if not isinstance(artifacts, S3Artifacts):
            return f"artifacts.kind `{outline.choice(type(artifacts))}`"
        return None if teams else "no team with directAccess"


def _needs() -> Iterator[tuple[str, Need]]:
    """Each secret that the sections of a stack file declare with `Needs`."""
    for mode in (Settings, ExternalSettings):
        for section, field in outline.fields(mode).items():
            for model in outline.models(field.annotation):
                for key in outline.keys(model, f"{section}."):
                    for needs in key.field.metadata:
                        if isinstance(needs, Needs):
                            of = needs.of or Configured
                            yield needs.secret, Need(mode, section, outline.choice(model), key.path, of, needs.meaning)


NEEDS: Mapping[str, Need | TeamKeysNeed] = {**dict(_needs()), "artifactsTeamKeys": TeamKeysNeed()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """The secrets as secret outputs; None for those that the settings do not need."""

    database_password: pulumi.Output[str] | None
    database_administrator_password: pulumi.Output[str] | None
    database_server_password: pulumi.Output[str] | None
    artifacts_access_key_id: pulumi.Output[str] | None
    artifacts_secret_access_key: pulumi.Output[str] | None
    login_client_secret: pulumi.Output[str] | None
    artifacts_team_keys: pulumi.Output[str] | None
    backups_access_key_id: pulumi.Output[str] | None
    backups_secret_access_key: pulumi.Output[str] | None
    tracking_password: pulumi.Output[str] | None
    tracking_token: pulumi.Output[str] | None
    databricks_token: pulumi.Output[str] | None


def required(secret: pulumi.Output[str] | None) -> pulumi.Output[str]:
    """Return a secret that the settings need; `load` has already checked that it is present."""
    if secret is None:
        raise TypeError("a secret that the settings need is missing, although load() checks for missing secrets")
    return secret


def needed(settings: AnySettings) -> list[str]:
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


def secret_faults(settings: AnySettings, secrets: Mapping[str, Written], stack: str) -> Iterator[Fault]:
    """Report secrets that are missing, in plain text, surrounded by white space, or not used by the settings."""
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

    return Secrets(**{to_snake(name): secret(name) for name in NEEDS})
