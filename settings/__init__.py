"""Typed settings of a stack, and the functions that read and check its configuration.

`load` reads the stack's configuration once and reports all mistakes together. Secrets are not part of the model: they
are Pulumi outputs from the start (`Secrets`). Each section of the stack file is declared in `settings/schema/`; the
rest of `settings/` finds mistakes and builds their messages.
"""

import json
from dataclasses import dataclass

import pulumi
from pydantic import ValidationError

from settings import loader, renames
from settings.draft import Draft
from settings.faults import Fault, report
from settings.loader import Source, source_faults
from settings.profiles import applied
from settings.rules.cautions import cautions
from settings.rules.contradictions import contradictions
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts, VolumeArtifacts
from settings.schema.aws import AccessKeyIdentity, Aws, IrsaIdentity, PodIdentityIdentity
from settings.schema.bucket import BucketArtifacts
from settings.schema.certificate import CertificateSecret, SelfSigned
from settings.schema.database import ExternalDatabase, InClusterDatabase, SqliteDatabase
from settings.schema.gateway import HttpRouteGateway, IngressGateway
from settings.schema.login import BasicLogin, DevelopmentLogin, OidcLogin
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Settings
from settings.schema.teams import Team
from settings.secrets import PROJECT, Secrets, read_secrets, required, secret_faults
from settings.translation import translate

__all__ = [
    "PROJECT",
    "AccessKeyIdentity",
    "Aws",
    "BasicLogin",
    "BucketArtifacts",
    "CertificateSecret",
    "DevelopmentLogin",
    "ExternalDatabase",
    "HttpRouteGateway",
    "InClusterArtifacts",
    "InClusterDatabase",
    "IngressGateway",
    "IrsaIdentity",
    "Judgement",
    "OidcLogin",
    "PodIdentityIdentity",
    "RdsDatabase",
    "S3Artifacts",
    "Secrets",
    "SelfSigned",
    "Settings",
    "SqliteDatabase",
    "Team",
    "VolumeArtifacts",
    "judge",
    "load",
    "required",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Result of checking a stack file: its settings, its mistakes and warnings about it."""

    settings: Settings | None
    """None if a value in the stack file is wrong or missing."""

    faults: list[Fault]
    """All mistakes, except those in secrets."""

    warnings: list[Fault]
    """Settings that are allowed but probably unintended."""


def load() -> tuple[Settings, Secrets]:
    """Read and check the stack's configuration, and print warnings through the Pulumi engine.

    Raises:
        pulumi.RunError: the configuration has mistakes; the message lists all of them, each with its key, what was
            expected and what to do.
    """
    configuration, stack = loader.from_engine(), pulumi.get_stack()
    judgement = judge(configuration, stack)
    faults = [*judgement.faults, *secret_faults(configuration.document, configuration.secrets, stack)]
    if judgement.settings is None or faults:
        # Without a cause: pydantic's own message may show a secret.
        raise pulumi.RunError(report(faults, f"Pulumi.{stack}.yaml"))
    for warning in judgement.warnings:
        pulumi.warn(str(warning))
    return judgement.settings, read_secrets()


def judge(configuration: Source, stack: str) -> Judgement:
    """Check the configuration of the stack `stack`; the profile supplies values that the stack file leaves out."""
    settings: Settings | None = None
    faults: list[Fault] = []
    try:
        # As JSON: only then does a strict model accept lists for tuples.
        settings = Settings.model_validate_json(json.dumps(applied(configuration.document, Settings)))
    except ValidationError as error:
        faults += translate(error, Settings, stack=stack, encrypted=configuration.encrypted)
    draft = Draft(configuration.document, Settings)
    faults += contradictions(draft)
    faults += source_faults(configuration, faults)
    return Judgement(
        settings=settings, faults=faults, warnings=[*renames.warnings(configuration.renamed), *cautions(draft)]
    )
