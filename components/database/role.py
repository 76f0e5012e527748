"""MLflow's role and database in a PostgreSQL that the platform does not run, made by a Job as its administrator.

The role owns its own database and with it what is in there, and nothing else. The Job runs again when a password, the
administrator or the names change; what is there already stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import Authority
from components.kubernetes.credential import Credential
from components.scripts import script

core = k8s.core.v1

LABELS = pods.labels("database-role")
# Measured: 45 MiB with psycopg, 110 MiB with boto3 beside it.
RESOURCES = pods.Resources(cpu="50m", memory="64Mi", cpu_limit="1", memory_limit="256Mi")


@dataclass(frozen=True, kw_only=True, slots=True)
class Administrator:
    """Who may create roles and databases."""

    attachment: pods.Attachment
    """ADMINISTRATOR_USER and ADMINISTRATOR_PASSWORD; or ADMINISTRATOR_SECRET_ARN, a secret of AWS Secrets Manager with
    both, and what boto3 needs to read it."""

    flows: tuple[networks.Flow, ...] = ()
    """The way to whoever knows the password."""

    ready: tuple[pulumi.Resource, ...] = ()
    """What must exist before the Job starts."""

    service_account: pulumi.Input[str] | None = None
    """The one that the Job runs as, where it has to prove who it is."""

    @classmethod
    def by_password(cls, user: str, password: Credential) -> "Administrator":
        """An administrator whose password is in the entry `password`."""
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
    """With Python and psycopg: the server's."""

    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that images are pulled with."""

    host: pulumi.Input[str]
    port: pulumi.Input[int]
    database: str
    user: str
    """The role."""

    password: Credential
    """The role's, in the entry `password`."""

    administrator: Administrator
    authority: Authority
    """Who has signed the server's certificate."""

    trust: pods.Attachment = pods.NOTHING
    """Further authorities for everything else that the Job asks."""

    flow: networks.Flow
    """The way to the database."""

    ready: tuple[pulumi.Resource, ...] = ()
    """What must exist before the Job starts."""


class DatabaseRole(pulumi.ComponentResource):
    """The Job; a failure stops the deployment and says why."""

    done: pulumi.Resource

    def __init__(self, name: str, args: DatabaseRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:DatabaseRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        scripts = core.ConfigMap(
            f"{name}-script",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={"ensure_role.py": script("ensure_role.py")},
            opts=child,
        )
        network = networks.open_flows(
            name, args.namespace, to_pods=LABELS, egress=[args.flow, *args.administrator.flows], opts=child
        )
        self.done = k8s.batch.v1.Job(
            f"{name}-job",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace,
                labels=LABELS,
                # A Job that failed stays failed: replace it on the next `up`.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=k8s.batch.v1.JobSpecArgs(
                # The script itself is patient where another try may help.
                backoff_limit=0,
                pod_failure_policy=pods.drain_is_no_failure(),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS), spec=_pod(args, scripts.metadata.name)
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*args.ready, *args.password.ready, *args.administrator.ready, network]
            ),
        )
        self.register_outputs({})


def _pod(args: DatabaseRoleArgs, scripts: pulumi.Input[str]) -> core.PodSpecArgs:
    given = pods.joined(args.trust, args.authority.attachment, args.administrator.attachment)
    return core.PodSpecArgs(
        restart_policy="Never",
        image_pull_secrets=pods.pull_secrets(args.pull_secrets),
        service_account_name=args.administrator.service_account,
        security_context=pods.pod_security(pods.MLFLOW_UID),
        automount_service_account_token=False,
        enable_service_links=False,
        init_containers=[*given.init_containers],
        containers=[
            core.ContainerArgs(
                name="ensure-role",
                image=args.image,
                command=["python3", "/etc/ensure-role/ensure_role.py"],
                env=[
                    core.EnvVarArgs(name="PGHOST", value=args.host),
                    core.EnvVarArgs(name="PGPORT", value=pulumi.Output.from_input(args.port).apply(str)),
                    core.EnvVarArgs(name="PGSSLMODE", value="verify-full"),
                    core.EnvVarArgs(name="PGSSLROOTCERT", value=args.authority.file),
                    core.EnvVarArgs(name="ROLE", value=args.user),
                    core.EnvVarArgs(name="DATABASE", value=args.database),
                    *args.password.env({"ROLE_PASSWORD": "password"}),
                    *given.env,
                ],
                resources=RESOURCES.to_args(),
                security_context=pods.container_security(),
                termination_message_policy="FallbackToLogsOnError",
                volume_mounts=[
                    core.VolumeMountArgs(name="script", mount_path="/etc/ensure-role", read_only=True),
                    *given.mounts,
                ],
            )
        ],
        volumes=[
            core.VolumeArgs(name="script", config_map=core.ConfigMapVolumeSourceArgs(name=scripts)),
            *given.volumes,
        ],
    )
