"""A PostgreSQL database outside the platform: its credentials, CA certificate, network access and MLflow's roles."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.database.database import Database, server_role, tls_connection
from components.database.database_role import Administrator, DatabaseRole, DatabaseRoleArgs
from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import service_authority
from components.kubernetes.credential import GeneratedPassword, Source, credential
from components.kubernetes.scheduling import ANYWHERE, Scheduling


@dataclass(frozen=True, kw_only=True, slots=True)
class AdministratorArgs:
    """The administrator account of the PostgreSQL server, with which roles and database are created."""

    user: str
    password: Source
    """Source of the administrator's password (entry `password`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerRoleArgs:
    """An existing role for MLflow's server, which owns nothing."""

    user: str
    password: Source
    """Source of the role's password (entry `password`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaArgs:
    """Address of a read replica."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalDatabaseArgs:
    """Input of `ExternalDatabase`."""

    namespace: pulumi.Input[str]
    host: str
    port: int
    name: str
    user: str
    password: Source
    """Source of the user's password (entry `password`)."""

    replica: ReplicaArgs | None = None
    """The read replica that MLflow reads from; None means that it reads from `host`."""

    authority: str | None = None
    """CA certificate that the database's clients trust, as PEM; None means the public CA certificates."""

    server: AdministratorArgs | ServerRoleArgs | None = None
    """The server's own role: from an administrator, who creates it, `user` and the database, or an existing one; None
    means that MLflow signs in as `user`."""

    image: str
    """The MLflow server's image, for the Job that creates MLflow's role and database."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates, which the Job trusts in addition to the public ones."""


class ExternalDatabase(pulumi.ComponentResource):
    """A PostgreSQL database at a host and port, with a user and password. The server's TLS certificate is verified."""

    database: Database

    def __init__(self, name: str, args: ExternalDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalDatabase", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        password = credential(name, args.password, namespace=args.namespace, opts=child)
        authority = service_authority(name, args.authority, namespace=args.namespace, opts=child)
        flow = networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[args.port])
        flows = (flow,)
        server_user, server_password, ready = args.user, password, password.ready
        if isinstance(args.server, ServerRoleArgs):
            server_user = args.server.user
            server_password = credential(f"{name}-server", args.server.password, namespace=args.namespace, opts=child)
            ready = (*password.ready, *server_password.ready)
        elif args.server is not None:
            server_user = server_role(args.user)
            server_password = credential(f"{name}-server", GeneratedPassword(), namespace=args.namespace, opts=child)
            administrator = credential(
                f"{name}-administrator", args.server.password, namespace=args.namespace, opts=child
            )
            role = DatabaseRole(
                f"{name}-role",
                DatabaseRoleArgs(
                    namespace=args.namespace,
                    image=args.image,
                    pull_secrets=args.pull_secrets,
                    scheduling=args.scheduling,
                    host=args.host,
                    port=args.port,
                    database=args.name,
                    user=args.user,
                    password=password,
                    server_user=server_user,
                    server_password=server_password,
                    administrator=Administrator.by_password(args.server.user, administrator),
                    authority=authority,
                    trust=args.trust,
                    flow=flow,
                ),
                child,
            )
            ready = (role.done,)
        owner, client = (
            tls_connection(
                host=args.host, port=args.port, name=args.name, user=user, password=secret, authority=authority
            )
            for user, secret in ((args.user, password), (server_user, server_password))
        )
        replica = None
        if args.replica is not None:
            replica = tls_connection(
                host=args.replica.host,
                port=args.replica.port,
                name=args.name,
                user=server_user,
                password=server_password,
                authority=authority,
            ).uri
            if args.replica.port != args.port:
                flows = (flow, networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[args.replica.port]))
        self.database = Database(owner=owner, server=client, replica=replica, flows=flows, ready=ready)
        self.register_outputs({"host": args.host})
