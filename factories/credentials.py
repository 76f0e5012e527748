"""Where a credential comes from, as the settings say it and as the components take it."""

import pulumi

from components.kubernetes import credential as c
from settings import required
from stackfile.model import credentials as m


def password(
    chosen: m.Configured | m.PasswordInSecret | m.PasswordInStore | m.Generated, configured: pulumi.Output[str] | None
) -> c.Source:
    """One password; `configured` is the stack file's."""
    match chosen:
        case m.Configured():
            return c.Given(values={"password": required(configured)})
        case m.Generated():
            return c.Generated(rotation=chosen.rotation)
        case m.PasswordInSecret():
            return c.Existing(name=chosen.name, keys={"password": chosen.key}, rotation=chosen.rotation)
        case m.PasswordInStore():
            return _synced(chosen, {"password": chosen.property})


def client_secret(
    chosen: m.Configured | m.ClientSecretInSecret | m.ClientSecretInStore, configured: pulumi.Output[str] | None
) -> c.Source:
    """The secret of the login's client; `configured` is the stack file's."""
    match chosen:
        case m.Configured():
            return c.Given(values={"client-secret": required(configured)})
        case m.ClientSecretInSecret():
            return c.Existing(name=chosen.name, keys={"client-secret": chosen.key}, rotation=chosen.rotation)
        case m.ClientSecretInStore():
            return _synced(chosen, {"client-secret": chosen.property})


def access_key(
    chosen: m.Configured | m.AccessKeyInSecret | m.AccessKeyInStore,
    configured_id: pulumi.Output[str] | None,
    configured_key: pulumi.Output[str] | None,
) -> c.Source:
    """An access key; the other two are the stack file's."""
    match chosen:
        case m.Configured():
            return c.Given(
                values={"access-key-id": required(configured_id), "secret-access-key": required(configured_key)}
            )
        case m.AccessKeyInSecret():
            return c.Existing(
                name=chosen.name,
                keys={"access-key-id": chosen.access_key_id_key, "secret-access-key": chosen.secret_access_key_key},
                rotation=chosen.rotation,
            )
        case m.AccessKeyInStore():
            return _synced(
                chosen,
                {
                    "access-key-id": chosen.access_key_id_property,
                    "secret-access-key": chosen.secret_access_key_property,
                },
            )


def _synced(
    chosen: m.PasswordInStore | m.ClientSecretInStore | m.AccessKeyInStore, properties: dict[str, str | None]
) -> c.Source:
    return c.Synced(
        store=chosen.store,
        store_kind=chosen.store_kind,
        key=chosen.key,
        properties=properties,
        rotation=chosen.rotation,
    )
