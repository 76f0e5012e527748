"""MLflow's roles and database on a PostgreSQL server outside the platform, created by a Job as an administrator.

One role owns the database and has no other rights; MLflow signs in as the other one, which owns nothing. The Job runs
again when a password, the administrator or a name changes: it sets both passwords again, and does not change an
existing database.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import Authority
from components.kubernetes.credential import Credential
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.kubernetes.script_job import IGNORE_DISRUPTION, ScriptJobArgs, script_job

core = k8s.core.v1

LABELS = pods.labels("database-role")
# Measured: 45 MiB with psycopg alone, 110 MiB with psycopg and boto3.
RESOURCES = pods.Resources(cpu="50m", memory="64Mi", cpu_limit="1", memory_limit="256Mi")


@dataclass(frozen=True, kw_only=True, slots=True)
class Administrator:
    """The administrator account of the PostgreSQL server, with which the Job creates MLflow's role and database."""

    attachment: pods.Attachment
    """Environment variables ADMINISTRATOR_USER and ADMINISTRATOR_PASSWORD; or ADMINISTRATOR_SECRET_ARN, the ARN of a
    secret in AWS Secrets Manager with user and password, and the settings with which boto3 can read that secret."""

    flows: tuple[networks.Flow, ...] = ()
    """Connections that are needed to read the password from AWS Secrets Manager; none if it is in a Secret."""

    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must exist before the Job starts."""

    service_account: pulumi.Input[str] | None = None
    """Service account of the Job, if it has to authenticate to AWS to read the password."""

    @classmethod
    def by_password(cls, user: str, password: Credential) -> "Administrator":
        """An administrator whose password is the entry `password` of a credential."""
        return cls(
            attachment=pods.Attachment(
                env=(
                    core.EnvVarArgs(name="ADMINISTRATOR_USER", value=user),
                    *password.env({"ADMINISTRATOR_PASSWORD": "password"}),
                )
            ),
            ready=password.ready,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseRoleArgs:
    """Input of `DatabaseRole`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image: it has Python and psycopg."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    host: pulumi.Input[str]
    port: pulumi.Input[int]
    database: str
    user: str
    """Name of the role that owns the database."""

    password: Credential
    """The credential whose entry `password` is the owner's password."""

    server_user: str
    """Name of the role that MLflow signs in as."""

    server_password: Credential
    """The credential whose entry `password` is the password of that role."""

    administrator: Administrator
    authority: Authority
    """CA certificate of the database server."""

    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates, which the Job trusts when it calls services other than the database."""

    flow: networks.Flow
    """Connection to the database."""

    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must exist before the Job starts."""


class DatabaseRole(pulumi.ComponentResource):
    """The Job that creates roles and database; if it fails, the deployment stops and shows the Job's error message."""

    done: pulumi.Resource

    def __init__(self, name: str, args: DatabaseRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:DatabaseRole", name, None, opts)
        self.done = script_job(
            name,
            ScriptJobArgs(
                namespace=args.namespace,
                labels=LABELS,
                image=args.image,
                pull_secrets=args.pull_secrets,
                scheduling=args.scheduling,
                task="ensure-role",
                env=[
                    core.EnvVarArgs(name="PGHOST", value=args.host),
                    core.EnvVarArgs(name="PGPORT", value=pulumi.Output.from_input(args.port).apply(str)),
                    core.EnvVarArgs(name="PGSSLMODE", value="verify-full"),
                    core.EnvVarArgs(name="PGSSLROOTCERT", value=args.authority.file),
                    core.EnvVarArgs(name="ROLE", value=args.user),
                    core.EnvVarArgs(name="DATABASE", value=args.database),
                    core.EnvVarArgs(name="SERVER_ROLE", value=args.server_user),
                    *args.password.env({"ROLE_PASSWORD": "password"}),
                    *args.server_password.env({"SERVER_PASSWORD": "password"}),
                ],
                resources=RESOURCES,
                attachment=pods.joined(args.trust, args.authority.attachment, args.administrator.attachment),
                egress=[args.flow, *args.administrator.flows],
                # The script itself retries where that can help.
                backoff_limit=0,
                pod_failure_policy=IGNORE_DISRUPTION,
                service_account=args.administrator.service_account,
                ready=[*args.ready, *args.password.ready, *args.server_password.ready, *args.administrator.ready],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
