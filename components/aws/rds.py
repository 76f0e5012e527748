"""PostgreSQL 17 at Amazon RDS: encrypted at rest and in transit, with point-in-time recovery, open to the cluster only.

RDS generates and rotates the administrator's password, and stores it in AWS Secrets Manager. The Pulumi program never
reads the password, so Pulumi's state does not contain it. A Job in the cluster reads the password to create MLflow's
own role (components/database/database_role.py).
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.aws.kms_key import storage_key

PORT = 5432
VERSION = "17"
FAMILY = f"postgres{VERSION}"
# The CA that signs the instance's certificate: RDS's current default, valid until 2061.
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"


@dataclass(frozen=True, kw_only=True, slots=True)
class RdsArgs:
    """Input of `Rds`."""

    administrator: str
    """Name of the master user, which creates MLflow's role."""

    instance_class: str
    storage: int
    """Size of the volume in GiB."""

    max_storage: int
    """Size in GiB up to which RDS lets the volume grow."""

    multi_az: bool
    backup_days: int
    backup_window: str
    maintenance_window: str
    key: str | None
    """ARN of the KMS key that encrypts the database; None creates a KMS key."""

    vpc: str
    subnets: tuple[str, ...]
    client_security_groups: tuple[str, ...]
    insights_days: int
    """Retention of Performance Insights in days; 0 turns it off."""

    max_connections: int | None
    """Connection limit; None lets RDS derive it from the instance's memory."""

    durable: bool
    """True protects the instance from deletion, in Pulumi and at RDS; a forced deletion takes a final snapshot."""


def parameters(max_connections: int | None) -> list[aws.rds.ParameterGroupParameterArgsDict]:
    """Parameters of the DB parameter group: those that must have a certain value, whatever RDS's default is."""
    group: list[aws.rds.ParameterGroupParameterArgsDict] = [
        {"name": "rds.force_ssl", "value": "1", "apply_method": "immediate"}
    ]
    if max_connections is not None:
        group.append({"name": "max_connections", "value": str(max_connections), "apply_method": "pending-reboot"})
    return group


class Rds(pulumi.ComponentResource):
    """The RDS instance, its security group, and the KMS key that encrypts the instance and its snapshots."""

    host: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the KMS key that encrypts the instance."""

    administrator_secret: pulumi.Output[str]
    """ARN of the secret in Secrets Manager that holds the administrator's name and password."""

    instance: aws.rds.Instance

    def __init__(self, name: str, args: RdsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Rds", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Retained even when the instance is deleted: without the key its snapshots cannot be restored.
        self.key = storage_key(
            f"{name}-key",
            args.key,
            "MLflow's database, its snapshots and its administrator's password",
            pulumi.ResourceOptions(parent=self, protect=args.durable, retain_on_delete=args.durable),
        )
        subnets = aws.rds.SubnetGroup(f"{name}-subnets", subnet_ids=list(args.subnets), opts=child)
        group = aws.rds.ParameterGroup(
            f"{name}-parameters", family=FAMILY, parameters=parameters(args.max_connections), opts=child
        )
        self.instance = aws.rds.Instance(
            f"{name}-instance",
            engine="postgres",
            engine_version=VERSION,
            instance_class=args.instance_class,
            allocated_storage=args.storage,
            max_allocated_storage=args.max_storage,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=self.key,
            username=args.administrator,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=self.key,
            multi_az=args.multi_az,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[self._firewall(name, args).id],
            publicly_accessible=False,
            port=PORT,
            parameter_group_name=group.name,
            ca_cert_identifier=CERTIFICATE_AUTHORITY,
            backup_retention_period=args.backup_days,
            backup_window=args.backup_window,
            maintenance_window=args.maintenance_window,
            auto_minor_version_upgrade=True,
            copy_tags_to_snapshot=True,
            delete_automated_backups=not args.durable,
            deletion_protection=args.durable,
            skip_final_snapshot=not args.durable,
            final_snapshot_identifier=self._snapshot_name(name, args),
            performance_insights_enabled=args.insights_days > 0,
            performance_insights_retention_period=args.insights_days or None,
            performance_insights_kms_key_id=self.key if args.insights_days else None,
            enabled_cloudwatch_logs_exports=["postgresql", "upgrade"],
            # Otherwise RDS waits for the maintenance window, while the server already relies on the change. A change of
            # the instance class costs a failover, which the preview shows. `max_connections` always needs a restart.
            apply_immediately=True,
            opts=pulumi.ResourceOptions(parent=self, protect=args.durable),
        )
        self.host = self.instance.address
        self.administrator_secret = self.instance.master_user_secrets.apply(lambda secrets: secrets[0].secret_arn or "")
        self.register_outputs({"host": self.host, "key": self.key})

    def _snapshot_name(self, name: str, args: RdsArgs) -> pulumi.Output[str]:
        """Name of the final snapshot, with a random suffix that changes when the instance is replaced.

        Two snapshots cannot have the same name.
        """
        suffix = random.RandomString(
            f"{name}-snapshot",
            length=8,
            special=False,
            upper=False,
            keepers={"key": self.key, "administrator": args.administrator},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.concat("mlflow-", name, "-", suffix.result)

    def _firewall(self, name: str, args: RdsArgs) -> aws.ec2.SecurityGroup:
        """A security group that allows ingress to PostgreSQL from the cluster only, and no egress."""
        child = pulumi.ResourceOptions(parent=self)
        firewall = aws.ec2.SecurityGroup(
            f"{name}-firewall", description="MLflow's database: the cluster only", vpc_id=args.vpc, opts=child
        )
        for client in args.client_security_groups:
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-{client}",
                security_group_id=firewall.id,
                referenced_security_group_id=client,
                ip_protocol="tcp",
                from_port=PORT,
                to_port=PORT,
                description="PostgreSQL from the cluster",
                opts=child,
            )
        return firewall
