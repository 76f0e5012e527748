"""Where credentials come from: the sections `credentials` of a database, of a bucket and of a login.

None of them holds a secret. `configuration` is the stack file's own encrypted values, which `stackfile/secrets.py`
names.
"""

from typing import Annotated, Literal

from pydantic import Field

from stackfile import values
from stackfile.kinds import whole
from stackfile.model.base import Model

Rotation = Annotated[int, whole(1, 1_000_000)]


class Configured(Model):
    """An encrypted value of the stack file; see Secrets below."""

    kind: Literal["configuration"]
    """Where the credential comes from."""


class Generated(Model):
    """A password that `up` makes, and the administrator gives to the role."""

    kind: Literal["generated"]
    """Where the credential comes from."""

    rotation: Rotation = 1
    """Another number makes another password, and rolls the server."""


class _InSecret(Model):
    """A Secret that exists in the platform's namespace."""

    kind: Literal["secret"]
    """Where the credential comes from."""

    name: values.ObjectName
    """Name of the Secret, which is in the platform's namespace."""

    rotation: Rotation = 1
    """Another number rolls the server after the Secret's content has changed."""


class _InStore(Model):
    """An entry of a secret manager, which External Secrets copies into the platform's namespace."""

    kind: Literal["external-secret"]
    """Where the credential comes from."""

    store: values.ObjectName
    """Name of the store."""

    store_kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"
    """Kind of the store; a `SecretStore` is in the platform's namespace."""

    key: values.Plain
    """Name of the secret in the secret manager."""

    rotation: Rotation = 1
    """Another number rolls the server after the secret's content has changed."""


class PasswordInSecret(_InSecret):
    """A Secret that exists in the platform's namespace."""

    key: values.SecretKey = "password"
    """The Secret's key that holds the password."""


class PasswordInStore(_InStore):
    """An entry of a secret manager, which External Secrets copies into the platform's namespace."""

    property: values.Plain | None = None
    """Property of the secret that is the password; absent means the whole secret."""


class ClientSecretInSecret(_InSecret):
    """A Secret that exists in the platform's namespace."""

    key: values.SecretKey = "client-secret"
    """The Secret's key that holds the client's secret."""


class ClientSecretInStore(_InStore):
    """An entry of a secret manager, which External Secrets copies into the platform's namespace."""

    property: values.Plain | None = None
    """Property of the secret that is the client's; absent means the whole secret."""


class AccessKeyInSecret(_InSecret):
    """A Secret that exists in the platform's namespace."""

    access_key_id_key: values.SecretKey = "AWS_ACCESS_KEY_ID"
    """The Secret's key that holds the id of the access key."""

    secret_access_key_key: values.SecretKey = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - where it is, not what it is
    """The Secret's key that holds the access key itself."""


class AccessKeyInStore(_InStore):
    """An entry of a secret manager, which External Secrets copies into the platform's namespace."""

    access_key_id_property: values.Plain = "AWS_ACCESS_KEY_ID"
    """Property of the secret that is the id of the access key."""

    secret_access_key_property: values.Plain = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - where it is, not what it is
    """Property of the secret that is the access key itself."""


class WorkloadIdentity(Model):
    """No key: AWS takes a token of the server's service account for it."""

    kind: Literal["workload-identity"]
    """Where the credential comes from."""

    role_arn: values.RoleArn
    """The role, whose trust policy names the service account `mlflow` of the platform's namespace."""


Password = Annotated[Configured | PasswordInSecret | PasswordInStore, Field(discriminator="kind")]
PasswordOrGenerated = Annotated[
    Configured | PasswordInSecret | PasswordInStore | Generated, Field(discriminator="kind")
]
ClientSecret = Annotated[Configured | ClientSecretInSecret | ClientSecretInStore, Field(discriminator="kind")]
BucketAccess = Annotated[
    Configured | AccessKeyInSecret | AccessKeyInStore | WorkloadIdentity, Field(discriminator="kind")
]
CONFIGURED = Configured(kind="configuration")
