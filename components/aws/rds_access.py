"""MLflow's way into a database at RDS: a role of its own, made by a Job that reads the administrator's password."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import region_environment
from components.aws.pod_identity import Identity
from components.aws.rds import PORT
from components.database.database import Database, postgresql_uri, verified_tls
from components.database.role import Administrator, DatabaseRole, DatabaseRoleArgs
from components.kubernetes import ca_certificates as authority
from components.kubernetes import networks, pods
from components.kubernetes.credential import Generated, credential

core = k8s.core.v1

# Of the Job alone: the server's own pods may not read the administrator's password.
SERVICE_ACCOUNT = "mlflow-database-role"


@dataclass(frozen=True, kw_only=True, slots=True)
class RdsAccessArgs:
    """Input of `RdsAccess`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image, for the Job that makes role and database."""

    pull_secrets: tuple[str, ...] = ()
    """Names of the Secrets that it is pulled with."""

    region: str
    host: pulumi.Input[str]
    name: str
    """Name of the database."""

    user: str
    rotation: int
    """Each new number is a new password of `user`."""

    authority: str
    """PEM of RDS's authorities."""

    administrator_secret: pulumi.Input[str]
    """ARN of the secret that holds the administrator's name and password."""

    identity: Identity
    """Who the Job is to AWS."""

    trust: pods.Attachment = pods.NOTHING
    """Further authorities that count as public ones."""


class RdsAccess(pulumi.ComponentResource):
    """The role's password, the authority that signs the instance's certificate, and the Job."""

    database: Database

    def __init__(self, name: str, args: RdsAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:RdsAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        password = credential(f"{name}-user", Generated(rotation=args.rotation), namespace=args.namespace, opts=child)
        believed = authority.of_its_own(name, args.authority, namespace=args.namespace, opts=child)
        flow = networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[PORT])
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=SERVICE_ACCOUNT),
            automount_service_account_token=False,
            opts=child,
        )
        secret = core.EnvVarArgs(name="ADMINISTRATOR_SECRET_ARN", value=args.administrator_secret)
        role = DatabaseRole(
            f"{name}-role",
            DatabaseRoleArgs(
                namespace=args.namespace,
                image=args.image,
                pull_secrets=args.pull_secrets,
                host=args.host,
                port=PORT,
                database=args.name,
                user=args.user,
                password=password,
                administrator=Administrator(
                    attachment=pods.joined(
                        pods.Attachment(env=(secret, *region_environment(args.region))), args.identity.attachment
                    ),
                    flows=args.identity.flows,
                    ready=args.identity.ready,
                    service_account=account.metadata.name,
                ),
                authority=believed,
                trust=args.trust,
                flow=flow,
            ),
            child,
        )
        self.database = Database(
            uri=postgresql_uri(
                host=args.host, port=PORT, name=args.name, user=args.user, tls=verified_tls(believed.file)
            ),
            attachment=pods.joined(believed.attachment, pods.Attachment(env=password.env({"PGPASSWORD": "password"}))),
            flows=(flow,),
            ready=(role.done,),
        )
        self.register_outputs({})
