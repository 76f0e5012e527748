"""Finds leaked secrets: secret values outside Kubernetes Secrets and secret outputs of the stack."""

import base64
from collections.abc import Iterator

from tests.harness import Recording, leaves

SECRET_TYPE = "kubernetes:core/v1:Secret"  # noqa: S105 - a type token
# Variables of a store's client, which are in a Secret beside its access key and in plain text elsewhere.
BESIDE_KEYS = {
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "MLFLOW_S3_ENDPOINT_URL",
    "WORKSPACE_ARTIFACTS",
}


def leaks(recording: Recording) -> list[str]:
    """A sentence for each leaked secret."""
    return [*_marked_elsewhere(recording), *_in_plain_text(recording)]


def _marked_elsewhere(recording: Recording) -> Iterator[str]:
    for resource in recording:
        if resource.type != SECRET_TYPE:
            for path in resource.secrets:
                yield f"{resource.name}: {path} is a secret, and {resource.type} is none"


def _in_plain_text(recording: Recording) -> Iterator[str]:
    values = _forms(recording)
    for place, text in _readable(recording):
        if any(value in text for value in values):
            yield f"{place} shows a secret to whoever may read the state"


def _forms(recording: Recording) -> frozenset[str]:
    """Secret values and values computed from them, in plain text and in base64."""
    # Access key ids are no secrets, although they are in a Secret beside their keys.
    public = {resource.id for resource in recording.of("RandomString")}
    derived = {
        value
        for resource in recording
        for path, value in resource.secrets.items()
        if path.rpartition(".")[2] not in BESIDE_KEYS
    } - public
    plain = recording.secret_values | derived
    return plain | {base64.b64encode(value.encode()).decode() for value in plain}


def _readable(recording: Recording) -> Iterator[tuple[str, str]]:
    """All texts that are in the state without encryption."""
    for resource in recording:
        yield f"{resource.name}: its id", resource.id
        yield f"{resource.name}: its name", resource.name
        for path, text in resource.plain.items():
            yield f"{resource.name}: {path}", text
    for owner, outputs in recording.outputs.items():
        for path, text, secret in leaves(outputs):
            if not secret:
                yield f"output {path} of {owner or 'the stack'}", text
