"""The section `database` with kind `rds`."""

from typing import Annotated, Literal

from pydantic import Field

from stackfile import amazon, values
from stackfile.kinds import whole
from stackfile.model.base import Model


class RdsDatabase(Model):
    """PostgreSQL 17 at Amazon RDS, made by the platform: encrypted, TLS only, with backups to any second."""

    kind: Literal["rds"]
    """Where metadata is: in PostgreSQL beside MLflow (`in-cluster`), at Amazon RDS (`rds`), in somebody else's
    (`external`), or in a file (`sqlite`)."""

    name: values.Identifier = "mlflow"
    """Name of the database, which `up` makes."""

    user: values.Identifier = "mlflow"
    """Role that MLflow signs in as; `up` makes it and its password."""

    instance_class: amazon.InstanceClass
    """Size of the instance; its memory decides how many connections it takes."""

    storage: amazon.Storage = "50Gi"
    """Size of the volume (gp3), which only ever grows."""

    max_storage: amazon.Storage | None = None
    """Up to which RDS lets the volume grow by itself when it is nearly full; absent means twice `storage`."""

    multi_az: values.Flag = True
    """Whether a standby in another zone takes over within a minute or two."""

    backup_days: Annotated[int, whole(0, 35)] = 14
    """Days to any second of which the database can be restored; 0 means no backups."""

    backup_window: amazon.DailyWindow = "01:00-02:00"
    """When the daily snapshot is taken."""

    maintenance_window: amazon.WeeklyWindow = "sun:03:00-sun:04:00"
    """When AWS installs minor versions."""

    kms_key: amazon.KeyArn | None = None
    """ARN of the key that encrypts it; absent means one of the platform's own. Another key later means another
    instance."""

    vpc: amazon.VpcId
    """VPC of the subnets."""

    subnets: tuple[amazon.SubnetId, ...] = Field(min_length=1)
    """Private subnets in two or more zones."""

    client_security_groups: tuple[amazon.SecurityGroupId, ...] = Field(min_length=1)
    """Security groups of the cluster's nodes or pods; nobody else reaches the database."""

    performance_insights_days: Annotated[int, whole(0, 731)] = 7
    """Days for which RDS keeps what queries cost: 7, 731, or a multiple of 31; 0 keeps nothing."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """The instance's `max_connections`; absent means what RDS gives to its class. Changed by a reboot."""

    authority: values.Authority
    """Certificates of RDS's authorities: https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem."""

    password_rotation: Annotated[int, whole(1, 1_000_000)] = 1
    """Each new number is a new password of MLflow's role, and restarts the server with it."""
