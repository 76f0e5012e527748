"""Conversion of credential sources from the settings' types to the types of `components.kubernetes.credential`."""

import json
from collections.abc import Sequence
from typing import cast

import pulumi

from components.kubernetes.credential import ConfiguredValues, ExistingSecret, GeneratedPassword, Source, SyncedSecret
from settings.schema import credentials
from settings.secrets import required


def password(
    source: credentials.Configured | credentials.PasswordInSecret | credentials.PasswordInStore | credentials.Generated,
    configured: pulumi.Output[str] | None,
) -> Source:
    """Source of a password; `configured` is the password in the stack file, or None."""
    match source:
        case credentials.Configured():
            return ConfiguredValues(values={"password": required(configured)})
        case credentials.Generated():
            return GeneratedPassword(rotation=source.rotation)
        case credentials.PasswordInSecret():
            return ExistingSecret(name=source.name, keys={"password": source.key}, rotation=source.rotation)
        case credentials.PasswordInStore():
            return _synced(source, {"password": source.property})


def client_secret(
    source: credentials.Configured | credentials.ClientSecretInSecret | credentials.ClientSecretInStore,
    configured: pulumi.Output[str] | None,
) -> Source:
    """Source of the OIDC client secret; `configured` is the client secret in the stack file, or None."""
    match source:
        case credentials.Configured():
            return ConfiguredValues(values={"client-secret": required(configured)})
        case credentials.ClientSecretInSecret():
            return ExistingSecret(name=source.name, keys={"client-secret": source.key}, rotation=source.rotation)
        case credentials.ClientSecretInStore():
            return _synced(source, {"client-secret": source.property})


def access_key(
    source: credentials.Configured | credentials.AccessKeyInSecret | credentials.AccessKeyInStore,
    configured_id: pulumi.Output[str] | None,
    configured_key: pulumi.Output[str] | None,
) -> Source:
    """Source of an access key; `configured_id` and `configured_key` are None unless the stack file contains the key."""
    match source:
        case credentials.Configured():
            return ConfiguredValues(
                values={"access-key-id": required(configured_id), "secret-access-key": required(configured_key)}
            )
        case credentials.AccessKeyInSecret():
            return ExistingSecret(
                name=source.name,
                keys={"access-key-id": source.access_key_id_key, "secret-access-key": source.secret_access_key_key},
                rotation=source.rotation,
            )
        case credentials.AccessKeyInStore():
            return _synced(
                source,
                {
                    "access-key-id": source.access_key_id_property,
                    "secret-access-key": source.secret_access_key_property,
                },
            )


def team_keys(configured: pulumi.Output[str], teams: Sequence[str]) -> dict[str, pulumi.Output[tuple[str, str]]]:
    """Access key (id and secret) of each team, from the JSON in the stack file.

    Raises:
        pulumi.RunError: while the outputs are awaited, if keys are missing; the message contains none.
    """
    known = configured.apply(lambda text: parsed_keys(text, teams))
    return {team: known[team] for team in teams}


def parsed_keys(text: str, teams: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Access key (id and secret) of each team, from JSON.

    Raises:
        pulumi.RunError: the text is not JSON, or lacks keys of teams; the message contains no key.
    """
    try:
        given = cast("object", json.loads(text))
    except ValueError:
        given = None
    keys = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    pairs = {team: _pair(keys.get(team)) for team in teams}
    if lacking := [team for team, pair in pairs.items() if pair is None]:
        message = (
            f"artifactsTeamKeys: has no access key of {', '.join(lacking)}; expected JSON like"
            f' {{"{lacking[0]}": {{"accessKeyId": "...", "secretAccessKey": "..."}}}}; set it with'
            " `pulumi config set --secret artifactsTeamKeys`, or remove the team's directAccess"
        )
        raise pulumi.RunError(message)
    return {team: pair for team, pair in pairs.items() if pair is not None}


def _pair(key: object) -> tuple[str, str] | None:
    match key:
        case {"accessKeyId": str(key_id), "secretAccessKey": str(secret)} if key_id and secret:
            return key_id, secret
        case _:
            return None


def _synced(
    source: credentials.PasswordInStore | credentials.ClientSecretInStore | credentials.AccessKeyInStore,
    properties: dict[str, str | None],
) -> Source:
    return SyncedSecret(
        store=source.store,
        store_kind=source.store_kind,
        key=source.key,
        properties=properties,
        rotation=source.rotation,
    )
