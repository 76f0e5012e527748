"""Conversion of credential sources from the settings' types to the types of `components.kubernetes.credential`."""

import pulumi

from components.kubernetes.credential import ConfiguredValues, ExistingSecret, GeneratedPassword, Source, SyncedSecret
from settings.schema import credentials
from settings.secrets import required


def password(
    source: credentials.Configured | credentials.PasswordInSecret | credentials.PasswordInStore | credentials.Generated,
    configured: pulumi.Output[str] | None,
) -> Source:
    """Source of a password; `configured` is the password in the stack file, if it is there."""
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
    """Source of the OIDC client secret; `configured` is the client secret in the stack file, if it is there."""
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
