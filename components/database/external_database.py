"""A PostgreSQL database outside the platform: its credentials, CA certificate, network access and MLflow's roles."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.database.database import Database, server_role, tls_connection
from components.database.database_role import Administrator, DatabaseRole, DatabaseRoleArgs
from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import service_authority
from components.kubernetes.credential import Credential, GeneratedPassword, Source, credential


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
class ExternalDatabaseArgs:
    """Input of `ExternalDatabase`."""

    namespace: pulumi.Input[str]
    host: str
    port: int
    name: str
    user: str
    password: Source
    """Source of the user's password (entry `password`)."""

    authority: str | None = None
    """CA certificate that the database's clients trust, as PEM; None means the public CA certificates."""

    administrator: AdministratorArgs | None = None
    """None means that roles and database exist already."""

    server: ServerRoleArgs | None = None
    """The server's role, if there is no administrator to create one; None means that MLflow signs in as `user`."""

    image: str
    """The MLflow server's image, for the Job that creates MLflow's role and database."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

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
        server = _server(name, args, child)
        ready = (*password.ready, *(() if server is None else server[1].ready))
        if args.administrator is not None and server is not None:
            administrator = credential(
                f"{name}-administrator", args.administrator.password, namespace=args.namespace, opts=child
            )
            role = DatabaseRole(
                f"{name}-role",
                DatabaseRoleArgs(
                    namespace=args.namespace,
                    image=args.image,
                    pull_secrets=args.pull_secrets,
                    host=args.host,
                    port=args.port,
                    database=args.name,
                    user=args.user,
                    password=password,
                    server_user=server[0],
                    server_password=server[1],
                    administrator=Administrator.by_password(args.administrator.user, administrator),
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
            for user, secret in ((args.user, password), server or (args.user, password))
        )
        self.database = Database(owner=owner, server=client, flows=(flow,), ready=ready)
        self.register_outputs({"host": args.host})


def _server(name: str, args: ExternalDatabaseArgs, opts: pulumi.ResourceOptions) -> tuple[str, Credential] | None:
    """The server's role and its password; None if MLflow signs in as the owner."""
    if args.administrator is not None:
        user, source = server_role(args.user), GeneratedPassword()
    elif args.server is not None:
        user, source = args.server.user, args.server.password
    else:
        return None
    return user, credential(f"{name}-server", source, namespace=args.namespace, opts=opts)
