"""MLflow's access to a database at RDS: its roles, created by a Job that reads the administrator's password."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import region_environment
from components.aws.pod_identity import AwsIdentity
from components.aws.rds import PORT
from components.database.database import Database, server_role, tls_connection
from components.database.database_role import Administrator, DatabaseRole, DatabaseRoleArgs
from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import service_authority
from components.kubernetes.credential import GeneratedPassword, credential
from components.kubernetes.scheduling import ANYWHERE, Scheduling

core = k8s.core.v1

# Service account of the Job alone: the server's pods must not read the administrator's password.
SERVICE_ACCOUNT = "mlflow-database-role"


@dataclass(frozen=True, kw_only=True, slots=True)
class RdsAccessArgs:
    """Input of `RdsAccess`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image, for the Job that creates MLflow's role and database."""

    pull_secrets: tuple[str, ...] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    region: str
    host: pulumi.Input[str]
    name: str
    """Name of the database."""

    user: str
    rotation: int
    """A new number generates new passwords of `user` and of the server's role."""

    authority: str
    """CA certificates of RDS, as PEM."""

    administrator_secret: pulumi.Input[str]
    """ARN of the secret in Secrets Manager that holds the administrator's name and password."""

    identity: AwsIdentity
    """AWS identity of the Job."""

    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates, which the Job trusts in addition to the public ones."""


class RdsAccess(pulumi.ComponentResource):
    """The passwords of MLflow's database roles, the CA certificates of RDS, and the Job that creates the roles."""

    database: Database

    def __init__(self, name: str, args: RdsAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:RdsAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        password = credential(
            f"{name}-user", GeneratedPassword(rotation=args.rotation), namespace=args.namespace, opts=child
        )
        server_password = credential(
            f"{name}-server", GeneratedPassword(rotation=args.rotation), namespace=args.namespace, opts=child
        )
        authority = service_authority(name, args.authority, namespace=args.namespace, opts=child)
        flow = networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[PORT])
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=SERVICE_ACCOUNT),
            automount_service_account_token=False,
            opts=child,
        )
        administrator_secret = core.EnvVarArgs(name="ADMINISTRATOR_SECRET_ARN", value=args.administrator_secret)
        role = DatabaseRole(
            f"{name}-role",
            DatabaseRoleArgs(
                namespace=args.namespace,
                image=args.image,
                pull_secrets=args.pull_secrets,
                scheduling=args.scheduling,
                host=args.host,
                port=PORT,
                database=args.name,
                user=args.user,
                password=password,
                server_user=server_role(args.user),
                server_password=server_password,
                administrator=Administrator(
                    attachment=pods.joined(
                        pods.Attachment(env=(administrator_secret, *region_environment(args.region))),
                        args.identity.attachment,
                    ),
                    flows=args.identity.flows,
                    ready=args.identity.ready,
                    service_account=account.metadata.name,
                ),
                authority=authority,
                trust=args.trust,
                flow=flow,
            ),
            child,
        )
        owner, server = (
            tls_connection(host=args.host, port=PORT, name=args.name, user=user, password=secret, authority=authority)
            for user, secret in ((args.user, password), (server_role(args.user), server_password))
        )
        self.database = Database(
            owner=owner,
            server=server,
            flows=(flow,),
            ready=(role.done,),
        )
        self.register_outputs({})
