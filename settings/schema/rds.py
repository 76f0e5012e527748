"""The section `database` with kind `rds`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.types import amazon, values
from settings.types.kinds import whole

# The administrator's role, which creates MLflow's role.
ADMINISTRATOR = "platform_administrator"


class RdsDatabase(Model):
    """A new PostgreSQL 17 instance at Amazon RDS: encrypted, TLS only, with point-in-time recovery."""

    exclusive_volume: ClassVar = False

    kind: Literal["rds"]

    name: values.Identifier = "mlflow"
    """Name of the database, which `up` creates."""

    user: values.Identifier = "mlflow"
    """Role that owns the database; `up` creates it, and a role `<user>_server` that MLflow connects as, with generated
    passwords."""

    instance_class: amazon.InstanceClass
    """Instance class; its memory determines `max_connections`."""

    storage: amazon.Storage = "50Gi"
    """Size of the gp3 volume; it can grow but not shrink."""

    max_storage: amazon.Storage | None = None
    """Size up to which RDS grows the volume automatically; absent means twice `storage`."""

    multi_az: values.Flag = True
    """Run a standby in another zone, which takes over within one or two minutes."""

    backup_days: Annotated[int, whole(0, 35)] = 14
    """Days for which point-in-time recovery is possible; 0 means no backups."""

    backup_window: amazon.DailyWindow = "01:00-02:00"
    """Time of the daily snapshot."""

    maintenance_window: amazon.WeeklyWindow = "sun:03:00-sun:04:00"
    """Time at which AWS may install minor versions."""

    kms_key: amazon.KeyArn | None = None
    """ARN of the KMS key; absent means that the platform creates one. A change replaces the instance."""

    vpc: amazon.VpcId
    """VPC of the subnets."""

    subnets: tuple[amazon.SubnetId, ...] = Field(min_length=1)
    """Private subnets in two or more zones."""

    client_security_groups: tuple[amazon.SecurityGroupId, ...] = Field(min_length=1)
    """Security groups of the cluster's nodes or pods; only they can connect to the database."""

    performance_insights_days: Annotated[int, whole(0, 731)] = 7
    """Retention of Performance Insights in days: 7, 731 or a multiple of 31; 0 switches it off."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """`max_connections` of the instance; absent means the default of its class. A change needs a reboot."""

    authority: values.Authority
    """CA certificates of RDS: https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem."""

    password_rotation: Annotated[int, whole(1, 1_000_000)] = 1
    """Raise this number to generate a new password for MLflow's role and restart the server."""
