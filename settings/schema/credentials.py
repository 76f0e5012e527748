"""The sections `credentials` of `database`, `artifacts` and `login`: the source of each credential.

These models contain no passwords or keys. With kind `configuration` the credential is an encrypted value under another
key of the stack file, which `settings/secrets.py` reads.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.types import values
from settings.types.kinds import whole

Rotation = Annotated[int, whole(1, 1_000_000)]


@dataclass(frozen=True, slots=True)
class Needs:
    """The encrypted value that a section `credentials` needs if it has a certain kind; see `settings/secrets.py`.

    It is metadata of the field, such as `Annotated[Password, Needs("databasePassword", "...")]`.
    """

    secret: str
    """Key of the value in the stack file."""

    meaning: str

    of: "type[Model] | None" = None
    """The kind of credentials that needs the value; None means `Configured`."""


class Configured(Model):
    """An encrypted value in the stack file; see `settings/secrets.py`."""

    kind: Literal["configuration"]


class Generated(Model):
    """A password that `up` generates; a Job signs in to the database as administrator and sets it."""

    kind: Literal["generated"]

    rotation: Rotation = 1
    """Raise this number to generate a new password and restart the server."""


class _InSecret(Model):
    """An existing Secret in the platform's namespace."""

    kind: Literal["secret"]

    name: values.ObjectName
    """Name of a Secret in the platform's namespace."""

    rotation: Rotation = 1
    """Raise this number after the Secret has changed, to restart the server."""


class _InStore(Model):
    """A secret in a secret manager; External Secrets Operator copies it into the platform's namespace."""

    kind: Literal["external-secret"]

    store: values.ObjectName
    """Name of the ClusterSecretStore or SecretStore."""

    store_kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"
    """Kind of the secret store; a `SecretStore` must be in the platform's namespace."""

    key: values.Plain
    """Name of the secret in the secret manager."""

    rotation: Rotation = 1
    """Raise this number after the secret has changed, to restart the server."""


class PasswordInSecret(_InSecret):
    """A password in an existing Secret in the platform's namespace."""

    key: values.SecretKey = "password"
    """Key in the Secret that holds the password."""


class PasswordInStore(_InStore):
    """A password in a secret manager; External Secrets Operator copies it into the platform's namespace."""

    property: values.Plain | None = None
    """Property of the secret that holds the password; absent means the whole secret."""


class ClientSecretInSecret(_InSecret):
    """A client secret in an existing Secret in the platform's namespace."""

    key: values.SecretKey = "client-secret"
    """Key in the Secret that holds the client secret."""


class ClientSecretInStore(_InStore):
    """A client secret in a secret manager; External Secrets Operator copies it into the platform's namespace."""

    property: values.Plain | None = None
    """Property of the secret that holds the client secret; absent means the whole secret."""


class AccessKeyInSecret(_InSecret):
    """An access key in an existing Secret in the platform's namespace."""

    access_key_id_key: values.SecretKey = "AWS_ACCESS_KEY_ID"
    """Key in the Secret that holds the access key ID."""

    secret_access_key_key: values.SecretKey = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a name, not the key
    """Key in the Secret that holds the secret access key."""


class AccessKeyInStore(_InStore):
    """An access key in a secret manager; External Secrets Operator copies it into the platform's namespace."""

    access_key_id_property: values.Plain = "AWS_ACCESS_KEY_ID"
    """Property of the secret that holds the access key ID."""

    secret_access_key_property: values.Plain = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a name, not the key
    """Property of the secret that holds the secret access key."""


class WorkloadIdentity(Model):
    """No access key: AWS accepts the token of the server's service account."""

    kind: Literal["workload-identity"]

    role_arn: values.RoleArn
    """ARN of an IAM role whose trust policy names the service account `mlflow` in the platform's namespace."""


Password = Annotated[Configured | PasswordInSecret | PasswordInStore, Field(discriminator="kind")]
PasswordOrGenerated = Annotated[
    Configured | PasswordInSecret | PasswordInStore | Generated, Field(discriminator="kind")
]
ClientSecret = Annotated[Configured | ClientSecretInSecret | ClientSecretInStore, Field(discriminator="kind")]
BucketAccess = Annotated[
    Configured | AccessKeyInSecret | AccessKeyInStore | WorkloadIdentity, Field(discriminator="kind")
]
CONFIGURED = Configured(kind="configuration")
