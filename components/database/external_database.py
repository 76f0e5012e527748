"""A PostgreSQL database that somebody else runs: its credential, its authority, the way there, and MLflow's role."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.database.database import Database, postgresql_uri, verified_tls
from components.database.role import Administrator, DatabaseRole, DatabaseRoleArgs
from components.kubernetes import ca_certificates as authority
from components.kubernetes import networks, pods
from components.kubernetes.credential import Source, credential


@dataclass(frozen=True, kw_only=True, slots=True)
class AdministratorArgs:
    """Who makes role and database."""

    user: str
    password: Source
    """In the entry `password`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalDatabaseArgs:
    """Input of `ExternalDatabase`."""

    namespace: pulumi.Input[str]
    host: str
    port: int
    name: str
    user: str
    password: Source
    """In the entry `password`."""

    authority: str | None = None
    """PEM of the authority that signed the server's certificate; None means a public one."""

    administrator: AdministratorArgs | None = None
    """None means that role and database are there."""

    image: str
    """The server's image, for the Job that makes role and database."""

    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that images are pulled with."""

    trust: pods.Attachment = pods.NOTHING
    """Further authorities that count as public ones."""


class ExternalDatabase(pulumi.ComponentResource):
    """A PostgreSQL database by host, port, user name and password; its TLS certificate is verified."""

    database: Database

    def __init__(self, name: str, args: ExternalDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalDatabase", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        password = credential(name, args.password, namespace=args.namespace, opts=child)
        believed = authority.of_its_own(name, args.authority, namespace=args.namespace, opts=child)
        flow = networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[args.port])
        ready = password.ready
        if args.administrator is not None:
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
                    administrator=Administrator.by_password(args.administrator.user, administrator),
                    authority=believed,
                    trust=args.trust,
                    flow=flow,
                ),
                child,
            )
            ready = (role.done,)
        self.database = Database(
            uri=postgresql_uri(
                host=args.host, port=args.port, name=args.name, user=args.user, tls=verified_tls(believed.file)
            ),
            attachment=pods.joined(believed.attachment, pods.Attachment(env=password.env({"PGPASSWORD": "password"}))),
            flows=(flow,),
            ready=ready,
        )
        self.register_outputs({"host": args.host})
