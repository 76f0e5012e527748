"""The functions that read and check a stack's configuration.

`load` reads it once and reports all mistakes together. Secrets are not part of the model: they are Pulumi outputs from
the start (`Secrets`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pydantic import ValidationError

from settings import loader, renames
from settings.faults import Fault, report
from settings.loader import Source, plain, source_faults
from settings.modes import AnySettings, model_of
from settings.partial import findings, partial
from settings.profiles import applied
from settings.rules import EXTERNAL_RULES, EXTERNAL_WARNINGS, RULES, WARNINGS
from settings.schema.external import ExternalSettings
from settings.schema.stack import Settings
from settings.secrets import Secrets, needed, read_secrets, secret_faults
from settings.translation import translate


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """A stack file's settings, the mistakes in it and warnings about it."""

    settings: AnySettings | None
    """None if a value in the stack file is wrong or missing."""

    mistakes: list[Fault]
    """All mistakes, except those in secrets."""

    warnings: list[Fault]
    """Settings that are allowed but probably unintended."""

    needed_secrets: list[str]
    """Names of the secrets that the settings need."""

    secret_mistakes: list[Fault]
    """Secrets that are missing, stored in plain text or with white space, or not used."""


def load() -> tuple[AnySettings, Secrets]:
    """Read and check the stack's configuration, and print warnings through the Pulumi engine.

    Raises:
        pulumi.RunError: the configuration has mistakes; the message lists all of them, each with its key, what was
            expected and what to do.
    """
    stack = pulumi.get_stack()
    validation = validate(loader.from_engine(), stack)
    mistakes = [*validation.mistakes, *validation.secret_mistakes]
    # Also beside mistakes: one of them may be about a key that the file has by its old name.
    for warning in validation.warnings:
        pulumi.warn(str(warning))
    if validation.settings is None or mistakes:
        # Without a cause: pydantic's own message may show a secret.
        raise pulumi.RunError(report(mistakes, f"Pulumi.{stack}.yaml"))
    return validation.settings, read_secrets()


def validate(configuration: Source, stack: str) -> Validation:
    """Check the configuration of the stack `stack`; the profile supplies values that the stack file leaves out."""
    settings: AnySettings | None = None
    mistakes: list[Fault] = []
    document = plain(configuration.document)
    model = model_of(document)
    try:
        # As JSON: only then does a strict model accept lists for tuples.
        settings = model.model_validate_json(json.dumps(applied(document, model)))
    except ValidationError as error:
        mistakes += translate(error, model, stack=stack, encrypted=configuration.encrypted)
    known, found, warnings = _judged(document)
    mistakes += found
    mistakes += source_faults(configuration, mistakes)
    return Validation(
        settings=settings,
        mistakes=mistakes,
        warnings=[*renames.warnings(configuration.renamed), *warnings],
        needed_secrets=needed(known),
        secret_mistakes=list(secret_faults(known, configuration.secrets, stack)),
    )


def _judged(document: Mapping[str, object]) -> tuple[AnySettings, list[Fault], list[Fault]]:
    """The settings without wrong values, and the mistakes and warnings that the rules of their mode find."""
    if model_of(document) is ExternalSettings:
        external = partial(ExternalSettings, document)
        return external, [*findings(EXTERNAL_RULES, external)], [*findings(EXTERNAL_WARNINGS, external)]
    known = partial(Settings, document)
    return known, [*findings(RULES, known)], [*findings(WARNINGS, known)]
