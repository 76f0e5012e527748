"""PostgreSQL 17 at Amazon RDS: encrypted at rest and on the way, backed up to any second, reached by the cluster only.

The administrator's password is made and rotated by RDS, in Secrets Manager. The program never reads it, so it is in no
state; a Job in the cluster does, once, to make MLflow's own role (components/database/role.py).
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.aws.key import storage_key

PORT = 5432
VERSION = "17"
FAMILY = f"postgres{VERSION}"
# The authority that signs the instance's certificate: RDS's present default, valid until 2061.
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"


@dataclass(frozen=True, kw_only=True, slots=True)
class RdsArgs:
    """Input of `Rds`."""

    administrator: str
    """Name of the role that makes MLflow's."""

    instance_class: str
    storage: int
    """GiB."""

    max_storage: int
    """GiB up to which RDS lets the volume grow."""

    multi_az: bool
    backup_days: int
    backup_window: str
    maintenance_window: str
    key: str | None
    """ARN of the KMS key that encrypts it; None makes one."""

    vpc: str
    subnets: tuple[str, ...]
    client_security_groups: tuple[str, ...]
    insights_days: int
    """Days for which the costs of queries are kept; 0 keeps nothing."""

    max_connections: int | None
    """None leaves it to the instance's memory."""

    durable: bool
    """Whether deleting it is refused, twice, and takes a last snapshot."""


def parameters(max_connections: int | None) -> list[aws.rds.ParameterGroupParameterArgsDict]:
    """What differs from RDS's own defaults, or would be missed if they changed."""
    found: list[aws.rds.ParameterGroupParameterArgsDict] = [
        {"name": "rds.force_ssl", "value": "1", "apply_method": "immediate"}
    ]
    if max_connections is not None:
        found.append({"name": "max_connections", "value": str(max_connections), "apply_method": "pending-reboot"})
    return found


class Rds(pulumi.ComponentResource):
    """The instance, who reaches it, and the key that encrypts it and its snapshots."""

    host: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the key that encrypts it."""

    administrator_secret: pulumi.Output[str]
    """ARN of the secret that holds the administrator's name and password."""

    instance: aws.rds.Instance

    def __init__(self, name: str, args: RdsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Rds", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Kept even when the instance goes: without it nobody reads the snapshots.
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
        # A name is taken once: another instance of the same role in the stack leaves a snapshot of its own.
        suffix = random.RandomString(
            f"{name}-snapshot",
            length=8,
            special=False,
            upper=False,
            keepers={"key": self.key, "administrator": args.administrator},
            opts=child,
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
            final_snapshot_identifier=pulumi.Output.concat("mlflow-", name, "-", suffix.result),
            performance_insights_enabled=args.insights_days > 0,
            performance_insights_retention_period=args.insights_days or None,
            performance_insights_kms_key_id=self.key if args.insights_days else None,
            enabled_cloudwatch_logs_exports=["postgresql", "upgrade"],
            # Otherwise RDS waits for the maintenance window while the server already counts on what was changed. A
            # change of the class costs a failover, and the preview shows it. `max_connections` waits for a restart all
            # the same.
            apply_immediately=True,
            opts=pulumi.ResourceOptions(parent=self, protect=args.durable),
        )
        self.host = self.instance.address
        self.administrator_secret = self.instance.master_user_secrets.apply(lambda found: found[0].secret_arn or "")
        self.register_outputs({"host": self.host, "key": self.key})

    def _firewall(self, name: str, args: RdsArgs) -> aws.ec2.SecurityGroup:
        """Nothing but PostgreSQL's port, from nowhere but the cluster; and no way out, for it needs none."""
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
