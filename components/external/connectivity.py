"""The connectivity check: a Job in the team's namespace that uses the tracking server as the team's pods will."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.external.tracking import (
    AUTHORITY_FILE,
    AUTHORITY_FOLDER,
    CREDENTIALS,
    Credentials,
    SecretOfTeam,
    TrackingServer,
)
from components.kubernetes import pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.kubernetes.script_job import IGNORE_DISRUPTION, ScriptJobArgs, script_job
from components.team.client_environment import AUTHORITY

core = k8s.core.v1

LABELS = pods.labels("connectivity")
RESOURCES = pods.Resources(cpu="50m", memory="64Mi", cpu_limit="500m", memory_limit="128Mi")
# The script gives up within a minute; the rest is for scheduling the pod and pulling its image.
MINUTES = 4
# Names of the scripts: the check, and the same through a proxy.
TASK, TASK_BY_PROXY = "check-connection", "check-connection-by-proxy"
# Modules that components/scripts/check_connection.py imports.
MODULES = ("client_version.py",)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectivityArgs:
    """Input of `connectivity_job`."""

    namespace: pulumi.Input[str]
    image: str
    pull_secrets: Sequence[str]

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    server: TrackingServer
    credentials: Credentials | None
    secret: core.Secret | None
    """The Secret with credentials from the stack file."""

    client_version: str | None
    pod_labels: Mapping[str, str]
    """Labels of pods that may connect to the server."""

    service_account: pulumi.Input[str]
    ready: Sequence[pulumi.Resource]


def connectivity_job(name: str, args: ConnectivityArgs, opts: pulumi.ResourceOptions) -> k8s.batch.v1.Job:
    """The Job; if the check fails, the deployment stops and shows the last line of the Job's log."""
    files = pods.NOTHING
    if args.server.authority is not None:
        files = volumes.config_map_files("authority", AUTHORITY, AUTHORITY_FOLDER)
    return script_job(
        name,
        ScriptJobArgs(
            namespace=args.namespace,
            labels=LABELS,
            pod_labels=args.pod_labels,
            image=args.image,
            pull_secrets=args.pull_secrets,
            scheduling=args.scheduling,
            task=TASK if args.server.way is None else TASK_BY_PROXY,
            modules=MODULES if args.server.way is None else (f"{TASK.replace('-', '_')}.py", *MODULES),
            env=_environment(args),
            resources=RESOURCES,
            attachment=files if args.server.way is None else pods.joined(files, args.server.way.attachment),
            # The NetworkPolicy of the team's pods opens the connection: it is part of what is checked.
            egress=(),
            backoff_limit=0,
            pod_failure_policy=IGNORE_DISRUPTION,
            minutes=MINUTES,
            service_account=args.service_account,
            ready=args.ready,
        ),
        opts,
    )


def _environment(args: ConnectivityArgs) -> list[core.EnvVarArgs]:
    plain = {"TRACKING_URL": args.server.url, "NAMESPACE": args.namespace}
    if args.server.databricks:
        plain["DATABRICKS"] = "true"
    if args.server.authority is not None:
        plain["AUTHORITY_FILE"] = AUTHORITY_FILE
    if args.client_version is not None:
        plain["CLIENT_VERSION"] = args.client_version
    name = None
    if isinstance(args.credentials, SecretOfTeam):
        name = args.credentials.name
        plain |= {"SECRET_NAME": name, "ROTATION": str(args.credentials.rotation)}
    elif args.secret is not None:
        name = CREDENTIALS
        # Changed credentials keep the Secret's name: its new identity replaces the Job, which checks them.
        plain["SECRET_UID"] = args.secret.metadata.apply(lambda metadata: metadata.uid or "")
    references = () if name is None else args.server.variables
    return [
        *(core.EnvVarArgs(name=key, value=value) for key, value in plain.items()),
        *(
            core.EnvVarArgs(
                name=variable,
                # Optional, so that the script can say what is missing: the pod would wait for the Secret.
                value_from=core.EnvVarSourceArgs(
                    secret_key_ref=core.SecretKeySelectorArgs(name=name, key=variable, optional=True)
                ),
            )
            for variable in references
        ),
    ]
